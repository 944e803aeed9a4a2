/** @file Arithmetic on shapes whose dimensions may be multiples of the batch size. */
import type { Dim, Shape } from "./types.js";

interface Monomial {
  readonly factor: number;
  readonly power: number;
}

function parse(dim: Dim): Monomial {
  if (typeof dim === "number") return { factor: dim, power: 0 };
  const digits = dim.slice(0, -1);
  return { factor: digits === "" ? 1 : Number(digits), power: 1 };
}

function format({ factor, power }: Monomial): Dim {
  if (power === 0) return factor;
  if (power !== 1) throw new Error("a dimension may contain the batch size only once");
  return factor === 1 ? "n" : `${factor}n`;
}

/** Product of dimensions: `["n", 4, 4]` → `"16n"`; 1 for none. */
export function product(dims: Shape): Dim {
  let factor = 1;
  let power = 0;
  for (const dim of dims) {
    const m = parse(dim);
    factor *= m.factor;
    power += m.power;
  }
  return format({ factor, power });
}

export const isStatic = (dim: Dim): dim is number => typeof dim === "number";

/** The dimension for a concrete batch size. */
export function concreteDim(dim: Dim, n: number): number {
  const { factor, power } = parse(dim);
  return power === 0 ? factor : factor * n;
}

export const concreteShape = (shape: Shape, n: number): number[] =>
  shape.map((dim) => concreteDim(dim, n));

export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((dim, i) => dim === b[i]);

/** NumPy broadcasting of two shapes, or null where they do not fit. */
export function broadcast(a: Shape, b: Shape): Shape | null {
  const rank = Math.max(a.length, b.length);
  const result: Dim[] = [];
  for (let i = 0; i < rank; i++) {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) return null;
    result.push(x === 1 ? y : x);
  }
  return result;
}

/** `f32[n,28,28,1]`-style text of a shape: `[n,28,28,1]`. */
export const formatShape = (shape: Shape): string => `[${shape.join(",")}]`;
