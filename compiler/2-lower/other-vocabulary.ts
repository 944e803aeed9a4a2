/** @file Finds scores of one vocabulary that a loss compares with another. */
import type { FeatureSpec, FittedFacts } from "@dlc/runtime";
import type { LayerUse, LossUse, ResolvedSpec } from "../1-load/resolved-spec.js";
import type { Fix } from "../diagnostics/diagnostic.js";
import type { Diagnostics } from "../diagnostics/report.js";
import { placeOf, titleOf } from "./blame.js";
import { classesOf, vocabularyOf } from "./features.js";
import type { Target } from "./targets.js";
import type { Walk } from "./walk.js";

interface Context {
  readonly spec: ResolvedSpec;
  readonly facts: FittedFacts;
  readonly walk: Walk;
  readonly diagnostics: Diagnostics;
}

/** What the ids of a feature or target stand for, in their order; null: they have no words. */
function wordsOf(name: string, column: FeatureSpec | undefined, facts: FittedFacts) {
  if (column?.type === "category") return classesOf(name, column, facts);
  return column?.type === "text" ? vocabularyOf(name, facts) : null;
}

/**
 * Reports `logits` of one text, category or layer that a loss compares with another, unless both have the
 * same words in the same order. That there are as many is a coincidence.
 */
export function checkVocabulary(
  layer: LayerUse,
  target: Target,
  { nameSpan }: Pick<LossUse, "nameSpan">,
  { spec: { data, dataSpans }, facts, walk, diagnostics }: Context,
): void {
  if (layer.type !== "logits" || (target.kind !== "category" && target.kind !== "tokens")) return;
  const of = layer.fields.of as string;
  // `previous` and the like give the ids of what they read.
  const origin = (name: string): string => walk.sources.get(name)?.ids?.of ?? name;
  if (origin(of) === origin(target.name)) return;
  const words = (name: string) => wordsOf(name, data?.features[name] ?? data?.targets[name], facts);
  const [scored, wanted] = [words(origin(of)), words(target.name)];
  const isSame = scored?.length === wanted?.length && scored?.every((w, i) => w === wanted?.[i]);
  if (scored !== null && isSame === true) return;
  const span = placeOf(layer, "of");
  const isWritten = span.end - span.start === of.length;
  const fix: Fix = {
    title: `score '${target.name}'`,
    grade: "likely",
    edits: [{ span, text: target.name }],
  };
  diagnostics.report(
    "scores-another",
    span,
    { layer: titleOf(layer), of, target: target.name },
    {
      notes: [
        { message: `the loss compares them with '${target.name}'`, span: nameSpan },
        { message: `'${target.name}' is defined here`, span: dataSpans[target.name] ?? null },
      ],
      fixes: isWritten ? [fix] : [],
    },
  );
}
