import { describe, expect, it } from "vitest";
import type { ResolvedSpec } from "../../compiler/1-load/resolved-spec.js";
import { codesOf, loadText, resolveText, specWith } from "../support/load.js";

const layersOf = (layers: string, more = ""): ResolvedSpec["layers"] =>
  resolveText(specWith({ more, model: `model:\n  layers:\n${layers}` })).layers;

const outline = (layers: ResolvedSpec["layers"]): string[] =>
  layers.map(({ name, from }) => `${name} < ${from.join(", ")}`);

const codes = (layers: string, more = ""): string[] =>
  codesOf(loadText(specWith({ more, model: `model:\n  layers:\n${layers}` })));

describe("layers", () => {
  it("are numbered by type and read the one above", () => {
    expect(outline(layersOf("    - dense: 3\n    - relu\n    - dense: 2\n"))).toEqual([
      "dense_1 < ",
      "relu_1 < dense_1",
      "dense_2 < relu_1",
    ]);
  });

  it("step aside with their numbers for names that users gave", () => {
    const layers = "    - dense: 3\n    - { dense: 4, as: dense_1 }\n    - dense: 2\n";
    expect(layersOf(layers).map(({ name }) => name)).toEqual(["dense_2", "dense_1", "dense_3"]);
  });

  it("mean the same as name, value, map and empty map", () => {
    const [a, b, c] = layersOf(
      "    - dense: 2\n    - dense: { units: 2 }\n    - dense:\n        units: 2\n",
    );
    expect(b?.fields).toEqual(a?.fields);
    expect(c?.fields).toEqual(a?.fields);
    const [d, e, f] = layersOf("    - relu\n    - relu: {}\n    - relu:\n    - dense: 2\n");
    expect([d, e, f].map((layer) => layer?.fields)).toEqual([{}, {}, {}]);
  });

  it("get every default", () => {
    const [dense] = layersOf("    - dense: 2\n");
    expect(dense?.fields).toMatchObject({ units: 2, activation: "linear", bias: true, l2: 0 });
  });

  it("read features, and several values where they merge", () => {
    const layers = `
    - { dense: 2, as: a }
    - { dense: 2, from: x, as: b }
    - add: [a, b]
    - { add: {}, from: [a, add_1] }
    - concat: { inputs: [add_2, b], axis: 1 }
    - dense: 2
`;
    expect(outline(layersOf(layers))).toEqual([
      "a < ",
      "b < x",
      "add_1 < a, b",
      "add_2 < a, add_1",
      "concat_1 < add_2, b",
      "dense_1 < concat_1",
    ]);
    expect(layersOf(layers)[4]?.fields).toEqual({ axis: 1 });
  });

  it("know the places of what was written", () => {
    const text = specWith({
      model: "model: { layers: [{ dense: { units: 2 }, as: head, from: x }] }",
    });
    const { spec } = loadText(text);
    const spans = spec?.layers[0]?.fieldSpans ?? {};
    const pieces = Object.entries(spans).map(([key, { start, end }]) => [
      key,
      text.slice(start, end),
    ]);
    expect(Object.fromEntries(pieces)).toEqual({
      type: "dense",
      units: "2",
      as: "head",
      from: "x",
    });
  });
});

const residual = `blocks:
  residual:
    params: { units: 4, how: relu }
    layers:
      - { dense: { units: "\${units}", activation: "\${how}" }, as: body }
      - dense: "\${units}"
      - add: [input, dense_1]
`;

describe("blocks", () => {
  it("are expanded with names of their own", () => {
    const layers = "    - dense: 4\n    - block: residual\n    - block: residual\n    - dense: 2\n";
    expect(outline(layersOf(layers, residual))).toEqual([
      "dense_1 < ",
      "residual_1/body < dense_1",
      "residual_1/dense_1 < residual_1/body",
      "residual_1/add_1 < dense_1, residual_1/dense_1",
      "residual_2/body < residual_1/add_1",
      "residual_2/dense_1 < residual_2/body",
      "residual_2/add_1 < residual_1/add_1, residual_2/dense_1",
      "dense_2 < residual_2/add_1",
    ]);
  });

  it("take parameters, or their defaults", () => {
    const layers = `
    - dense: 8
    - block: { name: residual, with: { units: 8, how: tanh } }
    - dense: 4
    - block: { name: residual }
    - dense: 2
`;
    const bodies = layersOf(layers, residual).filter(({ name }) => name.endsWith("body"));
    expect(bodies.map(({ fields }) => [fields.units, fields.activation])).toEqual([
      [8, "tanh"],
      [4, "relu"],
    ]);
  });

  it("can be read by name, as can layers inside of them", () => {
    const layers = `
    - dense: 4
    - { repeat: { block: residual, times: 2 }, as: stage }
    - { dense: 4, from: stage_1 }
    - { dense: 4, from: stage_1/body }
    - { dense: 4, from: stage }
    - add: [dense_2, dense_3, dense_4]
`;
    expect(outline(layersOf(layers, residual)).slice(-4)).toEqual([
      "dense_2 < stage_1/add_1",
      "dense_3 < stage_1/body",
      "dense_4 < stage_2/add_1",
      "add_1 < dense_2, dense_3, dense_4",
    ]);
  });

  it("read what 'from' names, and the only feature at the start of the model", () => {
    const more = "blocks: { b: { layers: [{ dense: 4, as: body }, add: [body, input]] } }";
    const layers =
      "    - block: b\n    - { block: b, from: x, as: second }\n    - add: [b_1, second]\n";
    expect(outline(layersOf(layers, more))).toEqual([
      "b_1/body < ",
      "b_1/add_1 < b_1/body, x",
      "second/body < x",
      "second/add_1 < second/body, x",
      "add_1 < b_1/add_1, second/add_1",
    ]);
  });

  it("can use other blocks, and the spec's parameters, but not those of the block around", () => {
    const more = `params: { width: 4 }
blocks:
  inner: { layers: [dense: "\${width}"] }
  outer: { params: { local: 1 }, layers: [block: inner, dense: "\${local}"] }
`;
    const layers = "    - block: outer\n    - dense: 2\n";
    expect(outline(layersOf(layers, more))).toEqual([
      "outer_1/inner_1/dense_1 < ",
      "outer_1/dense_1 < outer_1/inner_1/dense_1",
      "dense_1 < outer_1/dense_1",
    ]);
    const leaking = more
      .replace('dense: "${width}"', 'dense: "${local}"')
      .replace("params: { width: 4 }", "");
    expect(codes(layers, leaking)).toEqual(["unknown-param"]);
  });

  it("report a mistake inside of them once, however often they are used", () => {
    const more = "blocks: { b: { layers: [dense: { units: 2, activtion: relu }] } }";
    expect(codes("    - repeat: { block: b, times: 50 }\n", more)).toEqual(["unknown-key"]);
  });

  it("are checked also where nothing uses them", () => {
    const more = "blocks: { b: { layers: [dense: { units: 2, activtion: relu }] } }";
    expect(codes("    - dense: 2\n", more)).toEqual(["unknown-key"]);
  });
});

describe("parameters", () => {
  const more = 'params: { width: 3, depth: "${width - 1}", how: relu, bias: true }';
  const layers = `
    - dense: { units: "\${width * (depth + 1)}", activation: "\${how}", bias: "\${bias}" }
    - dense: 2
`;
  const text = specWith({ more, model: `model:\n  layers:\n${layers}` });

  it("reach the fields of layers", () => {
    expect(resolveText(text).layers[0]?.fields).toMatchObject({
      units: 9,
      activation: "relu",
      bias: true,
    });
  });

  it("are overridden by --set, each keeping its kind", () => {
    const set = { width: "5", how: "tanh", bias: "false" };
    const { layers: found, origins } = resolveText(text, { set });
    expect(found[0]?.fields).toMatchObject({ units: 25, activation: "tanh", bias: false });
    const origin = origins.find(({ path }) => path === "model.layers.dense_1.activation");
    expect(origin).toMatchObject({ value: "tanh", from: "command line" });
    expect(codesOf(loadText(text, { set: { bias: "1" } }))).toEqual(["set-wrong-type"]);
    expect(codesOf(loadText(text, { set: { width: "1e999" } }))).toEqual(["set-wrong-type"]);
  });

  it("change the canonical form only where they change the meaning", () => {
    const plain = resolveText(text).canonical;
    expect(resolveText(text, { set: { width: "3" } }).canonical).toBe(plain);
    expect(resolveText(text, { set: { width: "4" } }).canonical).not.toBe(plain);
    expect(resolveText(text.replaceAll(", ", ",   ")).canonical).toBe(plain);
  });
});

describe("extends", () => {
  const base = specWith({
    train: "train: { loss: cross_entropy, batch: 16, optimizer: { adam: { beta1: 0.8 } } }",
  });

  it("merges maps key by key and replaces everything else", () => {
    const text =
      "extends: base.yaml\nname: child\ntrain: { batch: 8 }\nmodel: { layers: [relu, dense: 2] }\n";
    const { name, layers, train, origins } = resolveText(text, { files: { "base.yaml": base } });
    expect(name).toBe("child");
    expect(layers.map(({ type }) => type)).toEqual(["relu", "dense"]);
    expect(train?.settings.batch).toBe(8);
    expect(train?.optimizer.beta1).toBe(0.8);
    const froms = Object.fromEntries(origins.map(({ path, from }) => [path, from]));
    expect(froms["train.batch"]).toBe("spec");
    expect(froms["train.optimizer.adam.beta1"]).toBe("base");
    expect(froms["train.epochs"]).toBe("default");
  });

  it("replaces one choice by another", () => {
    const text = "extends: base.yaml\ntrain: { optimizer: { sgd: { momentum: 0.9 } } }\n";
    const { train } = resolveText(text, { files: { "base.yaml": base } });
    expect(train?.optimizer).toMatchObject({ kind: "sgd", momentum: 0.9 });
  });

  it("blames the file that is wrong", () => {
    const wrong = base.replace("batch: 16", "batch: sixteen");
    const { diagnostics } = loadText("extends: base.yaml\n", { files: { "base.yaml": wrong } });
    expect(diagnostics.all.map(({ code, span }) => [code, span?.file])).toEqual([
      ["wrong-type", "/project/base.yaml"],
    ]);
  });

  it("keeps paths of the base relative to the base", () => {
    const shared = specWith({
      data: "data: { source: { csv: rows.csv }, features: { x: number }, targets: { y: { type: category, classes: [a, b] } } }",
    });
    const { data } = resolveText("extends: shared/base.yaml\n", {
      files: { "shared/base.yaml": shared },
    });
    expect(data?.source).toMatchObject({ kind: "csv", path: "shared/rows.csv" });
  });
});
