/** @file Turns plain data into what `print` prints; anything else is a fault of dlc. */
import { bug } from "../diagnostics/diagnostic.js";
import type { Printable } from "./literal.js";

/** Properties that are undefined are left out, as in JSON. */
export function printable(value: unknown): Printable {
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "number" || typeof value === "string") return value;
  if (Array.isArray(value)) return value.map(printable);
  if (typeof value !== "object") bug(`a ${typeof value} cannot be written into a package`);
  return Object.fromEntries(
    Object.entries(value as object)
      .filter(([, item]) => item !== undefined)
      .map(([key, item]) => [key, printable(item)]),
  );
}
