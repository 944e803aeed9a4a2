/** @file Classes that no row trains: what is not in the training split cannot be learnt. */
import type { DataSpec, FittedFacts } from "../spec.js";
import type { Split } from "./dataset.js";
import { count, DataError, list, quote } from "./errors.js";

/** The classes of one category, and how many rows have each. */
export interface ClassRows {
  readonly name: string;
  readonly isTarget: boolean;
  readonly classes: readonly string[];
  /** Of the training split; aligned with `classes`. */
  readonly counts: readonly number[];
  /** Rows of the training split; null: not known, the counts are of all rows of the source. */
  readonly rows: number | null;
}

/**
 * What is wrong with the numbers of rows, if anything: `single-class` where there is nothing to tell
 * apart, `class-without-rows` (a warning) for classes that stay unlearnt.
 */
export function classRowsProblem(of: ClassRows): DataError | null {
  const { name, isTarget, classes, counts, rows } = of;
  const path = `${isTarget ? "targets" : "features"}.${name}`;
  const [only, second] = classes.filter((_, i) => (counts[i] ?? 0) > 0);
  if (only === undefined) return null; // there are no rows
  const split =
    rows === null ? "the training split" : `the training split of ${count(rows, "row")}`;
  if (isTarget && second === undefined) {
    return new DataError(
      "single-class",
      `'${name}' has only one class, ${quote(only)}, in ${split}: a classifier needs two`,
      {
        path,
        help: "Check that it reads the right column, and that the split does not hold back all rows of the other classes (method random mixes them).",
      },
    );
  }
  const missing = classes.filter((_, i) => (counts[i] ?? 0) === 0);
  if (missing.length === 0) return null;
  const isOne = missing.length === 1;
  const them = isOne ? "it" : "them";
  return new DataError(
    "class-without-rows",
    `no row of the training split has the ${isOne ? `class ${quote(missing[0] as string)}` : `classes ${list(missing, 6)}`} of '${name}'`,
    {
      path,
      help: `Add rows of ${them}, or take ${them} out of the list.`,
      ...(isOne ? { wrong: { word: missing[0] as string, known: [] } } : {}),
    },
  );
}

/** How often each class occurs, given the class of every row, or of those in `rows`. */
export function countClasses(
  labels: ArrayLike<number>,
  classes: number,
  rows: Uint32Array | null,
): number[] {
  const counts = Array.from({ length: classes }, () => 0);
  for (let i = 0; i < (rows?.length ?? labels.length); i++) {
    const label = labels[rows === null ? i : (rows[i] as number)] as number;
    counts[label] = (counts[label] ?? 0) + 1;
  }
  return counts;
}

/** The same of all categories at once, by the counts that were found while fitting. */
export function factProblems(spec: DataSpec, facts: FittedFacts): DataError[] {
  return categoriesOf(spec).flatMap(({ name, isTarget }) => {
    const { classes, counts } = facts[name] ?? {};
    if (classes === undefined || counts === undefined) return [];
    const rows = counts.reduce((sum, n) => sum + n, 0);
    return classRowsProblem({ name, isTarget, classes, counts, rows }) ?? [];
  });
}

/** The same of data that are read to train on. */
export function splitProblems(spec: DataSpec, facts: FittedFacts, split: Split): DataError[] {
  return categoriesOf(spec).flatMap(({ name, isTarget, classes: listed }) => {
    const classes = listed ?? facts[name]?.classes;
    const column = split.table.columns[name];
    if (classes === undefined || column === undefined) return [];
    const counts = countClasses(column.data, classes.length, split.indices);
    return classRowsProblem({ name, isTarget, classes, counts, rows: split.rows }) ?? [];
  });
}

function categoriesOf({ features, targets }: DataSpec): {
  readonly name: string;
  readonly isTarget: boolean;
  readonly classes: readonly string[] | null;
}[] {
  return [features, targets].flatMap((group) =>
    Object.entries(group).flatMap(([name, feature]) =>
      feature.type === "category"
        ? [{ name, isTarget: group === targets, classes: feature.classes }]
        : [],
    ),
  );
}
