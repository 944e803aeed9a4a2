/** @file The counter-based generator of `runtime/random.ts` in the u32 arithmetic of a graph. */
import { roundKey, rounds, siteKey, stepKey } from "../random.js";

/** Arithmetic on u32 tensors, modulo 2^32, broadcasting. */
export interface WordArithmetic<T> {
  constant(shape: readonly number[], values: readonly number[]): T;
  reshape(x: T, shape: readonly number[]): T;
  add(x: T, y: T): T;
  mul(x: T, y: T): T;
  /** Shifts by a number of bits. */
  right(x: T, bits: number): T;
  left(x: T, bits: number): T;
}

/** What a word is divided by to be a number in [0, 1). 24 bits fit a float32 exactly, as on the host. */
export const wordRange = 2 ** 24;

/** A row of at least `size` words below `wordRange`; the first `size` are those of the host to the last bit. */
export function randomWords<T>(a: WordArithmetic<T>, size: number, key: T, site: number): T {
  const word = (value: number): T => a.constant([], [value >>> 0]);
  // index · stepKey + key for all indices: rows and columns apart, to keep constants small.
  const columns = Math.min(size, 1024);
  const rows = Math.ceil(size / columns);
  const multiples = (count: number, factor: number): number[] =>
    Array.from({ length: count }, (_, i) => Math.imul(i, factor) >>> 0);
  const row = a.constant([rows, 1], multiples(rows, Math.imul(columns, stepKey)));
  const column = a.constant([1, columns], multiples(columns, stepKey));
  const own = a.add(key, word(siteKey(0, site)));
  const y = a.reshape(a.add(row, a.add(column, own)), [rows * columns]);
  const z = a.add(y, word(roundKey));
  let x = y;
  for (let round = 0; round < rounds; round++) {
    x = a.add(a.mul(x, x), round % 2 === 0 ? y : z);
    x = a.add(a.right(x, 16), a.left(x, 16));
  }
  return a.right(x, 8);
}
