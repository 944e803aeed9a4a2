import type { DataSpec, FeatureSpec, SourceSpec } from "@dlc/runtime";
import { describe, expect, it } from "vitest";
import { codesOf, loadText, resolveText, specWith } from "../support/load.js";

const dataOf = (data: string): DataSpec => {
  const spec = resolveText(specWith({ data: `data:\n${data}`, train: "" }));
  if (spec.data === null) throw new Error("no data");
  return spec.data;
};

const sourceOf = (source: string): SourceSpec =>
  dataOf(`  source: ${source}\n  features: { image: { type: image, shape: [8, 8, 1] } }\n`).source;

const featureOf = (feature: string): FeatureSpec | undefined =>
  dataOf(`  source: { arrays: true }\n  features: { it: ${feature} }\n`).features.it;

const codes = (data: string): string[] =>
  codesOf(loadText(specWith({ data: `data:\n${data}`, train: "" })));

describe("sources", () => {
  const cases: readonly [string, SourceSpec][] = [
    [
      "{ idx: { images: a.gz, labels: npm:b/c } }",
      { kind: "idx", files: { images: "a.gz", labels: "npm:b/c" } },
    ],
    ["{ npy: { image: x.npy } }", { kind: "npy", files: { image: "x.npy" } }],
    ["{ csv: a.csv }", { kind: "csv", path: "a.csv", delimiter: ",", header: null }],
    [
      '{ csv: { path: a.csv, delimiter: ";", header: [image, b] } }',
      { kind: "csv", path: "a.csv", delimiter: ";", header: ["image", "b"] },
    ],
    ["{ cifar: a.bin }", { kind: "cifar", files: ["a.bin"], classes: 10 }],
    [
      "{ cifar: { files: [a, b], classes: 100 } }",
      { kind: "cifar", files: ["a", "b"], classes: 100 },
    ],
    ["{ images: photos }", { kind: "images", path: "photos" }],
    ["{ json: a.json }", { kind: "json", path: "a.json", at: null }],
    ["{ json: { path: a.json, at: rows } }", { kind: "json", path: "a.json", at: "rows" }],
    [
      "{ json: { by_class: { cat: c.json, 1: d.json }, at: data, column: image } }",
      {
        kind: "json_by_class",
        files: { "1": "d.json", cat: "c.json" },
        at: "data",
        column: "image",
      },
    ],
    ["{ text: a.txt }", { kind: "text", path: "a.txt", by: "line", length: 200 }],
    [
      "{ text: { path: a.txt.gz, by: characters, length: 50 } }",
      { kind: "text", path: "a.txt.gz", by: "characters", length: 50 },
    ],
    ["{ arrays: true }", { kind: "arrays" }],
    ["arrays", { kind: "arrays" }],
  ];
  for (const [text, source] of cases) {
    it(`reads ${text}`, () => {
      expect(sourceOf(text)).toEqual(source);
    });
  }

  it("refuses what is none", () => {
    expect(codes("  source: { parquet: a }\n  features: { x: number }\n")).toEqual([
      "unknown-name",
    ]);
    expect(codes("  source: { idx: a }\n  features: { x: number }\n")).toEqual(["wrong-type"]);
    expect(codes("  source: { arrays: false }\n  features: { x: number }\n")).toEqual([
      "unknown-value",
    ]);
    expect(codes("  source: idx\n  features: { x: number }\n")).toEqual(["missing-key"]);
  });
});

describe("features", () => {
  it("of every type get their defaults", () => {
    expect(featureOf("{ type: image, shape: [8, 9, 3] }")).toEqual({
      type: "image",
      column: "it",
      shape: [8, 9, 3],
      scale: "unit",
      resize: false,
    });
    expect(featureOf("number")).toEqual({ type: "number", column: "it", scale: "none" });
    expect(featureOf("{ type: number }")).toEqual(featureOf("number"));
    expect(featureOf("{ type: category, classes: [0, 1, yes] }")).toEqual({
      type: "category",
      column: "it",
      classes: ["0", "1", "yes"],
      encode: "one_hot",
    });
  });

  it("that are texts have room for their end, which targets have unless told otherwise", () => {
    const defaults = { type: "text", column: "it", tokens: "word", vocabulary: 8000 };
    const flags = { lowercase: false, truncate: false, unknown: "replace" };
    expect(featureOf("text")).toMatchObject({ ...defaults, ...flags, length: 0, end: false });
    expect(featureOf("{ type: text, max_length: 5, end: true }")).toMatchObject({ length: 6 });
    const targetOf = (target: string): FeatureSpec | undefined =>
      dataOf(`  source: arrays\n  features: { x: number }\n  targets: { it: ${target} }\n`).targets
        .it;
    expect(targetOf("{ type: text, max_length: 5 }")).toMatchObject({ length: 6, end: true });
    expect(targetOf("{ type: text, max_length: 5, end: false }")).toMatchObject({ length: 5 });
  });

  it("that are texts need a vocabulary for more than the special tokens", () => {
    const of = (tokens: string, vocabulary: number): string[] =>
      codes(
        `  source: arrays\n  features: { it: { type: text, tokens: ${tokens}, vocabulary: ${vocabulary} } }\n`,
      );
    expect(of("char", 4)).toEqual(["out-of-range"]);
    expect(of("char", 5)).toEqual([]);
    expect(of("bpe", 259)).toEqual(["out-of-range"]);
    expect(of("bpe", 260)).toEqual([]);
  });

  it("that are sequences get their defaults", () => {
    expect(featureOf("sequence")).toEqual({
      ...{ type: "sequence", column: "it", length: 0, channels: 1, scale: "none" },
      truncate: false,
    });
    expect(featureOf("{ type: sequence, max_length: 9, channels: 2 }")).toMatchObject({
      length: 9,
      channels: 2,
    });
  });

  it("of a text file read its only column", () => {
    const { features } = dataOf("  source: { text: a.txt }\n  features: { verse: text }\n");
    expect(features.verse).toMatchObject({ column: "text" });
  });

  it("that are vectors take one column of arrays or several of numbers", () => {
    expect(featureOf("{ type: vector, shape: [2, 3] }")).toMatchObject({
      columns: ["it"],
      shape: [2, 3],
    });
    expect(featureOf("{ type: vector, columns: [a, b] }")).toMatchObject({
      columns: ["a", "b"],
      shape: [2],
    });
    expect(featureOf("{ type: vector, columns: { from: p8, to: p11 } }")).toMatchObject({
      columns: ["p8", "p9", "p10", "p11"],
      shape: [4],
    });
    expect(
      featureOf("{ type: vector, columns: { from: x01, to: x10 }, shape: [2, 5] }"),
    ).toMatchObject({
      columns: ["x01", "x02", "x03", "x04", "x05", "x06", "x07", "x08", "x09", "x10"],
      shape: [2, 5],
    });
  });

  it("find the column of an only image and an only label", () => {
    const sources = [
      "{ idx: { images: a, labels: b } }",
      "{ cifar: a }",
      "{ images: a }",
      "{ json: { by_class: { p: a, q: b } } }",
    ];
    const columns = sources.map((source) => {
      const { features, targets } = dataOf(
        `  source: ${source}\n  features: { photo: { type: image, shape: [8, 8, 1] } }\n  targets: { kind: category }\n`,
      );
      return [features.photo, targets.kind].map((spec) =>
        spec?.type === "vector" ? "" : spec?.column,
      );
    });
    expect(columns).toEqual([
      ["images", "labels"],
      ["image", "label"],
      ["image", "label"],
      ["values", "label"],
    ]);
  });

  it("do not guess where there are several", () => {
    const features =
      "  features: { a: { type: image, shape: [8, 8, 1] }, b: { type: image, shape: [8, 8, 1] } }\n";
    const found = codes(`  source: { idx: { images: p, labels: q } }\n${features}`);
    expect(found).toEqual(["column-not-in-source", "column-not-in-source"]);
  });

  it("must be in the sources for validation and test as well", () => {
    const features = "  features: { image: { type: image, shape: [8, 8, 1] } }\n";
    const test = "  test: { idx: { images: c, label: d } }\n";
    const targets = "  targets: { digit: { type: category } }\n";
    const { diagnostics } = loadText(
      specWith({
        data: `data:\n  source: { idx: { images: a, labels: b } }\n${test}${features}${targets}`,
      }),
    );
    expect(diagnostics.all.map(({ code }) => code)).toEqual(["column-not-in-source"]);
    expect(diagnostics.all[0]?.fixes[0]?.edits[0]?.text).toBe("labels");
  });
});

describe("splits", () => {
  const split = (text: string): DataSpec["split"] =>
    dataOf(`  source: arrays\n  features: { x: number }\n  split: ${text}\n`).split;

  it("are counts or fractions", () => {
    expect(split("{ validation: 5000, test: 0.1 }")).toEqual({
      validation: 5000,
      test: 0.1,
      method: "random",
      by: [],
      seed: 0,
    });
    expect(split("{ validation: 0.2, method: hash, by: [a] }")).toMatchObject({
      method: "hash",
      by: ["a"],
    });
  });

  it("hold back nothing unless asked", () => {
    expect(dataOf("  source: arrays\n  features: { x: number }\n").split).toMatchObject({
      validation: 0,
      test: 0,
    });
  });
});

it("resolves what a default comes to", () => {
  const data = `data:
  source: { npy: { image: x.npy, labels: y.npy, a: a.npy, b: b.npy } }
  features:
    photo: { type: image, shape: [8, 8, 1] }
    pair: { type: vector, columns: [a, b] }
  targets: { kind: { type: category, classes: [p, q] } }
`;
  const train = "train: { loss: cross_entropy, optimizer: adamw, learning_rate: 0.1 }";
  const { origins } = resolveText(
    specWith({
      data,
      model: "model: { layers: [{ flatten: {}, from: photo }, { dense: 2 }] }",
      train,
    }),
  );
  const settled = (path: string): unknown => origins.find((origin) => origin.path === path)?.value;
  expect(settled("data.features.photo.column")).toBe("image");
  expect(settled("data.targets.kind.column")).toBe("labels");
  expect(settled("data.features.pair.shape")).toEqual([2]);
  expect(settled("data.features.pair.column")).toBeUndefined();
  expect(settled("train.learning_rate")).toBe(0.1);
  expect(settled("train.optimizer.adamw.learning_rate")).toBeUndefined();
  expect(settled("train.optimizer.adamw.weight_decay")).toBe(0.01);
  expect(settled("train.weight_decay")).toBeUndefined();
});

it("lets a hash be seeded, but not the end of the rows", () => {
  const split = (text: string): string[] =>
    codes(`  source: { arrays: true }\n  split: ${text}\n  features: { x: number }\n`);
  expect(split("{ test: 0.1, method: hash, seed: 3 }")).toEqual([]);
  expect(split("{ test: 0.1, method: last, seed: 3 }")).toEqual(["setting-without-effect"]);
});
