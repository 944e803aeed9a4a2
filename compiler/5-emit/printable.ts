/** @file Turns plain data into what `print` prints; anything else is a fault of dlc. */
import { bug } from "../diagnostics/diagnostic.js";
import { Fields, isPlainKey, type Printable } from "./literal.js";

/** Fields whose value is a record keyed by the user's names: those are always quoted. */
const records = new Set(["features", "targets", "files"]);

export interface PrintableStyle {
  /** The keys of this object are names (of features, layers, classes), not fields. */
  readonly record?: boolean;
  /** Fields share lines. */
  readonly packed?: boolean;
}

/** Properties that are undefined are left out, as in JSON. */
export function printable(value: unknown, style: PrintableStyle = {}): Printable {
  const { record = false, packed = false } = style;
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "number" || typeof value === "string") return value;
  if (Array.isArray(value)) return value.map((item) => printable(item, { packed }));
  if (typeof value !== "object") bug(`a ${typeof value} cannot be written into a package`);
  const entries = Object.entries(value as object)
    .filter(([, item]) => item !== undefined)
    .map(([key, item]): [string, Printable] => [
      key,
      printable(item, { record: !record && records.has(key), packed }),
    ]);
  return record || !entries.every(([key]) => isPlainKey(key))
    ? Object.fromEntries(entries)
    : new Fields(entries, packed);
}
