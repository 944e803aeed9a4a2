/** @file `dlc train`: run folders, resuming, signals, and what is printed. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  checkpointOf,
  copyIris,
  dlc,
  documents,
  start,
  workFolder,
  write,
} from "../support/cli.js";

const folder = workFolder();
const here = { cwd: folder };
const train = (...args: string[]) => dlc(["train", ...args], here);
const read = (path: string): string => readFileSync(join(folder, path), "utf8");
/** Completed epochs by the run's own log. */
const epochs = (run: string): number => documents(read(`runs/${run}/metrics.ndjson`)).length;

function edit(spec: string, from: string | RegExp, to: string): void {
  writeFileSync(spec, readFileSync(spec, "utf8").replace(from, to));
}

describe("train", () => {
  it("leaves package, checkpoints and metrics in runs/<name>, and the result on stdout", async () => {
    copyIris(folder, "plain");
    const { code, stdout, stderr } = await train("plain/spec.yaml");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^test \(23 examples\): loss [\d.]+, accuracy [\d.]+ %, f1 [\d.]+ %\n$/);
    expect(stderr).toMatch(/^epoch 1\/2 /m);
    expect(stderr).toMatch(/^weights: runs\/plain\/checkpoints\/step-\d+\n$/m);
    for (const control of ["\r", "\u001b"]) expect(stderr).not.toContain(control);
    expect(readdirSync(join(folder, "runs/plain")).sort()).toEqual(
      ["best", "checkpoints", "last", "metrics.ndjson", "package", "run.json"].sort(),
    );
    expect(existsSync(join(folder, "runs/plain/package/plain/index.js"))).toBe(true);
    expect(existsSync(join(folder, "generated"))).toBe(false);
  });

  it("does nothing for a finished run, and continues it with more epochs", async () => {
    const spec = copyIris(folder, "more");
    const { stdout } = await train("more/spec.yaml");
    const again = await train("more/spec.yaml");
    expect(again).toMatchObject({ code: 0, stdout });
    expect(again.stderr).toMatch(/^already finished after 2 epochs/m);
    expect(again.stderr).not.toMatch(/^epoch/m);
    edit(spec, "epochs: 2", "epochs: 3");
    const longer = await train("more/spec.yaml");
    expect(longer.code).toBe(0);
    expect(longer.stderr.match(/^epoch \d\/3/gm)).toEqual(["epoch 3/3"]);
    expect(epochs("more")).toBe(3);
  });

  it("gives the same weights again, and starts over with --fresh", async () => {
    copyIris(folder, "again");
    await train("again/spec.yaml", "--runs", "one", "--threads", "1");
    await train("again/spec.yaml", "--runs", "two", "--threads", "1");
    const weights = (runs: string): Buffer => {
      const checkpoint = checkpointOf(join(folder, runs, "again"), "last");
      return readFileSync(join(checkpoint, "weights.safetensors"));
    };
    expect(weights("one")).toEqual(weights("two"));
    const fresh = await train("again/spec.yaml", "--runs", "one", "--threads", "1", "--fresh");
    expect(fresh.stderr.match(/^epoch \d/gm)).toEqual(["epoch 1", "epoch 2"]);
    expect(weights("one")).toEqual(weights("two"));
  });

  it("refuses to continue the run of another spec", async () => {
    const spec = copyIris(folder, "changed");
    await train("changed/spec.yaml");
    const before = read("runs/changed/package/changed/train.ts");
    edit(spec, "units: 16", "units: 8");
    const { code, stderr } = await train("changed/spec.yaml");
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error different-run: .*\n(.*\n)? {2}help: .*--fresh/m);
    expect(read("runs/changed/package/changed/train.ts")).toBe(before);
    expect(await train("changed/spec.yaml", "--fresh")).toMatchObject({ code: 0 });
    expect(read("runs/changed/package/changed/train.ts")).not.toBe(before);
  });

  it("refuses to continue with other data, and leaves what is there as it is", async () => {
    const spec = copyIris(folder, "moved");
    const csv = join(folder, "moved/iris.csv");
    const data = readFileSync(csv, "utf8");
    await train("moved/spec.yaml");
    const files = ["package/moved/spec.js", "run.json", "metrics.ndjson", "best"];
    const content = (): string[] => files.map((file) => read(`runs/moved/${file}`));
    const before = content();
    writeFileSync(csv, data.replaceAll(/^5\.1,/gm, "6.1,"));
    edit(spec, "epochs: 2", "epochs: 3");
    const { code, stderr } = await train("moved/spec.yaml");
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^error different-run: .*the mean of 'sepal_length' was .*, now it is /m,
    );
    expect(stderr).toMatch(/help: Put the data back/);
    expect(content()).toEqual(before);

    const other = await train("moved/spec.yaml", "--runs", "moved-runs");
    expect(other.code).toBe(0);
    const crossed = await dlc(["eval", "moved-runs/moved", "--weights", "runs/moved"], here);
    expect(crossed.code).toBe(1);
    expect(crossed.stderr).toMatch(/^error foreign-checkpoint: /m);

    writeFileSync(csv, data);
    expect((await train("moved/spec.yaml")).stderr).toMatch(/^continuing at epoch 3/m);
  });

  it("says that a package was edited where it no longer loads, and training mends it", async () => {
    copyIris(folder, "edited");
    await train("edited/spec.yaml");
    edit(join(folder, "runs/edited/package/edited/index.js"), /^import /m, "export import ");
    const { code, stderr } = await dlc(["eval", "runs/edited"], here);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error damaged-package: .*\n(.*\n)? {2}help: .*dlc train/m);
    expect(stderr).not.toMatch(/^ +at /m);
    await train("edited/spec.yaml");
    expect(await dlc(["eval", "runs/edited"], here)).toMatchObject({ code: 0 });
  });

  it("trains with the parameters that --set gives", async () => {
    const spec = copyIris(folder, "wide");
    edit(spec, "dlc: 1", "dlc: 1\nparams: { width: 16 }");
    edit(spec, "units: 16", 'units: "${width}"');
    const { code, stderr } = await train("wide/spec.yaml", "--set", "width=5");
    expect(code).toBe(0);
    expect(stderr).toMatch(new RegExp(`^${5 * 5 + 6 * 16 + 17 * 3} parameters`, "m"));
    expect(await train("wide/spec.yaml")).toMatchObject({ code: 1 });
  });

  it("leaves somebody's files alone, with --fresh too", async () => {
    copyIris(folder, "taken");
    write(folder, "runs/taken/notes.txt", "mine");
    for (const more of [[], ["--fresh"]]) {
      const { code, stderr } = await train("taken/spec.yaml", ...more);
      expect(code).toBe(1);
      expect(stderr).toMatch(/^error not-a-run-folder: /);
      expect(readdirSync(join(folder, "runs/taken"))).toEqual(["notes.txt"]);
    }
    write(folder, "runs-file", "mine");
    const onFile = await train("taken/spec.yaml", "--runs", "runs-file");
    expect(onFile.code).toBe(74);
    expect(onFile.stderr).toMatch(/^error [a-z-]+: .*not a folder\n.*runs-file/);
  });

  it("says what is wrong with a damaged run, and --fresh mends it", async () => {
    copyIris(folder, "damaged");
    await train("damaged/spec.yaml");
    writeFileSync(join(folder, "runs/damaged/run.json"), "{");
    for (const command of ["train", "eval"]) {
      const { code, stderr } = await dlc([command, "damaged/spec.yaml"], here);
      expect(code).toBe(1);
      expect(stderr).toMatch(/^error damaged-run: /);
    }
    expect(await train("damaged/spec.yaml", "--fresh")).toMatchObject({ code: 0 });
  });

  it("needs data and a train section", async () => {
    const spec = copyIris(folder, "bare");
    const text = readFileSync(spec, "utf8");
    writeFileSync(spec, text.slice(0, text.indexOf("train:")));
    const untrainable = await train("bare/spec.yaml");
    expect(untrainable).toMatchObject({ code: 1, stdout: "" });
    expect(untrainable.stderr).toMatch(/^error not-trainable: .*train section/);

    writeFileSync(spec, text.replace(/source: .*/, "source: arrays"));
    const inMemory = await train("bare/spec.yaml");
    expect(inMemory).toMatchObject({ code: 1, stdout: "" });
    expect(inMemory.stderr).toMatch(/^error arrays-missing: /);

    writeFileSync(spec, text);
    renameSync(join(folder, "bare/iris.csv"), join(folder, "bare/moved.csv"));
    const missing = await train("bare/spec.yaml");
    expect(missing).toMatchObject({ code: 1, stdout: "" });
    expect(missing.stderr).toMatch(/^error data-file-missing: /);
    expect(existsSync(join(folder, "runs/bare"))).toBe(false);
  });

  it("stops at a loss that is not finite, with exit code 4", async () => {
    const spec = copyIris(folder, "wild");
    edit(spec, /optimizer: .*/, "optimizer: { sgd: { learning_rate: 1e38 } }");
    const { code, stdout, stderr } = await train("wild/spec.yaml");
    expect({ code, stdout }).toEqual({ code: 4, stdout: "" });
    expect(stderr).toMatch(/^error non-finite-loss: /m);
    expect(stderr).not.toMatch(/^ +at /m);
  });

  it("warns once of a class without rows, and trains", async () => {
    const spec = copyIris(folder, "missing");
    const text = readFileSync(spec, "utf8").replace("virginica]", "virginica, alba]");
    writeFileSync(spec, text.replace("dense: 3", "dense: 4"));
    const { code, stderr } = await dlc(["train", "missing/spec.yaml"], here);
    expect(code).toBe(0);
    expect(stderr.match(/no row of the training split has the class "alba"/g)).toHaveLength(1);
  });

  it("writes every event as a document with --json", async () => {
    copyIris(folder, "events");
    const { code, stdout, stderr } = await train("events/spec.yaml", "--json");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const kinds = documents(stdout).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind !== "step" && kind !== "checkpoint")).toEqual([
      "started",
      "epoch",
      "epoch",
      "finished",
      "trained",
    ]);
    expect(documents(stdout).at(-1)).toMatchObject({
      weights: { sameSpec: true },
      test: { split: "test", examples: 23 },
    });
    const failed = await train("nothing.yaml", "--json");
    expect(documents(failed.stdout)).toMatchObject([{ errors: 1 }]);
  });

  it("works in folders with unusual names", async () => {
    const odd = join(folder, "a b#c%20?é");
    mkdirSync(odd);
    copyIris(odd, "plain");
    expect(await dlc(["train", "plain/spec.yaml"], { cwd: odd })).toMatchObject({ code: 0 });
    const { code, stdout } = await dlc(["eval", "runs/plain/best"], { cwd: odd });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^test /);
  });
});

describe("a signal", () => {
  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("%s ends training with a checkpoint and exit code %i", async (signal, expected) => {
    const name = signal.toLowerCase();
    copyIris(folder, name, 100_000);
    const { child, outcome, seen } = start(["train", `${name}/spec.yaml`], here);
    await seen(/epoch 3\//);
    child.kill(signal);
    const { code, stdout, stderr } = await outcome;
    expect({ code, stdout }).toEqual({ code: expected, stdout: "" });
    expect(stderr).toMatch(/^interrupted after \d+ epochs?.*; the same command continues$/m);
    expect(existsSync(join(folder, `runs/${name}/last`))).toBe(true);

    const done = epochs(name);
    expect(done).toBeGreaterThanOrEqual(3);
    edit(join(folder, name, "spec.yaml"), "epochs: 100000", `epochs: ${done + 2}`);
    const resumed = await train(`${name}/spec.yaml`);
    expect(resumed.code).toBe(0);
    expect(resumed.stderr).toMatch(/^continuing at epoch /m);
    expect(epochs(name)).toBe(done + 2);
  });

  it("keeps a second trainer out of the run folder, with exit code 75", async () => {
    copyIris(folder, "busy", 100_000);
    const { child, outcome, seen } = start(["train", "busy/spec.yaml", "--json"], here);
    await seen(/"kind":"epoch"/);
    const second = await train("busy/spec.yaml");
    expect(second).toMatchObject({ code: 75, stdout: "" });
    expect(second.stderr).toMatch(/^error run-busy: /m);
    child.kill("SIGINT");
    const { code, stdout } = await outcome;
    expect(code).toBe(130);
    expect(documents(stdout).at(-1)).toMatchObject({
      kind: "finished",
      result: { status: "interrupted" },
    });
  });

  it("ends any other command at once", async () => {
    copyIris(folder, "reader");
    await train("reader/spec.yaml");
    rmSync(join(folder, "runs/reader/metrics.ndjson"));
    const { child, outcome } = start(["predict", "runs/reader"], { ...here, open: true });
    child.kill("SIGINT");
    expect(await outcome).toMatchObject({ signal: "SIGINT" });
  });
});
