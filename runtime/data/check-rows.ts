/** @file Small text files are read as a whole while checking: a bad cell is found before anything runs. */
import { statSync } from "node:fs";
import type { DataSpec, SourceSpec } from "../spec.js";
import { allFeatures, classesOf } from "./dataset.js";
import { encodeFeature, wantsOf } from "./features.js";
import { locate } from "./path.js";
import { readSource, sourceName } from "./sources/index.js";

/** Largest text file that checking reads: some tenths of a second. */
const smallBytes = 4e6;

function isSmallText(source: SourceSpec, base: string): boolean {
  if (source.kind !== "csv" && source.kind !== "json") return false;
  return statSync(locate(source.path, base).path).size <= smallBytes;
}

/**
 * Reads and encodes a CSV or JSON source of at most 4 MB as training would, and reports the first
 * mistake of each feature: cells that are no numbers, missing values, unknown labels, ragged rows.
 */
export async function checkRows(
  spec: DataSpec,
  source: SourceSpec,
  base: string,
  report: (feature: string | null, error: unknown) => void,
): Promise<void> {
  try {
    if (!isSmallText(source, base)) return;
    const features = Object.entries(allFeatures(spec));
    const wants = wantsOf(Object.values(allFeatures(spec)), []);
    const table = await readSource(source, { base, wants });
    for (const [name, feature] of features) {
      // Classes that the training split will tell are not known yet: any label is one of them.
      if (feature.type === "category" && feature.classes === null) continue;
      const classes = classesOf(name, feature, {});
      try {
        await encodeFeature(name, feature, table, sourceName(source), classes);
      } catch (error) {
        report(name, error);
      }
    }
  } catch (error) {
    report(null, error);
  }
}
