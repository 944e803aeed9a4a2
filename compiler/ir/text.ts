/**
 * @file What printing and parsing the IR's text form share.
 *
 *     graph step(
 *       image: u8[n,28,28,1],
 *       scalar learning_rate: f32,
 *       state dense_1.kernel: f32[784,10]
 *     )
 *       dense_1.cast: f32[n,28,28,1] = cast image dtype=f32  # @ dense_1 dense forward
 *       …
 *       return loss=…, state dense_1.kernel=…
 *
 * One statement per line, or several separated by `;`. Types of statements, `graph name` and the
 * names of results may be left out: `(x: f32[n,4]) a = relu x; return a`. Attributes and optional
 * inputs are `key=value`; attributes that have the usual value (below) may be left out. The body of
 * an op is a graph in braces. A comment that starts with `# @` is the node's origin: layer, type,
 * phase, file, start-end.
 */
import type { ElementType, OpKind } from "@dlc/runtime";
import type { Attributes, Dim, TensorType } from "./types.js";

export const dtypes: readonly ElementType[] = ["f32", "i32", "u32", "u8", "bool", "f16", "bf16"];

/** What stands unquoted: numbers, dimensions and names such as `conv2d_1.kernel:m`. */
export const wordPattern = /[\w+][\w.+/-]*(?::[\w.+/-]+)*|-[\w.][\w.+-]*/y;

export function isWord(text: string): boolean {
  wordPattern.lastIndex = 0;
  const match = wordPattern.exec(text);
  return match !== null && match[0] === text;
}

/** A number as it is written, including the values that JSON lacks. */
export const formatNumber = (value: number): string =>
  Object.is(value, -0) ? "-0" : String(value);

export const readNumber = (word: string): number | null =>
  word === "NaN" || (word.trim() !== "" && !Number.isNaN(Number(word))) ? Number(word) : null;

export const formatType = ({ dtype, shape }: TensorType): string =>
  shape.length === 0 ? dtype : `${dtype}[${shape.join(",")}]`;

/** Results are named by position unless the graph names them. */
export const resultName = (index: number): string => (index === 0 ? "result" : `result_${index}`);

const window = { strides: [1, 1], pads: [0, 0, 0, 0], layout: "NHWC" };
const conv = { ...window, dilations: [1, 1], groups: 1 };
const reduce = { keepDims: false };

/** Values that attributes usually have: text leaves them out. */
const usual: Partial<Record<OpKind, Attributes>> = {
  conv2d: { ...conv, activation: "none" },
  conv2dInputGrad: conv,
  conv2dFilterGrad: conv,
  maxPool2d: { pads: window.pads, layout: "NHWC" },
  maxPool2dGrad: { pads: window.pads, layout: "NHWC" },
  avgPool2d: { pads: window.pads, layout: "NHWC", countPadding: false },
  avgPool2dGrad: { pads: window.pads, layout: "NHWC", countPadding: false },
  resizeNearest: { layout: "NHWC" },
  matmul: { transposeA: false, transposeB: false, activation: "none" },
  sum: reduce,
  mean: reduce,
  max: reduce,
  min: reduce,
};

export const usualAttributes = (kind: string): Attributes => usual[kind as OpKind] ?? {};

export const sameAttribute = (a: unknown, b: unknown): boolean =>
  JSON.stringify(a) === JSON.stringify(b);

export const sameType = (a: TensorType, b: TensorType): boolean =>
  a.dtype === b.dtype &&
  a.shape.length === b.shape.length &&
  a.shape.every((dim: Dim, axis) => dim === b.shape[axis]);

/** A mistake in IR text, which only developers write. Lines count from 1. */
export class IrSyntaxError extends Error {
  override readonly name = "IrSyntaxError";
  readonly line: number;
  constructor(line: number, message: string) {
    super(`line ${line}: ${message}`);
    this.line = line;
  }
}
