/** @file Tokenisers: text as ids of tokens, and back. */
import type { FeatureSpec, FittedFacts } from "../../spec.js";
import { bpeTokenizer, type Merge } from "./bpe.js";
import { charTokenizer, eachCharacter } from "./char.js";
import { type Tokenizer, wellFormed } from "./tokenizer.js";
import { eachWord, wordTokenizer } from "./word.js";

export type { Tokenizer } from "./tokenizer.js";

export type TextFeature = Extract<FeatureSpec, { readonly type: "text" }>;

const kinds: {
  readonly [K in TextFeature["tokens"]]: (
    vocabulary: readonly string[],
    merges: readonly Merge[],
  ) => Tokenizer;
} = { char: charTokenizer, word: wordTokenizer, bpe: bpeTokenizer };

/** Tables that tokenisers look things up in are made once per vocabulary. */
const made = new WeakMap<readonly string[], Map<string, Tokenizer>>();

/** The tokeniser of a text, by what was fitted on the training split. */
export function tokenizerOf(
  name: string,
  { tokens, lowercase }: Pick<TextFeature, "tokens" | "lowercase">,
  facts: FittedFacts,
): Tokenizer {
  const { vocabulary, merges = [] } = facts[name] ?? {};
  if (vocabulary === undefined) throw new Error(`the vocabulary of '${name}' was not fitted`);
  const known = made.get(vocabulary) ?? new Map<string, Tokenizer>();
  made.set(vocabulary, known);
  const key = `${tokens} ${lowercase}`;
  const tokenizer = known.get(key) ?? makeTokenizer(tokens, vocabulary, merges, lowercase);
  known.set(key, tokenizer);
  return tokenizer;
}

function makeTokenizer(
  tokens: TextFeature["tokens"],
  vocabulary: readonly string[],
  merges: readonly Merge[],
  lowercase: boolean,
): Tokenizer {
  const inner = kinds[tokens](vocabulary, merges);
  return {
    ...inner,
    encode: (text, emit) => inner.encode(prepared(text, lowercase), emit),
    split: (text) => inner.split(prepared(text, lowercase)),
  };
}

/** How many tokens a text has, whatever the vocabulary; null: only the merges tell. */
export function partsOf(
  text: string,
  { tokens, lowercase }: Pick<TextFeature, "tokens" | "lowercase">,
): number | null {
  if (text === "") return 0;
  if (tokens === "bpe") return null;
  let count = 0;
  const each = tokens === "char" ? eachCharacter : eachWord;
  each(prepared(text, lowercase), () => void count++);
  return count;
}

/** A text as tokenisers and vocabularies see it. */
export const prepared = (text: string, lowercase: boolean): string =>
  wellFormed(lowercase ? text.toLowerCase() : text);
