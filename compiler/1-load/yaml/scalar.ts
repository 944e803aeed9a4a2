/**
 * @file What an unquoted scalar means: YAML 1.2's core schema, made strict. `012`, `1_000` and dates
 * stay text (so that a field that wants a number says so); numbers that JavaScript would silently
 * change, or that are not finite, are refused.
 */
import type { ScalarValue } from "./tree.js";

const integer = /^[-+]?(?:0|[1-9][0-9]{0,400})$/;
const based = /^0(?:x[0-9a-fA-F]{1,64}|o[0-7]{1,64})$/;
const float = /^[-+]?(?:\.[0-9]{1,400}|[0-9]{1,400}(?:\.[0-9]{0,400})?)(?:[eE][-+]?[0-9]{1,10})?$/;
const notFinite = /^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;
const words: ReadonlyMap<string, ScalarValue> = new Map<string, ScalarValue>([
  ["", null],
  ["~", null],
  ["null", null],
  ["Null", null],
  ["NULL", null],
  ["true", true],
  ["True", true],
  ["TRUE", true],
  ["false", false],
  ["False", false],
  ["FALSE", false],
]);

export type ScalarReading =
  | { readonly value: ScalarValue }
  /** The text is a number that cannot be kept exactly, or is not finite. */
  | { readonly refused: string };

export function readPlainScalar(text: string): ScalarReading {
  const word = words.get(text);
  if (word !== undefined) return { value: word };
  if (integer.test(text) || based.test(text)) return exactInteger(text);
  if (float.test(text) && !/^[-+]?0[0-9]/.test(text)) {
    const value = Number(text);
    return Number.isFinite(value) ? { value } : { refused: "is larger than a number can be" };
  }
  if (notFinite.test(text)) return { refused: "is not a finite number" };
  return { value: text };
}

function exactInteger(text: string): ScalarReading {
  const value = Number(text);
  return Number.isSafeInteger(value)
    ? { value: value === 0 ? 0 : value }
    : { refused: "has more digits than a number keeps exactly" };
}
