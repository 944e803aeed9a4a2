/** @file Words: runs of letters and digits, numbers, and every other character by itself. */
import { specialTokenNames, specialTokens } from "../../spec.js";
import { ownIds, type Tokenizer, unknownText } from "./tokenizer.js";

/**
 * In this order: a number with its points or commas ("1,000.5"); letters and digits, with apostrophes
 * inside ("don't", "b2b"); a picture with what is joined to it (emoji); any other character with its
 * combining marks. White space only separates.
 */
const words =
  /\p{N}+(?:[.,]\p{N}+)+|[\p{L}\p{N}_][\p{L}\p{M}\p{N}_]*(?:['’]\p{L}[\p{L}\p{M}]*)*|\p{Extended_Pictographic}[\p{M}\p{Emoji_Modifier}]*(?:\u200d\p{Extended_Pictographic}[\p{M}\p{Emoji_Modifier}]*)*|\S\p{M}*/gu;

/** Calls `each` with every word of a text. */
export function eachWord(text: string, each: (word: string) => void): void {
  for (const [word] of text.matchAll(words)) each(word);
}

export function wordTokenizer(vocabulary: readonly string[]): Tokenizer {
  const first = specialTokenNames.length;
  const ids = new Map(vocabulary.slice(first).map((word, i) => [word, first + i]));
  const show = (id: number): string =>
    id === specialTokens.unknown ? unknownText : (vocabulary[id] ?? unknownText);
  return {
    vocabulary,
    encode: (text, emit) => eachWord(text, (word) => emit(ids.get(word) ?? specialTokens.unknown)),
    split: (text) => Array.from(text.matchAll(words), ([word]) => word),
    decode: (of) => spaced(Array.from(ownIds(of), show)),
    show,
  };
}

/** No space before these, … */
const closes = /^[.,;:!?…%)\]}»”’]/u;
/** … none after these, … */
const opens = /^[([{«“‘¿¡#@$€£]/u;
/** … and none around these, which mostly stand inside of words and numbers. */
const joins = /^[-/]/u;
const mark = /^\p{M}/u;

/**
 * Words as a sentence: with the spaces that are usual in English between words and punctuation. What
 * it gives has the same words again.
 */
function spaced(words: readonly string[]): string {
  let text = "";
  /** Straight quotes open and close in turn. */
  const open = new Set<string>();
  let glue = true;
  for (const word of words) {
    const isQuote = word === '"' || word === "'";
    const isClosing = isQuote ? open.has(word) : closes.test(word) || joins.test(word);
    text += (glue && !mark.test(word)) || (isClosing && text !== "") ? word : ` ${word}`;
    glue = isQuote ? !isClosing : opens.test(word) || joins.test(word);
    if (isQuote && isClosing) open.delete(word);
    else if (isQuote) open.add(word);
  }
  return text;
}
