/** @file Turns plain data into what `print` prints; anything else is a fault of dlc. */
import { bug } from "../diagnostics/diagnostic.js";
import { Fields, isPlainKey, type Printable } from "./literal.js";

/** Fields whose value is a record keyed by the user's names: those are always quoted. */
const records = new Set(["features", "targets", "files"]);

/**
 * Properties that are undefined are left out, as in JSON.
 * `record`: the keys of this object are names (of features, layers, classes), not fields.
 */
export function printable(value: unknown, record = false): Printable {
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "number" || typeof value === "string") return value;
  if (Array.isArray(value)) return value.map((item) => printable(item));
  if (typeof value !== "object") bug(`a ${typeof value} cannot be written into a package`);
  const entries = Object.entries(value as object)
    .filter(([, item]) => item !== undefined)
    .map(([key, item]) => [key, printable(item, !record && records.has(key))] as const);
  return record || !entries.every(([key]) => isPlainKey(key))
    ? Object.fromEntries(entries)
    : new Fields(entries);
}
