/** @file Texts as rows of token ids, padded to one length. */
import type { FittedFacts } from "../spec.js";
import { specialTokens } from "../spec.js";
import { count, DataError, quote } from "./errors.js";
import type { Encoded } from "./features.js";
import { type Column, sharedArray, type TextColumn } from "./table.js";
import { partsOf, type TextFeature, type Tokenizer, tokenizerOf } from "./tokens/index.js";
import { spelledOut } from "./words.js";

/** More numbers than this in one column are refused: they would not fit beside a model. */
const mostNumbers = 2 ** 29;

/**
 * The column as text: what `words` say of its values, else the values. Numbers are no text, as how they
 * were written is lost.
 */
export function textsOf(
  column: Column,
  name: string,
  { words }: Pick<TextFeature, "words">,
): TextColumn {
  if (words) return spelledOut(column, words, name);
  if (column.kind === "text") return column;
  throw noText(name, column.place(0));
}

export function noText(name: string, place: string): DataError {
  return new DataError("wrong-column-type", `'${name}' needs text, but the column holds numbers`, {
    place,
    help: "Numbers are features of type number, vector or sequence; name a column of text.",
  });
}

/** Throws what can be found without the vocabulary: empty texts, and too many characters or words. */
export function checkTexts(feature: TextFeature, column: Column, name: string): void {
  const { values, place } = textsOf(column, name, feature);
  const end = feature.end ? 1 : 0;
  const room = feature.length === 0 || feature.truncate ? null : feature.length - end;
  let longest = 0;
  let at = 0;
  values.forEach((text, row) => {
    const tokens = partsOf(text, feature);
    if (tokens === 0) throw emptyText(text, { name, place: place(row) });
    if (tokens === null || tokens <= longest) return;
    longest = tokens;
    at = row;
  });
  if (room !== null && longest > room) {
    throw tooLong(feature, name, longest + end, longest + end, place(at));
  }
}

/** i32 [length] per row: the tokens, the end token if there is one, and padding behind. */
export function encodeTexts(
  feature: TextFeature,
  column: Column,
  name: string,
  facts: FittedFacts,
): Encoded {
  const texts = textsOf(column, name, feature);
  const { length } = feature;
  checkSize(column.rows * length, name);
  const data = sharedArray("i32", column.rows * length) as Int32Array;
  const tokenizer = tokenizerOf(name, feature, facts);
  for (let row = 0; row < column.rows; row++) {
    const to = data.subarray(row * length, (row + 1) * length);
    const tokens = encodeText(feature, texts.values[row] as string, tokenizer, to, () => ({
      name,
      place: texts.place(row),
    }));
    if (tokens > length && !feature.truncate) {
      throw tooLong(feature, name, tokens, longestOf(feature, texts, tokenizer), texts.place(row));
    }
  }
  return { dtype: "i32", shape: [length], data };
}

/** What messages say of a text. */
interface Whose {
  readonly name: string;
  readonly place: string;
}

/**
 * One text into `to`, which is all padding before.
 * @returns how many tokens it has, the end token included; more than `to.length`: it was cut.
 * @throws DlcError for an empty text, or an unknown token where the feature asks for that.
 */
export function encodeText(
  feature: Pick<TextFeature, "end" | "unknown">,
  text: string,
  tokenizer: Tokenizer,
  to: { length: number; [index: number]: number },
  whose: () => Whose,
): number {
  const room = to.length - (feature.end ? 1 : 0);
  let tokens = 0;
  tokenizer.encode(text, (id) => {
    if (id === specialTokens.unknown && feature.unknown === "error") {
      throw unknownToken(tokenizer.split(text)[tokens] ?? "", whose());
    }
    if (tokens < room) to[tokens] = id;
    tokens++;
  });
  if (tokens === 0) throw emptyText(text, whose());
  if (feature.end) to[Math.min(tokens, room)] = specialTokens.end;
  return tokens + (feature.end ? 1 : 0);
}

/** Tokens of the longest text of a column, the end token included. */
function longestOf(feature: TextFeature, texts: TextColumn, tokenizer: Tokenizer): number {
  return (
    texts.values.reduce((most, text) => {
      return Math.max(most, countTokens(text, tokenizer).tokens);
    }, 0) + (feature.end ? 1 : 0)
  );
}

/** How many tokens a text has, and how many of them the vocabulary lacks. */
export function countTokens(
  text: string,
  tokenizer: Tokenizer,
): { readonly tokens: number; readonly unknown: number } {
  let tokens = 0;
  let unknown = 0;
  tokenizer.encode(text, (id) => {
    tokens++;
    if (id === specialTokens.unknown) unknown++;
  });
  return { tokens, unknown };
}

/** `steps`, `longest`: the end token included; the setting does not count it. */
export function tooLong(
  feature: TextFeature,
  name: string,
  steps: number,
  longest: number | null,
  place: string,
): DataError {
  const end = feature.end ? 1 : 0;
  return new DataError(
    "example-too-long",
    `this text of '${name}' has ${count(steps - end, "token")}, but max_length is ${feature.length - end}`,
    {
      place,
      help:
        longest === null
          ? "Shorten it; longer texts are cut if the spec says `truncate: true`."
          : `The longest has ${longest - end}: write max_length: ${longest - end}, or truncate: true to cut longer texts.`,
    },
  );
}

export function emptyText(text: string, { name, place }: Whose): DataError {
  const what = text === "" ? "is empty" : `has no token (${quote(text)})`;
  return new DataError("empty-text", `this text of '${name}' ${what}`, {
    place,
    help: "Every text needs at least one token: fill it in or remove the row.",
  });
}

function unknownToken(token: string, { name, place }: Whose): DataError {
  return new DataError("unknown-token", `${quote(token)} is not in the vocabulary of '${name}'`, {
    place,
    help: "The vocabulary holds the most frequent tokens of the training split: raise `vocabulary`, correct the text, or write unknown: replace.",
  });
}

export function checkSize(numbers: number, name: string): void {
  if (numbers <= mostNumbers) return;
  throw new DataError("data-too-large", `'${name}' would take ${count(numbers * 4, "byte")}`, {
    help: "All examples are padded to max_length: make it smaller, with truncate: true, or take fewer rows.",
  });
}
