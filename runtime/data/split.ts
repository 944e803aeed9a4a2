/** @file Which rows train, and which are held back. */
import { derive, hash, keyOf, permutation } from "../random.js";
import type { SplitSpec } from "../spec.js";
import { count, DataError } from "./errors.js";
import { isArrayLike } from "./nested.js";
import { type Column, columnOf, rowSize, type Table } from "./table.js";

export type SplitName = "train" | "validation" | "test";

/** Row numbers of each part, ascending. They never overlap and together are all rows. */
export type Parts = Readonly<Record<SplitName, Uint32Array>>;

/** What is held back of a table: see SplitSpec; 0 for a part that has a source of its own. */
export function splitRows(table: Table, split: SplitSpec, source: string): Parts {
  const wanted = { test: split.test, validation: split.validation };
  const sizes = {
    test: rowsOf(split.test, table.rows),
    validation: rowsOf(split.validation, table.rows),
  };
  const held = sizes.test + sizes.validation;
  if (held === 0)
    return { train: range(0, table.rows), validation: range(0, 0), test: range(0, 0) };
  if (held >= table.rows) throw leavesNone(sizes, table.rows, source);
  const parts =
    split.method === "hash"
      ? byHash(table, split, wanted, sizes, source)
      : byOrder(
          split.method === "random"
            ? permutation(table.rows, derive(split.seed, keyOf("split")))
            : range(0, table.rows),
          sizes,
        );
  for (const [name, rows] of Object.entries(parts)) {
    const asked = name === "train" ? 1 : wanted[name as "test" | "validation"];
    if (asked > 0 && rows.length === 0) throw emptyPart(name, source);
  }
  return parts;
}

/** How many of `rows` a part is: a number from 1 counts rows, below 1 it is a fraction, at least one row. */
export function rowsOf(part: number, rows: number): number {
  if (part >= 1) return Math.floor(part);
  return part > 0 ? Math.max(1, Math.round(part * rows)) : 0;
}

function range(from: number, to: number): Uint32Array {
  return Uint32Array.from({ length: to - from }, (_, i) => from + i);
}

/** The end of `order` is held back: first validation, then test. */
function byOrder(
  order: Uint32Array,
  sizes: Readonly<Record<"test" | "validation", number>>,
): Parts {
  const testAt = order.length - sizes.test;
  const validationAt = testAt - sizes.validation;
  return {
    train: order.slice(0, validationAt).sort(),
    validation: order.slice(validationAt, testAt).sort(),
    test: order.slice(testAt).sort(),
  };
}

/**
 * Rows in the order of their hash; the lowest are the test rows, the next validation. A fraction cuts
 * at that fraction of all hashes, so that a row stays where it is when the data grow; a count takes
 * whole groups of equal rows until it is reached.
 */
function byHash(
  table: Table,
  split: SplitSpec,
  wanted: Readonly<Record<"test" | "validation", number>>,
  sizes: Readonly<Record<"test" | "validation", number>>,
  source: string,
): Parts {
  const hashes = hashRows(table, split, source);
  const order = range(0, table.rows).sort(
    (a, b) => (hashes[a] as number) - (hashes[b] as number) || a - b,
  );
  const hashAt = (i: number): number =>
    i < order.length ? (hashes[order[i] as number] as number) : 2 ** 32;
  const testEnd = cut(0, 0, wanted.test, sizes.test);
  const start = wanted.test < 1 ? wanted.test * 2 ** 32 : hashAt(testEnd);
  const validationEnd = cut(testEnd, start, wanted.validation, sizes.validation);
  return {
    test: order.slice(0, testEnd).sort(),
    validation: order.slice(testEnd, validationEnd).sort(),
    train: order.slice(validationEnd).sort(),
  };

  function cut(from: number, fromHash: number, part: number, size: number): number {
    let end = from;
    if (part < 1) {
      const limit = fromHash + part * 2 ** 32;
      while (end < order.length && part > 0 && hashAt(end) < limit) end++;
      return end;
    }
    end = Math.min(order.length, from + size);
    while (end < order.length && hashAt(end) === hashAt(end - 1)) end++;
    return end;
  }
}

/** A 32-bit hash of each row's content, or of its `by` columns; equal rows get equal hashes. */
function hashRows(table: Table, split: SplitSpec, source: string): Uint32Array {
  const hashes = new Uint32Array(table.rows).fill(derive(split.seed, keyOf("split")));
  // In the order of names: the order in which features are listed must not matter.
  const names = split.by.length > 0 ? [...split.by] : [...table.columns.keys()];
  for (const name of names.sort()) mix(hashes, columnOf(table.columns, name, source));
  return hashes.map((h) => hash(h, 0));
}

const fnvPrime = 0x01000193;

function mix(hashes: Uint32Array, column: Column): void {
  if (column.kind === "text") {
    for (let row = 0; row < column.rows; row++) {
      hashes[row] = hash((hashes[row] as number) ^ keyOf(column.values[row] as string), fnvPrime);
    }
    return;
  }
  if (column.kind === "values") {
    for (let row = 0; row < column.rows; row++) {
      const text = JSON.stringify(plain(column.values[row]));
      hashes[row] = hash((hashes[row] as number) ^ keyOf(text), fnvPrime);
    }
    return;
  }
  const { data } = column;
  const stride = rowSize(column.shape);
  const bits =
    data instanceof Float32Array
      ? new Uint32Array(data.buffer, data.byteOffset, data.length)
      : data;
  for (let row = 0; row < column.rows; row++) {
    let h = hashes[row] as number;
    for (let i = row * stride; i < (row + 1) * stride; i++) {
      // -0 equals 0, so both must give the same hash.
      h = Math.imul(h ^ (data[i] === 0 ? 0 : (bits[i] as number)), fnvPrime);
      h ^= h >>> 15;
    }
    hashes[row] = h;
  }
}

/** Typed arrays as plain ones: which of them holds a sequence must not matter. */
function plain(value: unknown): unknown {
  return isArrayLike(value) ? Array.from(value, plain) : (value ?? null);
}

/** `rows` null: not known, but these fractions leave none of any number. */
export function leavesNone(
  sizes: Readonly<Record<"test" | "validation", number>>,
  rows: number | null,
  source: string,
): DataError {
  const parts = [
    ...(sizes.validation > 0 ? [`${count(sizes.validation, "row")} for validation`] : []),
    ...(sizes.test > 0 ? [`${count(sizes.test, "row")} for test`] : []),
  ].join(" and ");
  return new DataError(
    "split-too-large",
    rows === null
      ? "the fractions for validation and test leave no rows to train on"
      : `${parts} of ${count(rows, "row")} leave none to train on`,
    {
      place: source,
      path: "split",
      help: "Hold back fewer rows; a number below 1 is a fraction of all rows.",
    },
  );
}

function emptyPart(name: string, source: string): DataError {
  return new DataError("empty-split", `the ${name} split has no rows`, {
    place: source,
    path: "split",
    help: "With method hash, equal rows stay together and small data may all fall on one side: hold back another number of rows, or use method random.",
  });
}
