/** @file What every kind of tokeniser provides, once its vocabulary is known. */
import { specialTokens } from "../../spec.js";

/** Text as tokens by their place in a vocabulary, and back. */
export interface Tokenizer {
  /** All tokens by id, the special ones first. */
  readonly vocabulary: readonly string[];
  /**
   * Calls `emit` with the id of every token of a text: `specialTokens.unknown` for those that the
   * vocabulary lacks; never padding, start or end.
   */
  encode(text: string, emit: (id: number) => void): void;
  /** The tokens of a text, as `encode` looks them up. */
  split(text: string): readonly string[];
  /** The text that ids stand for, up to the first `end` or `pad`; `start` is left out. */
  decode(ids: ArrayLike<number>): string;
  /** What one id stands for in messages and predictions. */
  show(id: number): string;
}

/** How unknown tokens are written in decoded text: Unicode's replacement character. */
export const unknownText = "\ufffd";

/** The ids of a decoded text's own tokens: without what comes before or after it. */
export function* ownIds(ids: ArrayLike<number>): Generator<number> {
  const { end, pad, start } = specialTokens;
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i] as number;
    if (id === end || id === pad) return;
    if (id !== start) yield id;
  }
}

/** Halves of surrogate pairs are no text: they become replacement characters, as in UTF-8. */
export const wellFormed = (text: string): string => text.replace(/\p{Cs}/gu, unknownText);
