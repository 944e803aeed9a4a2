/** @file Which rows train and which are held back. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { openData } from "../../../runtime/data/index.js";
import { type Parts, splitRows } from "../../../runtime/data/split.js";
import { numberColumn, type Table } from "../../../runtime/data/table.js";
import type { SplitSpec } from "../../../runtime/spec.js";
import { csvSource, dataSpec, failure, feature, folder, noSplit, put } from "./support.js";

function table(values: readonly number[]): Table {
  const place = (row: number) => `row ${row}`;
  const x = numberColumn(Float32Array.from(values), values.length, [], place);
  return { rows: values.length, columns: new Map([["x", x]]) };
}

function counting(rows: number): Table {
  return table(Array.from({ length: rows }, (_, i) => i));
}

function split(of: Table, parts: Partial<SplitSpec>): Parts {
  return splitRows(of, { ...noSplit, ...parts }, "test");
}

const methods = ["random", "last", "hash"] as const;
const amount = fc.oneof(
  fc.constant(0),
  fc.integer({ min: 1, max: 30 }),
  fc.double({ min: 0.05, max: 0.4, noNaN: true }),
);

it("puts every row into exactly one part, in ascending order, the same way every time", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 80, max: 300 }),
      fc.constantFrom(...methods),
      amount,
      amount,
      fc.nat(),
      (rows, method, validation, test, seed) => {
        const data = counting(rows);
        let parts: Parts;
        try {
          parts = split(data, { method, validation, test, seed });
        } catch (error) {
          // A small fraction of hashes may be empty; that is said, never ignored.
          expect(error).toMatchObject({ code: "empty-split" });
          expect(method).toBe("hash");
          return;
        }
        const all = [...parts.train, ...parts.validation, ...parts.test];
        expect(all).toHaveLength(rows);
        expect(new Set(all).size).toBe(rows);
        for (const part of Object.values(parts))
          expect([...part]).toEqual([...part].sort((a, b) => a - b));
        expect(split(data, { method, validation, test, seed })).toEqual(parts);
        const size = (part: number) =>
          part < 1 ? Math.max(part > 0 ? 1 : 0, Math.round(part * rows)) : part;
        if (method !== "hash") {
          expect(parts.validation).toHaveLength(size(validation));
          expect(parts.test).toHaveLength(size(test));
        }
      },
    ),
  );
});

it("keeps the end of the source with method last: validation before test", () => {
  const parts = split(counting(10), { method: "last", validation: 2, test: 0.3 });
  expect([...parts.train]).toEqual([0, 1, 2, 3, 4]);
  expect([...parts.validation]).toEqual([5, 6]);
  expect([...parts.test]).toEqual([7, 8, 9]);
});

it("draws other rows with another seed, and spreads them over the whole source", () => {
  const a = split(counting(1000), { validation: 200, seed: 1 });
  const b = split(counting(1000), { validation: 200, seed: 2 });
  expect([...a.validation]).not.toEqual([...b.validation]);
  const firstHalf = a.validation.filter((row) => row < 500).length;
  expect(firstHalf).toBeGreaterThan(70);
  expect(firstHalf).toBeLessThan(130);
});

it("never parts equal rows with method hash", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 40, maxLength: 120 }),
      amount,
      amount,
      (values, validation, test) => {
        try {
          const parts = split(table(values), { method: "hash", validation, test });
          const home = new Map<number, string>();
          for (const [name, rows] of Object.entries(parts)) {
            for (const row of rows) {
              expect(home.get(values[row]!) ?? name).toBe(name);
              home.set(values[row]!, name);
            }
          }
        } catch (error) {
          expect(error).toMatchObject({
            code: expect.stringMatching(/^(empty-split|split-too-large)$/),
          });
        }
      },
    ),
  );
});

it("takes other rows with another seed, also with method hash", () => {
  for (const method of ["random", "hash"] as const) {
    const [a, b] = [1, 2].map((seed) => split(counting(200), { method, validation: 0.3, seed }));
    expect(a?.validation).not.toEqual(b?.validation);
  }
});

it("takes 0 and -0 for the same row", () => {
  const values = Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? 0 : -0)).concat(
    Array.from({ length: 100 }, (_, i) => i + 1),
  );
  const parts = split(table(values), { method: "hash", validation: 0.5 });
  const zeros = [...parts.train].filter((row) => row < 100).length;
  expect([0, 100]).toContain(zeros);
});

it("holds a count exactly with method hash where no rows are equal", () => {
  const parts = split(counting(1000), { method: "hash", validation: 100, test: 50 });
  expect([parts.validation.length, parts.test.length]).toEqual([100, 50]);
});

it("holds a fraction on average with method hash, and rows stay where they are as data grow", () => {
  for (const [validation, test] of [
    [0.2, 0.1],
    [0.2, 0],
    [0, 0.1],
  ] as const) {
    const few = split(counting(20), { method: "hash", validation, test });
    const more = split(counting(4000), { method: "hash", validation, test });
    expect(more.validation.length / 4000).toBeCloseTo(validation, 1);
    expect(more.test.length / 4000).toBeCloseTo(test, 1);
    for (const part of ["train", "validation", "test"] as const) {
      expect([...more[part]].filter((row) => row < 20)).toEqual([...few[part]]);
    }
  }
});

it("refuses to hold back all rows or more", () => {
  for (const parts of [
    { validation: 10 },
    { test: 11 },
    { validation: 5, test: 5 },
    { validation: 0.6, test: 0.4 },
  ]) {
    for (const method of methods) {
      expect(() => split(counting(10), { ...parts, method })).toThrow(
        expect.objectContaining({ code: "split-too-large" }),
      );
    }
  }
});

const base = folder();

it("splits by columns: rows of one patient stay together", async () => {
  const lines = Array.from({ length: 200 }, (_, i) => `${i},p${i % 40}`);
  const file = put(base, "patients.csv", ["x,patient", ...lines].join("\n"));
  const spec = dataSpec(csvSource(file), {
    features: { x: feature.number("x") },
    split: { ...noSplit, method: "hash", by: ["patient"], validation: 0.3 },
  });
  const { splits } = await openData(spec, {}, { base });
  const patients = (rows: Uint32Array | null | undefined) =>
    new Set(Array.from(rows ?? [], (row) => row % 40));
  const train = patients(splits.train?.indices);
  const validation = patients(splits.validation?.indices);
  expect(validation.size).toBeGreaterThan(0);
  expect([...validation].some((patient) => train.has(patient))).toBe(false);
  expect(splits.train?.table.columns).not.toHaveProperty("patient");
});

it("takes all of the source for training where validation and test have their own", async () => {
  const main = put(base, "main.csv", "x\n1\n2\n3\n");
  const other = put(base, "other.csv", "x\n4\n5\n");
  const spec = dataSpec(csvSource(main), {
    validation: csvSource(other),
    test: csvSource(other),
    features: { x: feature.number("x") },
    split: { ...noSplit, validation: 0.5, test: 100 },
  });
  const { splits } = await openData(spec, {}, { base });
  expect([splits.train?.rows, splits.validation?.rows, splits.test?.rows]).toEqual([3, 2, 2]);
});

it("reads only the sources of the splits that are asked for", async () => {
  const other = put(base, "only.csv", "x\n4\n5\n");
  const spec = dataSpec(csvSource("missing.csv"), {
    test: csvSource(other),
    features: { x: feature.number("x") },
  });
  const { splits } = await openData(spec, {}, { base, splits: ["test"] });
  expect([splits.train, splits.test?.rows]).toEqual([null, 2]);
  expect((await failure(openData(spec, {}, { base }))).code).toBe("data-file-missing");
});
