/** @file Checks of sources that validation or test have for themselves, as far as the facts are needed. */
import type { DataSpec, FeatureSpec, FittedFacts } from "../spec.js";
import { isSmallText } from "./check-rows.js";
import { allFeatures } from "./dataset.js";
import { DataError } from "./errors.js";
import { wantsOf } from "./features.js";
import { longestText, warnOfUnknown } from "./fit-steps.js";
import { encodeSequences, type SequenceFeature } from "./sequence.js";
import { readSource, sourceName } from "./sources/index.js";
import type { SplitName } from "./split.js";
import { type Column, columnOf } from "./table.js";
import { textsOf } from "./text.js";
import { type TextFeature, tokenizerOf } from "./tokens/index.js";

type StepFeature = TextFeature | SequenceFeature;

/**
 * Reads small sources (see checkRows) for texts and sequences that are too long, and for texts with
 * many unknown tokens, of which it warns. Large ones are read when they are needed.
 */
export async function checkOwnSplits(
  spec: DataSpec,
  facts: FittedFacts,
  base: string,
  warn: (warning: DataError) => void,
): Promise<void> {
  const features = Object.entries(allFeatures(spec)).flatMap(([name, feature]) =>
    isOfSteps(feature) ? [{ name, feature: settled(name, feature, facts) }] : [],
  );
  if (features.length === 0) return;
  const wants = wantsOf(
    features.map(({ feature }) => feature),
    [],
  );
  for (const split of ["validation", "test"] as const) {
    const source = spec[split];
    if (source === null || !isSmallText(source, base)) continue;
    const { columns } = await readSource(source, { base, wants });
    for (const { name, feature } of features) {
      const path = `${Object.hasOwn(spec.features, name) ? "features" : "targets"}.${name}`;
      const column = columnOf(columns, feature.column, sourceName(source));
      try {
        checkColumn(name, feature, column, split, facts, (warning) => warn(warning.at(path)));
      } catch (error) {
        throw error instanceof DataError ? error.at(path) : error;
      }
    }
  }
}

function checkColumn(
  name: string,
  feature: StepFeature,
  column: Column,
  split: SplitName,
  facts: FittedFacts,
  warn: (warning: DataError) => void,
): void {
  if (feature.type === "sequence") {
    encodeSequences(feature, column, name);
    return;
  }
  const texts = textsOf(column, name, feature);
  const tokenizer = tokenizerOf(name, feature, facts);
  longestText(feature, texts, name, tokenizer);
  warnOfUnknown(name, tokenizer, texts.values, split, warn);
}

const isOfSteps = (feature: FeatureSpec): feature is StepFeature =>
  feature.type === "text" || feature.type === "sequence";

function settled(name: string, feature: StepFeature, facts: FittedFacts): StepFeature {
  return feature.length > 0 ? feature : { ...feature, length: facts[name]?.length ?? 0 };
}
