/** @file `dlc eval` and `dlc predict`: a trained model, however it is named, on whatever input. */
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import {
  checkpointOf,
  copyIris,
  dlc,
  documents,
  engineLine,
  start,
  workFolder,
  write,
} from "../support/cli.js";

const folder = workFolder();
const here = { cwd: folder };
const run = "runs/flowers";

beforeAll(async () => {
  copyIris(folder, "flowers", 30);
  const { code, stderr } = await dlc(["train", "flowers/spec.yaml"], here);
  expect(code, stderr).toBe(0);
  await dlc(["build", "flowers/spec.yaml"], here);
});

const flower = { sepal_length: 5, sepal_width: 3.4, petal_length: 1.5, petal_width: 0.2 };
const line = JSON.stringify(flower);

describe("eval", () => {
  it("prints loss, metrics and the confusion matrix of the test split", async () => {
    const { code, stdout, stderr } = await dlc(["eval", "flowers/spec.yaml"], here);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(engineLine) });
    const [head, , name, titles, rule, ...rows] = stdout.trimEnd().split("\n");
    expect(head).toMatch(/^test \(23 examples\): loss [\d.]+, accuracy [\d.]+ %, f1 [\d.]+ %$/);
    expect(name).toBe("species");
    expect(titles).toMatch(/^true \\ predicted {2}setosa {2}versicolor {2}virginica$/);
    expect(rule).toMatch(/^[- ]+$/);
    const counts = rows.map((row) => row.trim().split(/ +/).slice(1).map(Number));
    expect(counts.flat().reduce((sum, count) => sum + count)).toBe(23);
    expect(new Set([titles?.length, ...rows.map((row) => row.length)]).size).toBe(1);
  });

  it("finds the model by spec, run, best, checkpoint and package", async () => {
    const best = checkpointOf(join(folder, run), "best");
    const ways = [
      ["flowers/spec.yaml"],
      [run],
      [`${run}/best`],
      [best],
      ["generated/flowers", "--weights", run],
      [run, "--weights", best],
    ];
    const outcomes = await Promise.all(ways.map((way) => dlc(["eval", ...way], here)));
    for (const outcome of outcomes) expect(outcome).toEqual(outcomes[0]);
    expect(outcomes[0]?.code).toBe(0);
    const last = await dlc(["eval", `${run}/last`, "--json"], here);
    expect(documents(last.stdout)).toMatchObject([
      { weights: { path: checkpointOf(join(folder, run), "last") } },
    ]);
  });

  it("measures any split", async () => {
    for (const [split, examples] of [
      ["train", 104],
      ["validation", 23],
    ] as const) {
      const { stdout } = await dlc(["eval", run, "--split", split, "--json"], here);
      expect(documents(stdout)).toMatchObject([
        {
          schemaVersion: 1,
          split,
          examples,
          metrics: { accuracy: expect.any(Number), f1: expect.any(Number) },
          confusion: { species: { classes: ["setosa", "versicolor", "virginica"] } },
        },
      ]);
    }
  });

  it("notes that the spec has changed since, but not a longer training", async () => {
    const spec = copyIris(folder, "flowers", 99);
    expect(await dlc(["eval", "flowers/spec.yaml"], here)).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(engineLine),
    });
    const text = readFileSync(spec, "utf8");
    writeFileSync(spec, text.replace("units: 16", "units: 8"));
    const { code, stdout, stderr } = await dlc(["eval", "flowers/spec.yaml"], here);
    writeFileSync(spec, text);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^test /);
    expect(stderr).toMatch(/^note: .*another version of this spec/m);
  });

  it.each([
    [["nothing"], "no-trained-model", 1],
    [["nothing.yaml"], "no-trained-model", 1],
    [["flowers"], "no-trained-model", 1],
    [["flowers/spec.yaml", "--runs", "nowhere"], "no-trained-model", 1],
    [["generated/flowers"], "no-trained-model", 2],
    [[run, "--weights", "nothing"], "weights-not-found", 1],
    [[run, "--weights", "flowers/iris.csv"], "damaged-weights", 1],
  ])("refuses %j with %s", async (args, problem, expected) => {
    const { code, stdout, stderr } = await dlc(["eval", ...args], here);
    expect({ code, stdout }).toEqual({ code: expected, stdout: "" });
    expect(stderr).toMatch(new RegExp(`^error ${problem}: `, "m"));
    expect(stderr).toMatch(/^ {2}help: /m);
  });

  it("says so when a run has moved away from its data", async () => {
    cpSync(join(folder, run), join(folder, "moved/far/flowers"), { recursive: true });
    const { code, stderr } = await dlc(["eval", "moved/far/flowers"], here);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error data-file-missing: /m);
    const { stdout } = await dlc(["predict", "moved/far/flowers"], { ...here, input: line });
    expect(documents(stdout)).toHaveLength(1);
  });
});

describe("predict", () => {
  const predict = (inputs: readonly string[], input?: string | Uint8Array) =>
    dlc(["predict", run, ...inputs], input === undefined ? here : { ...here, input });

  it("gives one JSON line per row of a table", async () => {
    const { code, stdout, stderr } = await predict(["flowers/iris.csv"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(engineLine) });
    const lines = documents(stdout);
    expect(lines).toHaveLength(150);
    const labels = readFileSync(join(folder, "flowers/iris.csv"), "utf8")
      .trim()
      .split("\n")
      .slice(1);
    const right = lines.filter(({ label }, i) => labels[i]?.endsWith(`,${label}`));
    expect(right.length).toBeGreaterThan(130);
  });

  it("takes JSON in every form, from files and stdin, and gives the same for the same", async () => {
    write(folder, "one.json", `{\n  ${line.slice(1)}\n`);
    write(folder, "many.json", `[${line},\n${line}]`);
    write(folder, "lines.ndjson", `${line}\n\n${line}\r\n`);
    const { stdout } = await predict(["one.json"]);
    const [single = {}] = documents(stdout);
    expect(single).toMatchObject({ label: "setosa" });
    const { setosa } = single.probabilities as { setosa: number };
    // Rows that are computed together may differ in the last digit from one that is computed alone.
    const same = { label: "setosa", probabilities: { setosa: expect.closeTo(setosa, 6) } };
    for (const [inputs, input] of [
      [["many.json"]],
      [["lines.ndjson"]],
      [[], `${line}\n${line}`],
      [["-"], `[${line},${line}]`],
      [["one.json", "-"], `\ufeff${line}`],
    ] as const) {
      const { code, stdout: both } = await predict(inputs, input);
      expect(code).toBe(0);
      expect(documents(both)).toMatchObject([same, same]);
    }
    const nothing = {
      code: 0,
      stdout: "",
      stderr: expect.stringMatching(/^engine: .*\nstdin has no examples\n$/),
    };
    expect(await predict([], "")).toMatchObject(nothing);
  });

  it("ignores targets, which held-out rows have", async () => {
    const { code, stdout } = await predict([], JSON.stringify({ ...flower, species: "virginica" }));
    expect(code).toBe(0);
    expect(documents(stdout)).toMatchObject([{ label: "setosa" }]);
  });

  it("answers lines as they come", async () => {
    const { child, outcome, seen } = start(["predict", run], { ...here, open: true });
    child.stdin?.write(`${line}\n`);
    await seen(/"label":"setosa"/);
    child.stdin?.write(`${line}\n${line.slice(0, 9)}`);
    await seen(/"label":"setosa"/, 2);
    child.stdin?.end(line.slice(9));
    const { code, stdout } = await outcome;
    expect(code).toBe(0);
    expect(documents(stdout)).toHaveLength(3);
  });

  it("says which line is at fault, after the results of those before", async () => {
    const lines = Array.from({ length: 300 }, () => line);
    lines[270] = line.replace("3.4", '"wide"');
    const { code, stdout, stderr } = await predict([], lines.join("\n"));
    expect(code).toBe(1);
    expect(documents(stdout)).toHaveLength(270);
    expect(stderr).toMatch(/^error [a-z-]+: stdin:271: .*sepal_width/m);
  });

  it.each([
    [["nothing.json"], undefined, "input-unreadable", /nothing\.json/],
    [["nothing.csv"], undefined, "input-unreadable", /nothing\.csv/],
    [["nothing.png"], undefined, "input-unreadable", /nothing\.png/],
    [["flowers"], undefined, "input-unreadable", /it is a folder/],
    [["picture.png"], undefined, "bad-input", /no image feature/],
    [["latin1.json"], undefined, "bad-input", /latin1\.json is not text in UTF-8/],
    [["utf16.json"], undefined, "bad-input", /utf16\.json is in UTF-16, not in UTF-8/],
    [["-"], '{"sepal_length": 5', "bad-input", /stdin is not JSON/],
    [["-"], `[${line}, 3]`, "bad-input", /stdin, item 2/],
    [["-"], `${line}\n3\n`, "bad-input", /stdin:2/],
    [["-"], '{"sepal_length": 5}', "input-missing", /sepal_width/],
    [["-"], JSON.stringify({ ...flower, colour: "red" }), "unknown-input", /colour/],
    [["narrow.csv"], undefined, "unknown-column", /petal_width/],
    [["text.csv"], undefined, "not-a-number", /sepal_width/],
  ])("refuses %j %j with %s", async (inputs, input, problem, detail) => {
    write(folder, "picture.png", "");
    write(folder, "utf16.json", Buffer.from('{"x": 1}', "utf16le"));
    write(folder, "latin1.json", Buffer.from('{"caf\xe9": 1}', "latin1"));
    write(folder, "narrow.csv", "sepal_length,sepal_width,petal_length\n1,2,3\n");
    write(folder, "text.csv", `${Object.keys(flower).join(",")}\n1,2,3,4\n1,wide,3,4\n`);
    const { code, stderr } = await predict(inputs, input);
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`^error ${problem}: `, "m"));
    expect(stderr).toMatch(detail);
    expect(stderr).not.toMatch(/^ +at /m);
  });

  it("needs no runtime installed near the run", async () => {
    expect(existsSync(join(folder, "node_modules"))).toBe(false);
    rmSync(join(folder, "alone"), { recursive: true, force: true });
    cpSync(join(folder, run), join(folder, "alone"), { recursive: true });
    expect(await dlc(["predict", "alone"], { ...here, input: line })).toMatchObject({ code: 0 });
  });
});

describe("an engine or device that is missing", () => {
  /** A device of another operating system. */
  const device = process.platform === "darwin" ? "directml" : "coreml";
  const wanted = ["--engine", "onnx", "--device", device];
  it.each([
    ["train", "flowers/spec.yaml", "--fresh", "--runs", "elsewhere"],
    ["eval", "flowers/spec.yaml"],
    ["predict", "flowers/spec.yaml", "flowers/iris.csv"],
    ["generate", "flowers/spec.yaml"],
  ])("ends %s with exit code 5, and nothing else is taken", async (...args) => {
    const { code, stdout, stderr } = await dlc([...args, ...wanted], here);
    expect({ code, stdout }).toEqual({ code: 5, stdout: "" });
    expect(stderr).toMatch(new RegExp(`^error engine-missing: .*${device}`, "m"));
    expect(stderr).toMatch(/^ {2}help: /m);
  });
});
