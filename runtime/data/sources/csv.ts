/** @file CSV text (RFC 4180), read in pieces; only the columns that features use are kept. */
import { count, DataError, listNames, quote } from "../errors.js";
import { notUtf8, readChunks, requireUtf8 } from "../file.js";
import { GrowingNumbers } from "../growing.js";
import { parseNumber } from "../number-text.js";
import { type DataPath, locate } from "../path.js";
import { type Column, type ColumnHeader, numberColumn, tableOf, unknownColumn } from "../table.js";
import { CsvMistake, CsvParser } from "./csv-parser.js";
import type { ReadContext, SourceOf, SourceReader } from "./source.js";

export const csv: SourceReader<"csv"> = {
  name: (source) => source.path,

  async read(source, context) {
    const file = locate(source.path, context.base);
    let columns: CsvColumn[] = [];
    const lines = new GrowingNumbers("i32");
    const lineOf = (row: number): number => lines.at(row);
    await readRows(source, file, {
      header(names) {
        for (const name of context.wants.keys()) {
          if (!names.includes(name)) throw unknownColumn(name, names, file.shown);
        }
        columns = wantedColumns(names, context, file, (row) => `${file.shown}:${lineOf(row)}`);
      },
      row(cells, line) {
        lines.push(line);
        for (const column of columns) column.push(cells[column.index] as string, line);
        return true;
      },
    });
    return tableOf(new Map(columns.map((c) => [c.name, c.take(lines.length)])), file.shown);
  },

  async describe(source, context, report) {
    const header = new Map<string, ColumnHeader>();
    try {
      const file = locate(source.path, context.base);
      await readRows(source, file, {
        header(names) {
          for (const name of names) {
            header.set(name, { kind: null, rows: null, shape: [], place: file.shown });
          }
        },
        // One row is enough to see that the number of cells fits.
        row: () => false,
      });
    } catch (error) {
      report(error);
    }
    return header;
  },
};

interface RowSink {
  header(names: readonly string[]): void;
  /** Returning false stops reading. */
  row(cells: readonly string[], line: number): boolean;
}

/** All rows of the file, each with as many cells as the header; mistakes are located DataErrors. */
export async function readRows(
  source: Pick<SourceOf<"csv">, "delimiter" | "header">,
  file: DataPath,
  sink: RowSink,
): Promise<void> {
  let names = source.header;
  if (names !== null) sink.header(uniqueNames(names, file.shown));
  let stopped = false;
  const parser = new CsvParser(source.delimiter, (cells, line) => {
    if (stopped) return;
    if (names === null) {
      names = cells;
      sink.header(uniqueNames(cells, `${file.shown}:${line}`));
      return;
    }
    if (cells.length !== names.length) throw ragged(file, line, cells.length, names);
    if (!sink.row(cells, line)) stopped = true;
  });
  const decoder = new TextDecoder("utf-8", { fatal: true }); // drops a byte order mark
  try {
    let isFirst = true;
    for await (const chunk of readChunks(file)) {
      if (isFirst) requireUtf8(file, chunk);
      isFirst = false;
      parser.push(decode(decoder, chunk, true, file));
      if (stopped) return;
    }
    parser.push(decode(decoder, new Uint8Array(), false, file));
    parser.end();
  } catch (error) {
    if (!(error instanceof CsvMistake)) throw error;
    throw new DataError("csv-syntax", `${file.shown}: ${error.message}`, {
      place: `${file.shown}:${error.line}`,
      help: 'A cell with a delimiter, a quote or a line end in it stands in quotes, and quotes in it are doubled: "a ""b"", c".',
    });
  }
  if (names === null) {
    throw new DataError("no-rows", `${file.shown} is empty`, {
      place: file.shown,
      help: "The first row names the columns, unless the spec lists them in `header`.",
    });
  }
}

function decode(
  decoder: InstanceType<typeof TextDecoder>,
  bytes: Uint8Array,
  stream: boolean,
  file: DataPath,
): string {
  try {
    return decoder.decode(bytes, { stream });
  } catch (cause) {
    throw notUtf8(file, bytes, cause);
  }
}

function uniqueNames(names: readonly string[], place: string): readonly string[] {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice === undefined) return names;
  throw new DataError("duplicate-column", `two columns are called ${quote(twice)}`, {
    place,
    help: "Give every column its own name, or list the names in `header`.",
  });
}

function ragged(file: DataPath, line: number, got: number, names: readonly string[]): DataError {
  const shown = listNames(names, 6);
  return new DataError(
    "ragged-row",
    `this row has ${count(got, "cell")}, but there ${names.length === 1 ? "is" : "are"} ${count(names.length, "column")}${shown === "" ? "" : ` (${shown})`}`,
    {
      place: `${file.shown}:${line}`,
      help: "Every row needs the same number of cells; check the delimiter and unquoted delimiters in text.",
    },
  );
}

/** Collects one column, as numbers at once where no feature wants the text. */
interface CsvColumn {
  readonly name: string;
  readonly index: number;
  push(cell: string, line: number): void;
  take(rows: number): Column;
}

function wantedColumns(
  names: readonly string[],
  { wants }: ReadContext,
  file: DataPath,
  place: (row: number) => string,
): CsvColumn[] {
  return [...wants].map(([name, want]) => {
    const index = names.indexOf(name);
    return want.text ? textCells(name, index, place) : numberCells(name, index, file, place);
  });
}

function textCells(name: string, index: number, place: (row: number) => string): CsvColumn {
  const values: string[] = [];
  // Labels repeat: keep one string of each, not a slice of every piece of the file.
  const seen = new Map<string, string>();
  return {
    name,
    index,
    push(cell) {
      let value = seen.get(cell);
      if (value === undefined) {
        value = cell;
        if (seen.size < 10_000) seen.set(cell, cell);
      }
      values.push(value);
    },
    take: (rows) => ({ kind: "text", rows, values, place }),
  };
}

function numberCells(
  name: string,
  index: number,
  file: DataPath,
  place: (row: number) => string,
): CsvColumn {
  const numbers = new GrowingNumbers("f32");
  return {
    name,
    index,
    push: (cell, line) => numbers.push(parseNumber(cell, name, () => `${file.shown}:${line}`)),
    take: (rows) => numberColumn(numbers.take(), rows, [], place),
  };
}
