/** @file Small text files are read as a whole while checking: a bad cell is found before anything runs. */
import { statSync } from "node:fs";
import type { DataSpec, FeatureSpec, SourceSpec } from "../spec.js";
import { classRowsProblem, countClasses } from "./class-rows.js";
import { allFeatures, splitMain } from "./dataset.js";
import { encodeFeature, wantsOf } from "./features.js";
import { classesOf } from "./labels.js";
import { nodeAccess } from "./node-access.js";
import { locate } from "./path.js";
import { readSource, sourceName } from "./sources/index.js";
import { columnOf } from "./table.js";
import { checkTexts } from "./text.js";

/** Largest text file that checking reads: some tenths of a second. */
const smallBytes = 4e6;

export function isSmallText(source: SourceSpec, base: string): boolean {
  if (source.kind !== "csv" && source.kind !== "json" && source.kind !== "text") return false;
  return statSync(locate(source.path, base).path).size <= smallBytes;
}

/**
 * Reads and encodes a CSV, JSON or text source of at most 4 MB as training would, and reports the first
 * mistake of each feature: cells that are no numbers, missing values, unknown labels, ragged rows;
 * of the main source also a split that cannot be made, and classes that no row trains.
 */
export async function checkRows(
  spec: DataSpec,
  role: "source" | "validation" | "test",
  source: SourceSpec,
  base: string,
  report: (feature: string | null, error: unknown) => void,
): Promise<void> {
  try {
    if (!isSmallText(source, base)) return;
    const features = Object.entries(allFeatures(spec));
    const isMain = role === "source";
    const wants = wantsOf(Object.values(allFeatures(spec)), isMain ? spec.split.by : []);
    const table = await readSource(source, { base, wants });
    const rows = isMain ? splitMain(spec, table, sourceName(source)).train : null;
    for (const [name, feature] of features) {
      // Classes that the training split will tell are not known yet: any label is one of them.
      if (feature.type === "category" && feature.classes === null) continue;
      try {
        if (feature.type === "text") {
          checkTexts(feature, columnOf(table.columns, feature.column, sourceName(source)), name);
          continue;
        }
        const from = {
          table,
          source: sourceName(source),
          facts: {},
          pictures: nodeAccess.pictures,
        };
        const { data } = await encodeFeature(name, settled(feature), from);
        if (rows === null || feature.type !== "category") continue;
        const classes = classesOf(name, feature, {});
        const counts = countClasses(data, classes.length, rows);
        const isTarget = Object.hasOwn(spec.targets, name);
        const of = { name, isTarget, classes, counts, rows: rows.length };
        const problem = classRowsProblem(of);
        if (problem !== null) report(name, problem);
      } catch (error) {
        report(name, error);
      }
    }
  } catch (error) {
    report(null, error);
  }
}

/** Sequences of any length, where the longest of the source decides. */
function settled(feature: FeatureSpec): FeatureSpec {
  if (feature.type !== "sequence" || feature.length > 0) return feature;
  return { ...feature, length: 1, truncate: true };
}
