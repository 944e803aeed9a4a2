/** @file What only the data can tell of texts and sequences: vocabularies, and how long they are. */
import type { FittedFacts } from "../spec.js";
import { specialTokens } from "../spec.js";
import { DataError, list } from "./errors.js";
import { encodeSequences, type SequenceFeature, sequenceLengths } from "./sequence.js";
import type { Parts, SplitName } from "./split.js";
import type { Column, TextColumn } from "./table.js";
import { countTokens, encodeText, textsOf, tooLong } from "./text.js";
import { fitVocabulary } from "./tokens/fit.js";
import { type TextFeature, type Tokenizer, tokenizerOf } from "./tokens/index.js";

type Facts = FittedFacts[string];

/** A larger share of unknown tokens in held-back texts is worth a warning. */
const mostUnknown = 0.05;

/**
 * The vocabulary of the training rows. All rows are checked, and give the length where the spec does
 * not: it is but a size, and held-back rows must have room.
 */
export function fitText(
  name: string,
  feature: TextFeature,
  column: Column,
  parts: Parts,
  warn: (error: DataError) => void,
): Facts {
  const texts = textsOf(column, name, feature);
  const valuesOf = function* (rows: Uint32Array): Generator<string> {
    for (const row of rows) yield texts.values[row] as string;
  };
  const fitted = fitVocabulary(feature, valuesOf(parts.train));
  const tokenizer = tokenizerOf(name, feature, { [name]: fitted });
  const length = longestText(feature, texts, name, tokenizer);
  for (const split of ["validation", "test"] as const) {
    warnOfUnknown(name, tokenizer, valuesOf(parts[split]), split, warn);
  }
  return feature.length === 0 ? { ...fitted, length } : fitted;
}

/** Steps of the longest text; throws the mistake that encoding would find. */
export function longestText(
  feature: TextFeature,
  { values, place }: TextColumn,
  name: string,
  tokenizer: Tokenizer,
): number {
  const to = new Int32Array(feature.length);
  let longest = 0;
  let at = 0;
  values.forEach((text, row) => {
    const tokens = encodeText(feature, text, tokenizer, to, () => ({ name, place: place(row) }));
    if (tokens <= longest) return;
    longest = tokens;
    at = row;
  });
  if (feature.length > 0 && longest > feature.length && !feature.truncate) {
    throw tooLong(feature, name, longest, longest, place(at));
  }
  return longest;
}

/** Warns when held-back texts have many tokens that the training split lacks. */
export function warnOfUnknown(
  name: string,
  tokenizer: Tokenizer,
  texts: Iterable<string>,
  split: SplitName,
  warn: (error: DataError) => void,
): void {
  let tokens = 0;
  let unknown = 0;
  const examples = new Set<string>();
  for (const text of texts) {
    const found = countTokens(text, tokenizer);
    tokens += found.tokens;
    unknown += found.unknown;
    if (found.unknown > 0 && examples.size < 3) {
      for (const token of unknownOf(text, tokenizer)) examples.add(token);
    }
  }
  const share = unknown / Math.max(1, tokens);
  if (share <= mostUnknown) return;
  warn(
    new DataError(
      "many-unknown-tokens",
      `${(100 * share).toFixed(0)} % of the tokens of '${name}' in the ${split} split are not in the vocabulary`,
      {
        help: `For example: ${list([...examples], 3)}. Raise \`vocabulary\`, train on more text, or write tokens: bpe, for which no text is unknown.`,
      },
    ),
  );
}

function unknownOf(text: string, tokenizer: Tokenizer): readonly string[] {
  const ids: number[] = [];
  tokenizer.encode(text, (id) => ids.push(id));
  return tokenizer.split(text).filter((_, i) => ids[i] === specialTokens.unknown);
}

/** The feature encoded, which checks all rows, and the length if they give it. */
export function fitSequence(name: string, feature: SequenceFeature, column: Column) {
  if (feature.length > 0) return { encoded: encodeSequences(feature, column, name), facts: {} };
  // Without steps in any row the first is reported.
  const length = sequenceLengths(feature, column, name).reduce((a, b) => Math.max(a, b), 1);
  return { encoded: encodeSequences({ ...feature, length }, column, name), facts: { length } };
}
