/** @file `dlc inspect`, `explain` and `doctor`. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { engineDevices } from "@dlc/runtime";
import { describe, expect, it } from "vitest";
import { catalogue } from "../../compiler/diagnostics/catalogue/index.js";
import { opKinds } from "../../compiler/ops/index.js";
import { copyIris, copyModel, dlc, documents, workFolder, write } from "../support/cli.js";

const folder = workFolder();
const here = { cwd: folder };

const implied = `dlc: 1
name: implied
data:
  source: { arrays: true }
  features:
    photo: { type: image, shape: [8, 9, 1] }
    word: { type: category, classes: [a, b, c], encode: index }
model:
  layers:
    - { max_pool2d: [2, 3], from: photo }
    - avg_pool2d: { size: 2, stride: 1 }
    - reshape: [6, 1]
    - max_pool1d: 2
    - { flatten: {}, as: seen }
    - { embedding: 2, from: word, as: words }
    - concat: [seen, words]
    - dense: 1
`;

describe("inspect", () => {
  it("shows the layers with shapes, weights, FLOPs and memory", async () => {
    copyModel("mnist-cnn", folder, "cnn");
    const { code, stdout, stderr } = await dlc(["inspect", "cnn/spec.yaml"], here);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^layer +type +output +weights +FLOPs +output size +reads\n[- ]+\n/);
    // 3·3·1·32 + 32
    expect(stdout).toMatch(/^conv2d_1 +conv2d +\[n,\d+,\d+,32\] +320 .* image$/m);
    expect(stdout).toMatch(/^weights {2}[\d,]+$/m);
    expect(stdout).toMatch(/^memory {3}.* in a training step with batch \d+$/m);
  });

  it("adds up", async () => {
    copyIris(folder, "sums");
    const { stdout } = await dlc(["inspect", "sums/spec.yaml", "--json"], here);
    const [{ layers, totals, ...rest } = {}] = documents(stdout);
    expect(rest).toMatchObject({ schemaVersion: 1, name: "sums" });
    const weights = (layers as { weights: number }[]).map((layer) => layer.weights);
    expect(weights).toEqual([5 * 16, 17 * 16, 17 * 3]);
    expect(totals).toMatchObject({ weights: 403, batch: 16 });
  });

  it("says where every value comes from", async () => {
    copyIris(folder, "origins");
    const { stdout } = await dlc(["inspect", "origins/spec.yaml", "--resolved"], here);
    expect(stdout).toMatch(/^train\.epochs +2 +spec spec\.yaml:\d+$/m);
    expect(stdout).toMatch(/^train\.shuffle +true +default$/m);
    const json = await dlc(["inspect", "origins/spec.yaml", "--resolved", "--json"], here);
    const [{ resolved } = {}] = documents(json.stdout);
    expect(resolved).toContainEqual(
      expect.objectContaining({ path: "train.epochs", value: 2, line: expect.any(Number) }),
    );
  });

  it("shows the value of a setting that follows from others", async () => {
    const { stdout } = await dlc(["inspect", write(folder, "implied.yaml", implied), "--resolved"]);
    expect(stdout).toMatch(/^model\.layers\.max_pool2d_1\.stride +\[2,3\] +default$/m);
    expect(stdout).toMatch(
      /^model\.layers\.avg_pool2d_1\.stride +\[1,1\] +spec implied\.yaml:\d+$/m,
    );
    expect(stdout).toMatch(/^model\.layers\.max_pool1d_1\.stride +2 +default$/m);
    expect(stdout).toMatch(/^model\.layers\.words\.vocabulary +3 +default$/m);
  });

  it("draws the model as SVG and as a page of its own", async () => {
    copyModel("mnist-resnet", folder, "residual");
    for (const ending of ["svg", "html"]) {
      const picture = `model.${ending}`;
      const drawn = await dlc(["inspect", "residual/spec.yaml", "--graph", picture], here);
      expect(drawn).toMatchObject({ code: 0, stdout: "" });
      const text = readFileSync(join(folder, picture), "utf8");
      expect(text).toMatch(ending === "svg" ? /^<svg xmlns/ : /^<!doctype html>/);
      expect(text).toContain(">residual_1/skip<");
      expect(text).not.toMatch(/<script|(?:href|src)=|NaN|undefined/);
      const edges = text.match(/<polyline/g) ?? [];
      const layers = text.match(/<g class="layer">/g) ?? [];
      expect(edges.length).toBeGreaterThan(layers.length);
    }
  });

  it.each([
    ["model.png", 2, "unknown-picture"],
    ["nowhere/model.svg", 74, "io-error"],
  ])("cannot draw into %s", async (picture, expected, problem) => {
    copyIris(folder, "undrawn");
    const { code, stderr } = await dlc(["inspect", "undrawn/spec.yaml", "--graph", picture], here);
    expect(code).toBe(expected);
    expect(stderr).toMatch(new RegExp(`^error ${problem}: .*${picture}`));
  });
});

describe("explain", () => {
  it("tells about one code, with a wrong and a right example", async () => {
    const { code, stdout } = await dlc(["explain", "csv-syntax"]);
    expect(code).toBe(0);
    const { explain, wrong, right } = catalogue["csv-syntax"];
    expect(stdout).toContain(explain);
    for (const example of [wrong, right]) expect(stdout).toContain(example.split("\n")[0]);
    expect(stdout).not.toMatch(/\{\w+\}/);
    const [document] = documents((await dlc(["explain", "csv-syntax", "--json"])).stdout);
    expect(document).toMatchObject({ schemaVersion: 1, code: "csv-syntax", severity: "error" });
  });

  it("lists all codes, each with a readable line", async () => {
    const { stdout } = await dlc(["explain"]);
    const lines = stdout.trimEnd().split("\n");
    expect(lines.map((line) => line.split(":")[0])).toEqual(Object.keys(catalogue).sort());
    for (const line of lines) expect(line).not.toMatch(/^[\w-]+: \{\w+\}$/);
  });

  it("tells about layers, sections and settings by name", async () => {
    const [layer, loss, setting] = await Promise.all(
      ["recurrent", "mse", "label_smoothing"].map((name) => dlc(["explain", name])),
    );
    expect(layer?.stdout).toMatch(/^recurrent \(layer\)\n\nRuns layers for every step/);
    expect(layer?.stdout).toMatch(/^ {2}return \(one of sequence, last; default: sequence\)$/m);
    expect(loss?.stdout.match(/^mse \(.*\)$/gm)).toEqual(["mse (loss)", "mse (metric)"]);
    expect(setting?.stdout).toMatch(/\(setting of loss cross_entropy, loss binary_cross_entropy\)/);
    const [document] = documents((await dlc(["explain", "huber", "--json"])).stdout);
    expect(document).toMatchObject({ name: "huber", topics: [{ kind: "loss" }], settings: [] });
  });

  it("suggests a code, and does not mistake JavaScript's names for codes", async () => {
    const near = await dlc(["explain", "csv-sintax"]);
    expect(near).toMatchObject({ code: 2, stdout: "" });
    expect(near.stderr).toMatch(/^error unknown-code: .*\n.*Did you mean 'csv-syntax'\?/);
    for (const name of ["toString", "__proto__"]) {
      expect(await dlc(["explain", name])).toMatchObject({ code: 2, stdout: "" });
    }
  });
});

describe("doctor", () => {
  it("tries the engine and finds this machine fit", async () => {
    const { code, stdout, stderr } = await dlc(["doctor"], here);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^ok +engine onnx:cpu: works/m);
    const json = await dlc(["doctor", "--json"], here);
    const [{ findings, ...rest } = {}] = documents(json.stdout);
    expect(rest).toMatchObject({ schemaVersion: 1, healthy: true });
    for (const finding of findings as { state: string; fix: string | null }[]) {
      if (finding.state === "ok") expect(finding.fix).toBe(null);
      if (finding.state === "missing") expect(finding.fix).not.toBe(null);
    }
  });

  it("tells of every engine and device, and survives a library that ends its process", async () => {
    const preload = write(
      folder,
      "abort.mjs",
      'if (process.argv[1]?.endsWith("try-engine.js")) process.abort();',
    );
    const env = { NODE_OPTIONS: `--import=${pathToFileURL(preload).href}` };
    const { code, stdout } = await dlc(["doctor", "--json"], { ...here, env });
    expect(code).toBe(5);
    const [{ engines, healthy, findings } = {}] = documents(stdout);
    expect(healthy).toBe(false);
    const titles = Object.entries(engineDevices).flatMap(([engine, devices]) =>
      devices.map((device) => ({ engine, device })),
    );
    expect(engines).toMatchObject(
      titles.map((title) => ({
        ...title,
        availability: "absent",
        detail: expect.stringMatching(/ended the process \(SIG\w+\)/),
      })),
    );
    expect(findings).toContainEqual(
      expect.objectContaining({ part: "engine onnx:cpu", state: "missing" }),
    );
  });

  it("prints how every engine computes every op", async () => {
    const { code, stdout } = await dlc(["doctor", "--matrix"], here);
    expect(code).toBe(0);
    const [document] = documents((await dlc(["doctor", "--matrix", "--json"], here)).stdout);
    const columns = (document as { engines: { engine: string; ops: object }[] }).engines;
    expect(columns.map(({ engine }) => engine)).toContain("onnx");
    for (const { ops } of columns) expect(Object.keys(ops)).toEqual(opKinds);
    for (const kind of opKinds) {
      expect(stdout).toMatch(new RegExp(`^${kind} +(native|expanded|unsupported)`, "m"));
    }
  });
});
