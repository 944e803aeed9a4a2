/** @file Rows of a CSV file as the examples that `predict` takes. */
import type { FeatureSpec, ModelDefinition } from "../spec.js";
import type { InputRow } from "./encode-inputs.js";
import { columnsOf } from "./features.js";
import { parseNumber } from "./number-text.js";
import { type DataPath, locate } from "./path.js";
import { readRows } from "./sources/csv.js";
import { unknownColumn } from "./table.js";

type CellOf = (column: string) => string;

/**
 * Reads the columns that the model's features name; others are left alone, targets among them. The
 * delimiter is that of the model's own CSV source, else a comma (a tab for `.tsv`).
 * @throws DlcError for a missing column or a cell that is no number, with file and line.
 */
export async function readCsvRows(
  path: string,
  definition: Pick<ModelDefinition, "data">,
): Promise<InputRow[]> {
  return (await placedCsvRows(path, definition)).map(({ row }) => row);
}

/** As readCsvRows, with the line of the file that each row stands in. */
export async function placedCsvRows(
  path: string,
  { data }: Pick<ModelDefinition, "data">,
): Promise<{ readonly row: InputRow; readonly line: number }[]> {
  const features = Object.entries(data?.features ?? {});
  const file = locate(path, ".");
  const source = data?.source.kind === "csv" ? data.source : null;
  const delimiter = /\.tsv(\.gz)?$/i.test(path) ? "\t" : (source?.delimiter ?? ",");
  const rows: { readonly row: InputRow; readonly line: number }[] = [];
  let names: readonly string[] = [];
  await readRows({ delimiter, header: source?.header ?? null }, file, {
    header(found) {
      names = found;
      for (const column of features.flatMap(([, feature]) => columnsOf(feature))) {
        if (!names.includes(column)) throw unknownColumn(column, names, file.shown);
      }
    },
    row(cells, line) {
      const cell: CellOf = (column) => cells[names.indexOf(column)] ?? "";
      const row = Object.fromEntries(
        features.map(([name, feature]) => [name, featureValue(feature, cell, file, line)]),
      );
      rows.push({ row, line });
      return true;
    },
  });
  return rows;
}

function featureValue(feature: FeatureSpec, cell: CellOf, file: DataPath, line: number): unknown {
  const number = (column: string): number =>
    parseNumber(cell(column), column, () => `${file.shown}:${line}`);
  switch (feature.type) {
    case "number":
      return number(feature.column);
    case "vector":
      return feature.columns.map(number);
    // An image cell is the path of a file, a category its class name, a sequence "1.5 2 3".
    case "image":
    case "category":
    case "text":
    case "sequence":
      return cell(feature.column);
  }
}
