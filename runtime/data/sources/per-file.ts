/** @file Shared by sources with one file per column. */
import { count, DataError } from "../errors.js";
import { type DataPath, locate } from "../path.js";
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

/** The file must have just as many bytes as its header promises. */
export function checkLength(expected: number, bytes: number, file: DataPath): void {
  if (bytes < expected) throw truncated(file, expected, bytes);
  if (bytes > expected) {
    throw new DataError(
      "trailing-bytes",
      `${file.shown} has ${count(bytes - expected, "byte")} more than its header says`,
      {
        place: file.shown,
        help: "The file is damaged or of another kind: copy or download it again.",
      },
    );
  }
}

export function truncated(file: DataPath, expected: number, bytes: number): DataError {
  return new DataError(
    "truncated-file",
    `${file.shown} ends after ${count(bytes, "byte")}, but its header needs ${count(expected, "byte")}`,
    { place: file.shown, help: "The file is incomplete: copy or download it again." },
  );
}
