/**
 * @file Byte pair encoding (Sennrich, Haddow & Birch 2016) of bytes (GPT-2, Radford et al. 2019): a text
 * is cut into pieces, and in each the pairs that are merged first are joined until none is left. As all
 * 256 bytes are tokens, no text is ever unknown.
 */
import { specialTokenNames } from "../../spec.js";
import { byteCharacters, fromUtf8, tokenBytes, utf8 } from "./bytes.js";
import { ownIds, type Tokenizer } from "./tokenizer.js";

export type Merge = readonly [left: number, right: number];

/** The id of byte 0; the others follow. */
export const firstByte = specialTokenNames.length;
/** The id of the first merged token. */
export const firstMerge = firstByte + 256;

/**
 * GPT-2's pieces: contractions, words and numbers with the space before them, other characters, white
 * space. Longer runs than 128 characters are cut, so that no text takes quadratic time.
 */
const pieces =
  /'(?:[stmd]|re|ve|ll)| ?\p{L}{1,128}| ?\p{N}{1,128}| ?[^\s\p{L}\p{N}]{1,128}|\s{1,128}(?!\S)|\s{1,128}/gu;

/** Calls `each` with every piece of a text; together they are the text. */
export function eachPiece(text: string, each: (piece: string) => void): void {
  for (const [piece] of text.matchAll(pieces)) each(piece);
}

/** Pieces whose tokens are remembered: nearly all of a text are a few thousand words. */
const remembered = 100_000;

export function bpeTokenizer(vocabulary: readonly string[], merges: readonly Merge[]): Tokenizer {
  const size = vocabulary.length;
  const merged = new Map(
    merges.map(([left, right], i) => [left * size + right, firstMerge + i] as const),
  );
  const known = new Map<string, readonly number[]>();

  /** The pair that was merged first is the one whose token has the lowest id. */
  function tokensOf(piece: string): readonly number[] {
    const ids = Array.from(utf8(piece), (byte) => firstByte + byte);
    for (;;) {
      let best = Number.POSITIVE_INFINITY;
      for (let i = 1; i < ids.length; i++) {
        const id = merged.get((ids[i - 1] as number) * size + (ids[i] as number));
        if (id !== undefined && id < best) best = id;
      }
      if (best === Number.POSITIVE_INFINITY) return ids;
      const [left, right] = merges[best - firstMerge] as Merge;
      mergePair(ids, left, right, best);
    }
  }

  const show = (id: number): string =>
    id < firstByte ? (vocabulary[id] ?? "") : fromUtf8(tokenBytes(vocabulary[id] ?? ""));
  return {
    vocabulary,
    encode(text, emit) {
      eachPiece(text, (piece) => {
        let ids = known.get(piece);
        if (ids === undefined) {
          ids = tokensOf(piece);
          if (known.size >= remembered) known.clear();
          known.set(piece, ids);
        }
        for (const id of ids) emit(id);
      });
    },
    split: (text) => {
      const tokens: string[] = [];
      eachPiece(text, (piece) => tokens.push(...tokensOf(piece).map(show)));
      return tokens;
    },
    decode: (ids) =>
      fromUtf8(
        Array.from(ownIds(ids)).flatMap((id) =>
          id < firstByte ? [0xef, 0xbf, 0xbd] : tokenBytes(vocabulary[id] ?? ""),
        ),
      ),
    show,
  };
}

/** Joins every `left, right` in `ids`, from the left, in place. */
export function mergePair(ids: number[], left: number, right: number, id: number): void {
  let to = 0;
  for (let from = 0; from < ids.length; from++) {
    if (ids[from] === left && ids[from + 1] === right) {
      ids[to++] = id;
      from++;
    } else {
      ids[to++] = ids[from] as number;
    }
  }
  ids.length = to;
}

/** The vocabulary that merges lead to. */
export function mergedVocabulary(merges: readonly Merge[]): string[] {
  const vocabulary: string[] = [...specialTokenNames, ...byteCharacters];
  for (const [left, right] of merges) {
    vocabulary.push(`${vocabulary[left] ?? ""}${vocabulary[right] ?? ""}`);
  }
  return vocabulary;
}
