/** @file Features and targets as programs read them, and the facts fitted for them. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { fitFacts, needsFacts, openData } from "../../../runtime/data/index.js";
import type { DataSpec, FeatureSpec, SourceSpec } from "../../../runtime/spec.js";
import {
  bytesOf,
  csvSource,
  dataSpec,
  encoded,
  failure,
  feature,
  folder,
  idxFile,
  noSplit,
  npyFile,
  put,
} from "./support.js";

const base = folder();

function csv(
  content: string,
  features: Record<string, FeatureSpec>,
  parts: Partial<DataSpec> = {},
): DataSpec {
  return dataSpec(csvSource(put(base, "d.csv", content)), { features, ...parts });
}

function idxLabels(labels: readonly number[]): SourceSpec {
  return {
    kind: "idx",
    files: { y: put(base, "y.idx", idxFile(8, [labels.length], Buffer.from(labels))) },
  };
}

it("gives numbers as [n, 1] and columns side by side as vectors", async () => {
  const spec = csv("a,b,c\n1,2,3\n4,5,6\n", {
    one: feature.number("b"),
    all: feature.vector(["c", "a"], [2]),
  });
  const { splits } = await openData(spec, {}, { base });
  const { one, all } = splits.train!.table.columns;
  expect(one).toMatchObject({ dtype: "f32", shape: [1], data: Float32Array.of(2, 5) });
  expect(all).toMatchObject({ dtype: "f32", shape: [2], data: Float32Array.of(3, 1, 6, 4) });
});

it("reads one column both as a number and as a category", async () => {
  const spec = csv("a\n10\n20\n", {
    n: feature.number("a"),
    c: feature.category("a", ["20", "10"]),
  });
  expect(await encoded(spec, base, "n")).toEqual([10, 20]);
  expect(await encoded(spec, base, "c")).toEqual([1, 0]);
});

it("takes images of [H, W, C], of [H, W], and flat rows of as many values", async () => {
  const pixels = Buffer.from(Array.from({ length: 24 }, (_, i) => i));
  for (const dims of [
    [4, 2, 3, 1],
    [4, 2, 3],
    [4, 6],
  ]) {
    const file = put(base, "i.idx", idxFile(8, dims, pixels));
    const spec = dataSpec(
      { kind: "idx", files: { i: file } },
      { features: { i: feature.image("i", [2, 3, 1]) } },
    );
    expect(await encoded(spec, base, "i")).toEqual([...pixels]);
  }
  const file = put(base, "i.idx", idxFile(8, [4, 3, 2], pixels));
  const spec = dataSpec(
    { kind: "idx", files: { i: file } },
    { features: { i: feature.image("i", [2, 3, 1]) } },
  );
  const error = await failure(encoded(spec, base, "i"));
  expect(error).toMatchObject({ code: "data-shape-mismatch", place: "i.idx" });
  expect(error.help).toContain("shape: [3, 2, 1]");
});

it("takes whole floats as pixels and refuses others with their record", async () => {
  const make = (values: readonly number[]) =>
    dataSpec(
      {
        kind: "npy",
        files: {
          i: put(
            base,
            "i.npy",
            npyFile(
              "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }",
              bytesOf(Float32Array.from(values)),
            ),
          ),
        },
      },
      { features: { i: feature.image("i", [1, 2, 1]) } },
    );
  expect(await encoded(make([0, 255, 3, 4]), base, "i")).toEqual([0, 255, 3, 4]);
  for (const bad of [0.5, -1, 256, Number.NaN]) {
    const error = await failure(encoded(make([0, 1, 2, bad]), base, "i"));
    expect(error).toMatchObject({
      code: "value-out-of-range",
      place: "i.npy, record 1 (counted from 0)",
    });
  }
});

it("refuses NaN and infinity in binary files with their record", async () => {
  for (const [bad, code] of [
    [Number.NaN, "missing-value"],
    [Number.POSITIVE_INFINITY, "value-out-of-range"],
  ] as const) {
    const file = put(
      base,
      "f.idx",
      idxFile(0x0d, [3, 2], bytesOf(Float32Array.of(1, 2, 3, 4, 5, bad)).swap32()),
    );
    const spec = dataSpec(
      { kind: "idx", files: { v: file } },
      { features: { v: feature.vector(["v"], [2]) } },
    );
    expect(await failure(encoded(spec, base, "v"))).toMatchObject({
      code,
      place: "f.idx, record 2 (counted from 0)",
    });
  }
});

it("takes integers as positions where classes are words, and as names where they are integers", async () => {
  const labels = (values: readonly number[], classes: readonly string[]) =>
    encoded(
      dataSpec(idxLabels(values), { targets: { y: feature.category("y", classes) } }),
      base,
      "y",
    );
  expect(await labels([0, 9, 3], ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"])).toEqual([
    0, 9, 3,
  ]);
  expect(await labels([0, 1, 1], ["cat", "dog"])).toEqual([0, 1, 1]);
  expect(await labels([7, 3], ["3", "7"])).toEqual([1, 0]);
  expect((await failure(labels([0, 2], ["cat", "dog"]))).message).toBe("2 is not a class of 'y'");
  expect((await failure(labels([0], ["3", "7"]))).code).toBe("unknown-label");
});

it("says where an unknown label is and what was probably meant", async () => {
  const make = (label: string) =>
    csv(
      `y\nsetosa\n${label}\n`,
      {},
      { targets: { y: feature.category("y", ["setosa", "virginica"]) } },
    );
  const error = await failure(encoded(make("virginca"), base, "y"));
  expect(error).toMatchObject({
    code: "unknown-label",
    place: "d.csv:3",
    message: "\"virginca\" is not a class of 'y'",
  });
  expect(error.help).toBe(
    "The classes are: setosa, virginica. Add it, or correct the data. Did you mean 'virginica'?",
  );
  expect((await failure(encoded(make(" setosa"), base, "y"))).help).toContain(
    "spaces around the label",
  );
});

it("escapes what a file wants to write to the terminal", async () => {
  const spec = csv(
    "y\n\u001b[31mred\u202e\n",
    {},
    { targets: { y: feature.category("y", ["a"]) } },
  );
  const { message } = await failure(encoded(spec, base, "y"));
  expect(message).toContain("\\u001b[31mred\\u202e");
});

it("refuses text where numbers are needed", async () => {
  const records = put(base, "r.json", '[{"a": "x"}]');
  const spec = dataSpec(
    { kind: "json", path: records, at: null },
    { features: { a: feature.image("a", [1, 1, 1]) } },
  );
  expect((await failure(encoded(spec, base, "a"))).code).toBe("wrong-column-type");
});

it("refuses a vector with another number of columns than its shape", async () => {
  const spec = csv("a,b\n1,2\n", { v: feature.vector(["a", "b"], [3]) });
  expect((await failure(encoded(spec, base, "v"))).code).toBe("data-shape-mismatch");
});

// ------------------------------------------------------------ facts

it("needs facts for classes, scales and counts only", () => {
  const listed = feature.category("c", ["a"]);
  expect(needsFacts(csv("", { c: listed, n: feature.number("n") }))).toBe(false);
  expect(needsFacts(csv("", { c: listed }), { counts: true })).toBe(true);
  expect(needsFacts(csv("", { c: feature.category("c", null) }))).toBe(true);
  expect(needsFacts(csv("", { n: feature.number("n", "standard") }))).toBe(true);
  expect(needsFacts(csv("", { n: feature.number("n", "minmax") }))).toBe(true);
});

it("sorts classes as numbers where all are numbers, else by their letters", async () => {
  const classes = async (labels: readonly string[]) =>
    (
      await fitFacts(
        csv(`y\n${labels.join("\n")}\n`, {}, { targets: { y: feature.category("y", null) } }),
        { base },
      )
    ).y;
  expect(await classes(["10", "9", "9", "-1"])).toEqual({
    classes: ["-1", "9", "10"],
    counts: [1, 2, 1],
  });
  expect(await classes(["b", "B", "10", "9", "é"])).toMatchObject({
    classes: ["10", "9", "B", "b", "é"],
  });
});

it("finds classes of integers in binary files and counts listed ones that never occur", async () => {
  const spec = (classes: readonly string[] | null) =>
    dataSpec(idxLabels([4, 2, 4]), { targets: { y: feature.category("y", classes) } });
  expect((await fitFacts(spec(null), { base })).y).toEqual({ classes: ["2", "4"], counts: [1, 2] });
  expect((await fitFacts(spec(["2", "3", "4"]), { base })).y).toEqual({
    classes: ["2", "3", "4"],
    counts: [1, 0, 2],
  });
});

it("fits mean and deviation, and extremes, of any numbers", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.float({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 2, maxLength: 30 }),
      fc.integer({ min: -1000000, max: 1000000 }),
      async (values, shift) => {
        const all = values.map((v) => Math.fround(v + shift));
        const spec = csv(`a\n${all.join("\n")}\n`, {
          s: feature.number("a", "standard"),
          m: feature.number("a", "minmax"),
        });
        const facts = await fitFacts(spec, { base });
        const mean = all.reduce((a, b) => a + b, 0) / all.length;
        const deviation = Math.sqrt(all.reduce((a, v) => a + (v - mean) ** 2, 0) / all.length);
        expect(facts.s?.mean?.[0]).toBeCloseTo(mean, 6);
        expect(facts.s?.deviation?.[0]).toBeCloseTo(deviation === 0 ? 1 : deviation, 6);
        const min = Math.min(...all);
        const max = Math.max(...all);
        expect(facts.m).toEqual({ min: [min], max: [max === min ? max + 1 : max] });
      },
    ),
    { numRuns: 50 },
  );
});

it("fits one number per element of a vector and per channel of an image", async () => {
  const vector: FeatureSpec = {
    type: "vector",
    columns: ["a", "b"],
    shape: [2],
    scale: "standard",
  };
  const facts = await fitFacts(csv("a,b\n1,5\n3,5\n", { v: vector }), { base });
  expect(facts.v).toEqual({ mean: [2, 5], deviation: [1, 1] });
  const file = put(
    base,
    "rgb.idx",
    idxFile(8, [2, 1, 2, 3], Buffer.from([0, 1, 9, 2, 1, 9, 4, 1, 9, 6, 1, 9])),
  );
  const image: FeatureSpec = { ...feature.image("i", [1, 2, 3]), scale: "minmax" } as FeatureSpec;
  const spec = dataSpec({ kind: "idx", files: { i: file } }, { features: { i: image } });
  expect((await fitFacts(spec, { base })).i).toEqual({ min: [0, 1, 9], max: [6, 2, 10] });
});

it("fits on the training split alone", async () => {
  const spec = csv(
    "x,y\n1,a\n3,b\n1000,c\n-1000,a\n",
    { x: feature.number("x", "standard"), m: feature.number("x", "minmax") },
    {
      targets: { y: feature.category("y", null) },
      split: { ...noSplit, method: "last", validation: 1, test: 1 },
    },
  );
  const facts = await fitFacts(spec, { base });
  expect(facts).toEqual({
    x: { mean: [2], deviation: [1] },
    m: { min: [1], max: [3] },
    y: { classes: ["a", "b"], counts: [1, 1] },
  });
  // The class that only validation has is then unknown, and says so.
  const error = await failure(openData(spec, facts, { base }));
  expect(error).toMatchObject({ code: "unknown-label", place: "d.csv:4" });
});

it("tells the program to pass its arrays where the spec has no files", async () => {
  const spec = dataSpec({ kind: "arrays" }, { features: { x: feature.number("x", "standard") } });
  expect((await failure(fitFacts(spec, { base }))).code).toBe("arrays-missing");
  expect((await failure(openData(spec, {}, { base }))).code).toBe("arrays-missing");
});

it("takes columns in memory in every usual form", async () => {
  const spec = dataSpec(
    { kind: "arrays" },
    {
      features: {
        n: feature.number("n"),
        v: feature.vector(["v"], [2]),
        i: feature.image("i", [1, 2, 1]),
      },
      targets: { y: feature.category("y", ["no", "yes"]) },
    },
  );
  const train = {
    n: Float64Array.of(1, 2),
    v: [[1, 2], Float32Array.of(3, 4)],
    i: { data: Uint8Array.of(5, 6, 7, 8), shape: [2, 1, 2, 1] },
    y: ["yes", "no"],
  };
  const { splits } = await openData(spec, {}, { base, arrays: { train } });
  const { columns } = splits.train!.table;
  expect(Object.fromEntries(Object.entries(columns).map(([k, c]) => [k, [...c.data]]))).toEqual({
    n: [1, 2],
    v: [1, 2, 3, 4],
    i: [5, 6, 7, 8],
    y: [1, 0],
  });
  const bad: [string, Record<string, unknown>, string][] = [
    ["a missing column", { ...train, n: undefined }, "unknown-column"],
    ["different lengths", { ...train, n: [1] }, "row-count-mismatch"],
    ["ragged rows", { ...train, v: [[1, 2], [3]] }, "ragged-row"],
    ["NaN", { ...train, n: [1, Number.NaN] }, "missing-value"],
    [
      "a wrong shape",
      { ...train, i: { data: Uint8Array.of(1), shape: [2, 1] } },
      "data-shape-mismatch",
    ],
    ["an unknown label", { ...train, y: ["yes", "maybe"] }, "unknown-label"],
  ];
  for (const [what, arrays, code] of bad) {
    const given = Object.fromEntries(Object.entries(arrays).filter(([, v]) => v !== undefined));
    const error = await failure(openData(spec, {}, { base, arrays: { train: given as never } }));
    expect(error.code, what).toBe(code);
  }
});

it("lets arrays take the place of a split's files", async () => {
  const spec = csv(
    "x\n1\n2\n3\n",
    { x: feature.number("x") },
    { split: { ...noSplit, validation: 1 } },
  );
  const { splits } = await openData(spec, {}, { base, arrays: { validation: { x: [7] } } });
  expect([splits.train?.rows, [...(splits.validation?.table.columns.x?.data ?? [])]]).toEqual([
    3,
    [7],
  ]);
});
