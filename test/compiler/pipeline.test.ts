/** @file The pipeline: stages in order, facts where needed, mistakes as diagnostics, never as exceptions. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { emitPackage } from "../../compiler/5-emit/emit-package.js";
import { nodesOf } from "../../compiler/ir/traverse.js";
import { compile, stageNames } from "../../compiler/pipeline.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "dlc-pipeline-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(path: string, text: string): string {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

const rows = Array.from({ length: 20 }, (_, i) => `${i},${i % 2 === 0 ? "left" : "right"}`);
const table = `x,side\n${rows.join("\n")}\n`;

const spec = ({ scale = "none", classes = "classes: [left, right]", units = "2" } = {}): string =>
  [
    "dlc: 1",
    "name: sides",
    "params: { width: 8 }",
    "data:",
    "  source: { csv: rows.csv }",
    "  split: { validation: 0.2 }",
    "  features:",
    `    x: { type: number, scale: ${scale} }`,
    "  targets:",
    `    side: { type: category, ${classes} }`,
    "model:",
    "  layers:",
    '    - dense: { units: "${width}", activation: relu }',
    `    - dense: ${units}`,
    "train:",
    "  loss: cross_entropy",
    "  optimizer: adam",
    "  batch: 4",
    "  epochs: 1",
    "",
  ].join("\n");

it("runs every stage in order and says how long each took", async () => {
  write("rows.csv", table);
  const stages: string[] = [];
  const { model, diagnostics, times } = await compile(write("spec.yaml", spec()), {
    onStage: (stage) => stages.push(stage),
  });
  expect(diagnostics.all).toEqual([]);
  expect(stages).toEqual([...stageNames]);
  expect(Object.keys(times)).toEqual(stages);
  expect(Object.keys(model?.programs ?? {})).toEqual(["infer", "evaluate", "train"]);
  expect(model?.heads).toMatchObject([{ name: "side", classes: ["left", "right"] }]);
});

it.each(stageNames)("can end after the stage %s", async (until) => {
  write("rows.csv", table);
  const { model, times, diagnostics } = await compile(write("spec.yaml", spec()), { until });
  expect(diagnostics.all).toEqual([]);
  expect(Object.keys(times)).toEqual(stageNames.slice(0, stageNames.indexOf(until) + 1));
  expect(model === null).toBe(until !== "optimize");
});

it("shows every pass with the program it ran on", async () => {
  write("rows.csv", table);
  const seen = new Set<string>();
  await compile(write("spec.yaml", spec()), {
    onPass: (program, name, graph) => {
      expect(nodesOf(graph).length).toBeGreaterThan(0);
      expect(name).toMatch(/^[a-z-]+$/);
      seen.add(program);
    },
  });
  expect([...seen]).toEqual(["forward", "infer", "evaluate", "train"]);
});

it("takes parameters from the caller", async () => {
  write("rows.csv", table);
  const file = write("spec.yaml", spec());
  const { model } = await compile(file, { set: { width: "5" } });
  expect(model?.state["dense_1.kernel"]?.shape).toEqual([1, 5]);
});

it("fits facts only where the spec asks for them, on the training split alone", async () => {
  write("rows.csv", table);
  expect((await compile(write("a.yaml", spec()))).model?.facts).toEqual({});
  const scaled = await compile(write("b.yaml", spec({ scale: "standard" })));
  expect(scaled.model?.facts.x?.mean).toHaveLength(1);
  const unnamed = await compile(write("c.yaml", spec({ classes: "column: side" })));
  expect(unnamed.model?.facts.side?.classes).toEqual(["left", "right"]);
  expect(unnamed.model?.heads[0]?.classes).toEqual(["left", "right"]);
});

it("does not read data that it does not need", async () => {
  const file = write("spec.yaml", spec());
  const { model, diagnostics } = await compile(file, { checkData: false });
  expect(diagnostics.all).toEqual([]);
  expect(model).not.toBeNull();
});

it("reports missing data in the spec, and goes no further", async () => {
  const { model, diagnostics, sources, times } = await compile(write("spec.yaml", spec()));
  expect(model).toBeNull();
  expect(diagnostics.all.map(({ code }) => code)).toEqual(["data-file-missing"]);
  const span = diagnostics.all[0]?.span;
  expect(span && sources.slice(span)).toContain("rows.csv");
  expect(Object.keys(times)).toEqual(["load", "data"]);
});

it("reports what only reading the data can show", async () => {
  write("rows.csv", `${table}not a number,left\n`);
  const { model, diagnostics } = await compile(write("spec.yaml", spec({ scale: "standard" })));
  expect(model).toBeNull();
  expect(diagnostics.all.map(({ code }) => code)).toEqual(["not-a-number"]);
  expect(diagnostics.all[0]?.notes[0]?.message).toContain("rows.csv");
});

it("reports a column that does not exist at its target", async () => {
  write("rows.csv", table.replace("side", "hand"));
  const { diagnostics, sources } = await compile(write("spec.yaml", spec()));
  expect(diagnostics.all.map(({ code }) => code)).toEqual(["unknown-column"]);
  const span = diagnostics.all[0]?.span;
  expect(span && sources.slice(span)).toMatch(/side|category/);
});

it("stops after a stage with mistakes", async () => {
  write("rows.csv", table);
  const loaded = await compile(write("a.yaml", spec().replace("dense: 2", "dens: 2")));
  expect(loaded).toMatchObject({ model: null, spec: null });
  expect(Object.keys(loaded.times)).toEqual(["load"]);
  const lowered = await compile(write("b.yaml", spec({ units: "3" })));
  expect(lowered.model).toBeNull();
  expect(lowered.diagnostics.hasErrors).toBe(true);
  expect(Object.keys(lowered.times)).toEqual(["load", "data", "lower"]);
});

it("reports a spec that does not exist", async () => {
  const { model, diagnostics } = await compile(join(folder, "missing.yaml"));
  expect(model).toBeNull();
  expect(diagnostics.hasErrors).toBe(true);
});

it("compiles a model without training to a program that predicts", async () => {
  write("rows.csv", table);
  const { model, diagnostics, times } = await compile(
    write("spec.yaml", spec().slice(0, spec().indexOf("train:"))),
  );
  expect(diagnostics.hasErrors).toBe(false);
  expect(Object.keys(model?.programs ?? {})).toEqual(["infer"]);
  expect(Object.keys(times)).not.toContain("differentiate");
});

it("computes images in the layout that is asked for", async () => {
  const file = write(
    "spec.yaml",
    spec()
      .replace("x: { type: number, scale: none }", "x: { type: image, shape: [6, 6, 3] }")
      .replace('dense: { units: "${width}", activation: relu }', 'conv2d: { filters: "${width}" }')
      .replace("dense: 2", "flatten\n    - dense: 2"),
  );
  for (const layout of ["NCHW", "NHWC"] as const) {
    const { model, diagnostics } = await compile(file, { layout, checkData: false });
    expect(diagnostics.all).toEqual([]);
    const convolutions = nodesOf(model?.programs.infer ?? expect.fail()).filter(
      (node) => node.kind === "conv2d",
    );
    expect(convolutions.map(({ attrs }) => attrs.layout)).toEqual([layout]);
  }
});

it("writes nothing, and emission in memory neither", async () => {
  write("rows.csv", table);
  const { model } = await compile(write("spec.yaml", spec()));
  const { name, files } = await emitPackage(model ?? expect.fail());
  expect(name).toBe("sides");
  expect(files.size).toBeGreaterThan(10);
  expect(readdirSync(folder).sort()).toEqual(["rows.csv", "spec.yaml"]);
});
