/** @file Shared by sources with one file per column. */
import type { DataPath } from "../path.js";
import { locate } from "../path.js";
import { type Column, type ColumnHeader, type Header, rowSize } from "../table.js";
import type { ReadContext } from "./source.js";

/** Files up to this size are read by `dlc validate` to check every label in them. */
const smallFile = 10 * 2 ** 20;

/** Describes each wanted column's file; a file at fault is reported and left out. */
export async function describeFiles(
  files: Readonly<Record<string, string>>,
  context: ReadContext,
  report: (error: unknown) => void,
  describe: (file: DataPath) => Promise<ColumnHeader>,
): Promise<Header> {
  const header = new Map<string, ColumnHeader>();
  for (const [name, path] of Object.entries(files)) {
    try {
      header.set(name, await describe(locate(path, context.base)));
    } catch (error) {
      report(error);
      header.set(name, { kind: null, rows: null, shape: null, place: path });
    }
  }
  return header;
}

/** How to load a column of single numbers from a small file, or nothing for any other. */
export function smallLabels(
  shape: readonly number[],
  bytes: number,
  load: () => Promise<Column>,
): Pick<ColumnHeader, "load"> {
  return rowSize(shape) === 1 && bytes <= smallFile ? { load } : {};
}
