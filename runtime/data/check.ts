/** @file What `dlc validate` can say about data from file names and headers, before anything is read. */
import type { DataSpec, FeatureSpec, SourceSpec } from "../spec.js";
import { checkRows } from "./check-rows.js";
import { classRowsProblem, countClasses } from "./class-rows.js";
import { allFeatures } from "./dataset.js";
import { type DataCode, DataError, list, quote, showShape, type WrongWord } from "./errors.js";
import { columnsOf, fitsImage, imageSize, shapeMismatch, wantsOf } from "./features.js";
import { classesOf, encodeLabels, unknownRowLabel } from "./labels.js";
import { misfitOfSteps } from "./sequence.js";
import { describeSource, sourceName } from "./sources/index.js";
import { leavesNone, rowsOf } from "./split.js";
import { type ColumnHeader, type Header, rowSize, unequalRows, unknownColumn } from "./table.js";
import { noText } from "./text.js";

/** A mistake found without reading the data. */
export interface DataProblem {
  readonly code: DataCode;
  readonly message: string;
  /** File, with line or record; null where none is at fault. */
  readonly place: string | null;
  /** Without the suggestion that `wrong` leads to. */
  readonly help: string;
  /** A word that the spec has in the part at fault; null: no single one. */
  readonly wrong: WrongWord | null;
  /** The part of the data spec it concerns: "source", "test", "split", "features.image", "targets.digit". */
  readonly path: string;
}

/**
 * Checks files, magic numbers, dimensions, row counts, column names and classes of every source, the
 * labels in small files, and every row of small CSV and JSON files. Cheap: large files are not read.
 * Reports all problems, in the order of the spec; none for data that the program passes in.
 */
export async function checkData(
  spec: DataSpec,
  options: {
    readonly base: string;
    /** Told where only a part of many files was looked at. */
    readonly onNote?: (message: string) => void;
  },
): Promise<readonly DataProblem[]> {
  const problems: DataProblem[] = [];
  const seen = new Set<string>();
  const report = (part: string, error: unknown): void => {
    const problem = problemOf(error, part, spec);
    const { code, message, path, wrong } = problem;
    // The same mistake met in two sources (a missing package, a column that is misspelt) is said once.
    const isFeature = path.includes(".") && code !== "unknown-label";
    const key = isFeature ? `${path}|${code}|${wrong?.word}` : `${code}|${message}`;
    if (!seen.has(key)) problems.push(problem);
    seen.add(key);
  };
  const roles = ["source", "validation", "test"] as const;
  for (const role of roles) {
    const source = spec[role];
    if (source === null) continue;
    const before = problems.length;
    await checkSource(spec, role, source, options, report);
    if (problems.length > before) continue;
    await checkRows(spec, role, source, options.base, (name, error) => {
      const group = name !== null && Object.hasOwn(spec.features, name) ? "features" : "targets";
      report(name === null ? role : `${group}.${name}`, error);
    });
  }
  return problems;
}

/**
 * A DataError as a problem in a part of the spec, or in the feature that reads the column at fault.
 * Throws anything else.
 */
export function problemOf(error: unknown, part: string, spec: DataSpec): DataProblem {
  if (!(error instanceof DataError)) throw error;
  const { code, message, place, details } = error;
  const { help, wrong = null, column = null } = details;
  const path = details.path ?? (part.includes(".") ? part : (readerOf(column, spec) ?? part));
  return { code, message, place, help, wrong, path };
}

/** The first feature or target that reads a column. */
function readerOf(column: string | null, spec: DataSpec): string | null {
  if (column === null) return null;
  for (const group of ["features", "targets"] as const) {
    for (const [name, feature] of Object.entries(spec[group])) {
      if (columnsOf(feature).includes(column)) return `${group}.${name}`;
    }
  }
  return null;
}

async function checkSource(
  spec: DataSpec,
  role: "source" | "validation" | "test",
  source: SourceSpec,
  { base, onNote }: Parameters<typeof checkData>[1],
  report: (path: string, error: unknown) => void,
): Promise<void> {
  if (source.kind === "arrays") return;
  const by = role === "source" ? spec.split.by : [];
  const wants = wantsOf(Object.values(allFeatures(spec)), by);
  const header = await describeSource(source, { base, wants, note: onNote }, (error) =>
    report(role, error),
  );
  if (header.size === 0) return; // unreadable, or only reading it all would tell
  const name = sourceName(source);
  for (const column of by) {
    if (!header.has(column)) report("split", unknownColumn(column, [...header.keys()], name));
  }
  checkRowCounts(header, wants.keys(), (error) => report(role, error));
  if (role === "source") checkSplit(spec, header, name, report);
  for (const [group, features] of [
    ["features", spec.features],
    ["targets", spec.targets],
  ] as const) {
    for (const [featureName, feature] of Object.entries(features)) {
      const fail = (error: unknown): void => report(`${group}.${featureName}`, error);
      const use = role !== "source" ? "held back" : group === "targets" ? "target" : "feature";
      await checkFeature(featureName, feature, use, header, name, fail);
    }
  }
}

function checkRowCounts(
  header: Header,
  wanted: Iterable<string>,
  fail: (error: unknown) => void,
): void {
  let first: [string, ColumnHeader] | null = null;
  for (const name of wanted) {
    const column = header.get(name);
    if (column === undefined || column.rows === null) continue;
    first ??= [name, column];
    if (column.rows !== first[1].rows) fail(unequalRows(first, [name, column]));
  }
}

function checkSplit(
  spec: DataSpec,
  header: Header,
  source: string,
  report: (path: string, error: unknown) => void,
): void {
  const rows = [...header.values()].find((column) => column.rows !== null)?.rows ?? null;
  const part = (name: "validation" | "test"): number =>
    spec[name] === null ? spec.split[name] : 0;
  const parts = { validation: part("validation"), test: part("test") };
  // Fractions that leave nothing do so for any number of rows.
  const fractions = parts.validation < 1 && parts.test < 1;
  const assumed = rows ?? (fractions ? 1_000_000 : null);
  if (assumed === null) return;
  const sizes = {
    validation: rowsOf(parts.validation, assumed),
    test: rowsOf(parts.test, assumed),
  };
  if (sizes.validation + sizes.test >= assumed) report("split", leavesNone(sizes, rows, source));
}

/** What rows are for: to train on, as target or feature, or not. */
type Use = "target" | "feature" | "held back";

async function checkFeature(
  name: string,
  feature: FeatureSpec,
  use: Use,
  header: Header,
  source: string,
  fail: (error: unknown) => void,
): Promise<void> {
  const columns: ColumnHeader[] = [];
  for (const columnName of columnsOf(feature)) {
    const column = header.get(columnName);
    if (column === undefined) fail(unknownColumn(columnName, [...header.keys()], source));
    else columns.push(column);
  }
  const [first] = columns;
  if (first === undefined || columns.length < columnsOf(feature).length) return;
  if (feature.type === "category") {
    await checkClasses(name, feature, use, first, fail);
    return;
  }
  if (feature.type === "text") {
    if (first.kind === "numbers" && !feature.words) fail(noText(name, first.place));
    return;
  }
  if (columns.some((column) => column.kind === "text")) {
    fail(
      new DataError("wrong-column-type", `'${name}' needs numbers, but the column holds text`, {
        place: first.place,
        help: "Text can be a feature of type category.",
      }),
    );
    return;
  }
  checkShape(name, feature, columns, fail);
}

function checkShape(
  name: string,
  feature: Exclude<FeatureSpec, { readonly type: "category" | "text" }>,
  columns: readonly ColumnHeader[],
  fail: (error: unknown) => void,
): void {
  const [first] = columns;
  const stored = first?.shape ?? null;
  if (first === undefined || stored === null) return;
  if (feature.type === "image") {
    const resizable = feature.resize && imageSize(stored, feature.shape[2]) !== null;
    if (fitsImage(stored, feature.shape) || resizable) return;
    fail(shapeMismatch(name, stored, feature.shape, first.place, feature.resize));
    return;
  }
  if (feature.type === "sequence") {
    if (first.kind === "numbers") {
      const error = misfitOfSteps(feature, stored, name, first.place);
      if (error !== null) fail(error);
    }
    return;
  }
  const shape = feature.type === "number" ? [1] : feature.shape;
  const have = columns.length * rowSize(stored);
  if (have !== rowSize(shape)) fail(shapeMismatch(name, stored, shape, first.place, null));
}

async function checkClasses(
  name: string,
  feature: Extract<FeatureSpec, { readonly type: "category" }>,
  use: Use,
  column: ColumnHeader,
  fail: (error: unknown) => void,
): Promise<void> {
  if (column.shape !== null && rowSize(column.shape) !== 1) {
    fail(
      new DataError(
        "data-shape-mismatch",
        `'${name}' needs one label per row, but the data have ${showShape(column.shape)}`,
        { place: column.place, help: "Name the column of labels." },
      ),
    );
    return;
  }
  if (feature.classes === null) return;
  const { classes } = feature;
  for (const label of column.classes ?? []) {
    if (!classes.includes(label)) {
      fail(unknownRowLabel(quote(label), label, classes, name, column.place));
    }
  }
  if (column.classes !== undefined) {
    const found = column.classes;
    const known = found.filter((label) => !classes.includes(label));
    for (const word of classes.filter((label) => !found.includes(label))) {
      fail(
        new DataError("empty-class", `there are no rows of class ${quote(word)}`, {
          help: `The classes of the source are: ${list(found)}.`,
          wrong: { word, known },
        }),
      );
    }
  }
  if (column.load === undefined) return;
  try {
    const labels = encodeLabels(await column.load(), classesOf(name, feature, {}), name);
    if (use === "held back") return;
    const counts = countClasses(labels, classes.length, null);
    const isTarget = use === "target";
    const problem = classRowsProblem({ name, isTarget, classes, counts, rows: null });
    if (problem !== null) fail(problem);
  } catch (error) {
    fail(error);
  }
}
