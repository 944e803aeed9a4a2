/** @file Sequences of numbers: every way to write them, and everything that can be wrong with them. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type ArrayColumn,
  checkData,
  encodeInputs,
  fitFacts,
  needsFacts,
  openData,
} from "../../../runtime/data/index.js";
import { nodeAccess } from "../../../runtime/data/node-access.js";
import type { SequenceFeature } from "../../../runtime/data/sequence.js";
import { openModelData } from "../../../runtime/model/data.js";
import type { DataSpec, FittedFacts, ModelDefinition } from "../../../runtime/spec.js";
import { bytesOf, csvSource, dataSpec, failure, folder, noSplit, npyFile, put } from "./support.js";

const base = folder();

const sequence = (fields: Partial<SequenceFeature> = {}): SequenceFeature => ({
  ...{ type: "sequence", column: "s", length: 3, channels: 1, scale: "none", truncate: false },
  ...fields,
});

let files = 0;
function json(rows: readonly unknown[], feature: Partial<SequenceFeature> = {}): DataSpec {
  const records = JSON.stringify(rows.map((s) => ({ s })));
  const path = put(base, `s${files++}.json`, records);
  return dataSpec({ kind: "json", path, at: null }, { features: { s: sequence(feature) } });
}

function csv(cells: readonly string[], feature: Partial<SequenceFeature> = {}): DataSpec {
  const path = put(base, `s${files++}.csv`, `s|t\n${cells.map((c) => `${c}|x`).join("\n")}\n`);
  return dataSpec(csvSource(path, "|"), { features: { s: sequence(feature) } });
}

async function encoded(spec: DataSpec, facts: FittedFacts = {}, arrays?: ArrayColumn) {
  const options = arrays === undefined ? { base } : { base, arrays: { train: { s: arrays } } };
  const data = await openData(spec, facts, options);
  const column = data.splits.train?.table.columns.s;
  expect(column?.dtype).toBe("f32");
  return [column?.shape, Array.from(column?.data ?? [])];
}

const twoAndOne = [
  [3, 2],
  [1.5, 1, -2, 1, 0, 0, 4, 1, 0, 0, 0, 0],
];
const twoChannels = [
  [3, 3],
  [1, 2, 1, 3, 4, 1, 0, 0, 0, 5, 6, 1, 0, 0, 0, 0, 0, 0],
];

describe("encoding", () => {
  it("reads lists of any length from JSON", async () => {
    expect(await encoded(json([[1.5, -2], [4]]))).toEqual(twoAndOne);
    const rows = [
      [
        [1, 2],
        [3, 4],
      ],
      [[5, 6]],
    ];
    expect(await encoded(json(rows, { channels: 2 }))).toEqual(twoChannels);
  });

  it.each(["1.5 -2", " 1.5,-2 ", "1.5;-2", "1.5; -2;", "[1.5, -2]", "[[1.5], [-2]]"])(
    "reads the cell %j",
    async (cell) => {
      expect(await encoded(csv([cell, "4"]))).toEqual(twoAndOne);
    },
  );

  it.each(["1 2 3 4", "1,2;3,4", "1 2; 3 4", "[[1, 2], [3, 4]]"])(
    "reads two channels from the cell %j",
    async (cell) => {
      expect(await encoded(csv([cell, "5 6"], { channels: 2 }))).toEqual(twoChannels);
    },
  );

  it("reads NumPy arrays, with or without an axis of channels", async () => {
    const numbers = bytesOf(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    const npy = (shape: string, feature: Partial<SequenceFeature>) => {
      const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape}), }`;
      const path = put(base, `s${files++}.npy`, npyFile(header, numbers));
      return dataSpec({ kind: "npy", files: { s: path } }, { features: { s: sequence(feature) } });
    };
    expect(await encoded(npy("4, 2", {}))).toEqual([
      [3, 2],
      [1, 2, 3, 4, 5, 6, 7, 8].flatMap((v, i) => (i % 2 === 0 ? [v, 1] : [v, 1, 0, 0])),
    ]);
    expect(await encoded(npy("2, 2, 2", { channels: 2, length: 2 }))).toEqual([
      [2, 3],
      [1, 2, 1, 3, 4, 1, 5, 6, 1, 7, 8, 1],
    ]);
    const wrong = npy("2, 2, 2", { channels: 1 });
    expect(await checkData(wrong, { base })).toMatchObject([
      { code: "data-shape-mismatch", help: "Write channels: 2." },
    ]);
    expect((await failure(encoded(wrong))).code).toBe("data-shape-mismatch");
    expect(await checkData(npy("2, 4", {}), { base })).toMatchObject([
      { code: "example-too-long", path: "features.s" },
    ]);
  });

  it("takes arrays from the caller: plain, typed, mixed", async () => {
    const spec = dataSpec({ kind: "arrays" }, { features: { s: sequence() } });
    expect(await encoded(spec, {}, [[1.5, -2], [4]])).toEqual(twoAndOne);
    expect(await encoded(spec, {}, [Float32Array.of(1.5, -2), [4]])).toEqual(twoAndOne);
    const whole = { data: Float32Array.of(1.5, -2, 4, 5), shape: [2, 2] };
    expect(await encoded(spec, {}, whole)).toEqual([
      [3, 2],
      [1.5, 1, -2, 1, 0, 0, 4, 1, 5, 1, 0, 0],
    ]);
  });

  it("gives every number and the length of every sequence back", async () => {
    const values = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), {
      minLength: 1,
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(fc.array(values, { minLength: 1, maxLength: 6 }), async (rows) => {
        const [, numbers] = await encoded(json(rows, { length: 6 }));
        const wanted = rows.flatMap((row) =>
          Array.from({ length: 6 }, (_, i) => [row[i] ?? 0, i < row.length ? 1 : 0]).flat(),
        );
        // JSON has no -0.
        expect((numbers as number[]).map((v) => v + 0)).toEqual(wanted.map((v) => v + 0));
      }),
      { numRuns: 50 },
    );
  });

  it("other features may read the same column where the rows are of one length", async () => {
    const spec = json([
      [1, 2],
      [3, 4],
    ]);
    const v = { type: "vector", columns: ["s"], shape: [2], scale: "none" } as const;
    const data = await openData({ ...spec, features: { ...spec.features, v } }, {}, { base });
    expect([...(data.splits.train?.table.columns.v?.data ?? [])]).toEqual([1, 2, 3, 4]);
  });

  it("cuts longer sequences only where asked to", async () => {
    const spec = (truncate: boolean) => json([[1, 2, 3, 4, 5], [6]], { truncate });
    expect((await encoded(spec(true)))[1]?.slice(0, 6)).toEqual([1, 1, 2, 1, 3, 1]);
    const error = await failure(encoded(spec(false)));
    expect(error.code).toBe("example-too-long");
    expect(error.message).toBe("this sequence of 's' has 5 steps, but max_length is 3");
    expect(error.help).toContain("write max_length: 5, or truncate: true");
    expect(error.place).toContain("record 0");
  });
});

describe("mistakes", () => {
  const bad = (rows: readonly unknown[], feature: Partial<SequenceFeature> = {}) =>
    failure(encoded(json(rows, feature)));

  it.each([
    [[[1], []], {}, "empty-sequence", "record 1"],
    [[[1], null], {}, "missing-value", "record 1"],
    [[[1], [null]], {}, "missing-value", "record 1"],
    [[[1], ["a"]], {}, "not-a-number", "record 1"],
    [[[1], [true, 1]], {}, "not-a-number", "record 1"],
    [[[1], 2], {}, "data-shape-mismatch", "record 1"],
    [[[[1, 2]], [[1]]], { channels: 2 }, "ragged-row", "record 1"],
    [[[[1, 2]], [1, 2]], { channels: 2 }, "ragged-row", "record 1"],
    [[[1], [[1, 2]]], {}, "ragged-row", "record 1"],
    [[[1], [1e300]], {}, "value-out-of-range", "record 1"],
  ])("%j is refused", async (rows, feature, code, place) => {
    const error = await bad(rows, feature);
    expect(error.code).toBe(code);
    expect(error.place).toContain(place);
    expect(error.help).toMatch(/.{10}\.$/);
  });

  it.each([
    ["", {}, "empty-sequence"],
    ["1 x", {}, "not-a-number"],
    ["1 nan", {}, "missing-value"],
    ["[1, 2", {}, "not-a-number"],
    ["1 2 3", { channels: 2 }, "ragged-row"],
    ["1 2; 3", { channels: 2 }, "ragged-row"],
  ])("the cell %j is refused", async (cell, feature, code) => {
    const spec = csv(["1 2", cell], feature);
    const error = await failure(encoded(spec));
    expect(error.code).toBe(code);
    expect(error.place).toMatch(/\.csv:3$/);
    expect(await checkData(spec, { base })).toMatchObject([{ code, path: "features.s" }]);
  });
});

describe("facts", () => {
  it("are needed for the length and the scale", () => {
    expect(needsFacts(json([]))).toBe(false);
    expect(needsFacts(json([], { length: 0 }))).toBe(true);
    expect(needsFacts(json([], { scale: "standard" }))).toBe(true);
  });

  it("have mean and deviation of each channel over the steps of the training split", async () => {
    const split = { ...noSplit, validation: 1, method: "last" } as const;
    const rows = [
      [
        [1, 10],
        [3, 10],
      ],
      [[5, 40]],
      [
        [100, 100],
        [100, 100],
        [100, 100],
      ],
    ];
    const facts = async (scale: "standard" | "minmax") =>
      (await fitFacts({ ...json(rows, { channels: 2, scale }), split }, { base })).s;
    expect(await facts("standard")).toEqual({
      mean: [3, 20],
      deviation: [Math.sqrt(8 / 3), Math.sqrt(200)],
    });
    expect(await facts("minmax")).toEqual({ min: [1, 10], max: [5, 40] });
  });

  it("have the length of the longest sequence where none is given", async () => {
    const spec = json([[1], [2], [3, 4, 5]], { length: 0 });
    const split = { ...noSplit, validation: 1, method: "last" } as const;
    expect((await fitFacts({ ...spec, split }, { base })).s).toEqual({ length: 3 });
    expect(await checkData(spec, { base })).toEqual([]);
    const empty = await failure(fitFacts(json([[], []], { length: 0 }), { base }));
    expect(empty.code).toBe("empty-sequence");
  });

  it("cannot come from data that the program passes in", async () => {
    const spec = dataSpec({ kind: "arrays" }, { features: { s: sequence({ length: 0 }) } });
    expect((await failure(fitFacts(spec, { base }))).help).toContain("Write max_length");
  });
});

it("equal rows fall on one side of a hash split, whatever holds them", async () => {
  const rows = Array.from({ length: 40 }, (_, i) => [i % 4, 1]);
  const typed = rows.map((row, i) => (i < 20 ? row : Float32Array.from(row)));
  const split = { ...noSplit, validation: 0.5, method: "hash" } as const;
  const spec = { ...dataSpec({ kind: "arrays" }, { features: { s: sequence() } }), split };
  const data = await openData(spec, {}, { base, arrays: { train: { s: typed } } });
  const held = new Set(Array.from(data.splits.validation?.indices ?? [], (row) => row % 4));
  expect(held.size * 10).toBe(data.splits.validation?.rows);
});

describe("predicting", () => {
  const encode = async (value: unknown, fields: Partial<SequenceFeature> = {}) => {
    const data = dataSpec({ kind: "arrays" }, { features: { s: sequence(fields) } });
    const { s } = await encodeInputs({ data, facts: {} }, [{ s: value }]);
    return [s?.shape, Array.from(s?.data ?? [])];
  };

  it.each([
    [[1.5, -2]],
    [Float32Array.of(1.5, -2)],
    [[[1.5], [-2]]],
    [{ shape: [2, 1], data: [1.5, -2] }],
    [{ shape: [2], data: Float64Array.of(1.5, -2) }],
    ["1.5 -2"],
  ])("takes %j", async (value) => {
    expect(await encode(value)).toEqual([
      [1, 3, 2],
      [1.5, 1, -2, 1, 0, 0],
    ]);
  });

  it("takes steps of several channels", async () => {
    const wanted = [
      [1, 3, 3],
      [1, 2, 1, 3, 4, 1, 0, 0, 0],
    ];
    const shaped = { shape: [2, 2], data: [1, 2, 3, 4] };
    for (const value of [
      [
        [1, 2],
        [3, 4],
      ],
      shaped,
      "1 2; 3 4",
    ]) {
      expect(await encode(value, { channels: 2 })).toEqual(wanted);
    }
  });

  it.each([
    [3, "data-shape-mismatch"],
    [[], "empty-sequence"],
    [[1, 2, 3, 4], "example-too-long"],
    [[1, "a"], "not-a-number"],
    [[true, 1], "not-a-number"],
    [[[true], [1]], "not-a-number"],
    [[[1, 2]], "ragged-row"],
  ])("refuses %j", async (value, code) => {
    const error = await failure(encode(value));
    expect(error.code).toBe(code);
    expect(error.place).toBe("input 's'");
  });
});

it("examples in memory may be lists of shaped sequences of any length", async () => {
  const data = dataSpec({ kind: "arrays" }, { features: { s: sequence({ channels: 2 }) } });
  const examples = {
    s: [
      { shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) },
      { shape: [1, 2], data: [5, 6] },
      [[5, 6]],
    ],
  };
  const opened = await openModelData(
    nodeAccess,
    { data, facts: {} } as unknown as ModelDefinition,
    {
      ...{ base, splits: ["train"], single: "train", examples },
    },
  );
  const [shape, numbers] = twoChannels;
  const column = opened.splits.train?.table.columns.s;
  expect(column?.shape).toEqual(shape);
  expect(Array.from(column?.data ?? [])).toEqual([...(numbers ?? []), ...(numbers ?? []).slice(9)]);
});
