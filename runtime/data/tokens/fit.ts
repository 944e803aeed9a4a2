/** @file Vocabularies from the texts of the training split: the same texts always give the same ids. */
import { specialTokenNames } from "../../spec.js";
import { eachPiece, type Merge, mergedVocabulary } from "./bpe.js";
import { fitMerges } from "./bpe-fit.js";
import { eachCharacter } from "./char.js";
import { prepared, type TextFeature } from "./index.js";
import { eachWord } from "./word.js";

export interface FittedVocabulary {
  readonly vocabulary: readonly string[];
  /** bpe: what was merged, in order. */
  readonly merges?: readonly Merge[];
}

type Texts = Iterable<string>;
type Each = (text: string, each: (part: string) => void) => void;

const fits: {
  readonly [K in TextFeature["tokens"]]: (texts: Texts, size: number) => FittedVocabulary;
} = {
  char: (texts, size) => mostFrequent(countParts(texts, eachCharacter), size),
  word: (texts, size) => mostFrequent(countParts(texts, eachWord), size),
  bpe(texts, size) {
    const merges = fitMerges(countParts(texts, eachPiece), size);
    return { vocabulary: mergedVocabulary(merges), merges };
  },
};

/** The vocabulary of `texts`, with at most `feature.vocabulary` entries. */
export function fitVocabulary(
  { tokens, vocabulary, lowercase }: Pick<TextFeature, "tokens" | "vocabulary" | "lowercase">,
  texts: Texts,
): FittedVocabulary {
  return fits[tokens](preparing(texts, lowercase), vocabulary);
}

function* preparing(texts: Texts, lowercase: boolean): Generator<string> {
  for (const text of texts) yield prepared(text, lowercase);
}

function countParts(texts: Texts, eachPart: Each): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) {
    eachPart(text, (part) => void counts.set(part, (counts.get(part) ?? 0) + 1));
  }
  return counts;
}

/** By frequency; equally frequent ones by their code points. */
function mostFrequent(counts: ReadonlyMap<string, number>, size: number): FittedVocabulary {
  const tokens = [...counts].sort(([a, m], [b, n]) => n - m || compareText(a, b));
  const room = Math.max(0, size - specialTokenNames.length);
  return { vocabulary: [...specialTokenNames, ...tokens.slice(0, room).map(([token]) => token)] };
}

/** The order of code points; that of UTF-16 units, which `<` uses, is another above U+FFFF. */
export function compareText(a: string, b: string): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    if (a[i] !== b[i]) return (a.codePointAt(i) as number) - (b.codePointAt(i) as number);
  }
  return a.length - b.length;
}
