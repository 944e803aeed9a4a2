/** @file Sources with one file per column, each an array behind a header (IDX, NumPy). */
import type { ElementFormat } from "../elements.js";
import { count, DataError } from "../errors.js";
import { measure, readBytes, readHead } from "../file.js";
import { type DataPath, locate } from "../path.js";
import {
  type ColumnHeader,
  type NumberColumn,
  type NumberData,
  numberColumn,
  recordPlace,
  rowSize,
  tableOf,
} from "../table.js";
import type { SourceOf, SourceReader } from "./source.js";

/** Files up to this size are read by `dlc validate` to check every label in them. */
const smallFile = 10 * 2 ** 20;

/** What the head of an array file says. */
export interface ArrayHeader {
  readonly rows: number;
  /** Of one row. */
  readonly shape: readonly number[];
  readonly format: ElementFormat;
  /** Bytes before the numbers. */
  readonly offset: number;
}

/** A format of files that hold one array each, behind a header. */
interface ArrayFormat<H extends ArrayHeader> {
  /** The header fits into so many bytes. */
  readonly headBytes: number;
  readonly parseHeader: (bytes: Uint8Array, file: DataPath) => H;
  /** `stored`: the bytes after the header. */
  readonly readNumbers: (stored: Uint8Array, header: H) => NumberData;
}

/** Reads sources of either kind. */
type FilesReader = Pick<SourceReader<"idx" | "npy">, keyof SourceReader<"idx">>;

/** Reader of sources with one array file per column. */
export function arrayFiles<H extends ArrayHeader>(format: ArrayFormat<H>): FilesReader {
  const nameOf = (source: SourceOf<"idx" | "npy">): string =>
    Object.values(source.files).join(", ");

  async function readFile(file: DataPath): Promise<NumberColumn> {
    const bytes = await readBytes(file);
    const header = format.parseHeader(bytes, file);
    checkLength(header, bytes.length, file);
    const data = format.readNumbers(bytes.subarray(header.offset), header);
    return numberColumn(data, header.rows, header.shape, recordPlace(file.shown));
  }

  async function describeFile(file: DataPath): Promise<ColumnHeader> {
    const header = format.parseHeader(await readHead(file, format.headBytes), file);
    const { rows, shape } = header;
    const { bytes, gzip } = await measure(file);
    if (!gzip) checkLength(header, bytes, file);
    const labels = rowSize(shape) === 1 && bytes <= smallFile;
    return {
      kind: "numbers",
      rows,
      shape,
      place: file.shown,
      ...(labels && { load: () => readFile(file) }),
    };
  }

  return {
    name: nameOf,

    async read(source, { base, wants }) {
      const columns = new Map<string, NumberColumn>();
      for (const [name, path] of Object.entries(source.files)) {
        if (wants.has(name)) columns.set(name, await readFile(locate(path, base)));
      }
      return tableOf(columns, nameOf(source));
    },

    // A file at fault is reported and stays unknown.
    async describe(source, { base }, report) {
      const header = new Map<string, ColumnHeader>();
      for (const [name, path] of Object.entries(source.files)) {
        try {
          header.set(name, await describeFile(locate(path, base)));
        } catch (error) {
          report(error);
          header.set(name, { kind: null, rows: null, shape: null, place: path });
        }
      }
      return header;
    },
  };
}

/** Numbers in the file. */
export const lengthOf = ({ rows, shape }: ArrayHeader): number => rows * rowSize(shape);

/** The file must have just as many bytes as its header promises. */
function checkLength(header: ArrayHeader, bytes: number, file: DataPath): void {
  const expected = header.offset + lengthOf(header) * header.format.bytes;
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
