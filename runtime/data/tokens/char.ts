/** @file Characters: every Unicode code point is a token. */
import { specialTokenNames, specialTokens } from "../../spec.js";
import { ownIds, type Tokenizer, unknownText } from "./tokenizer.js";

const first = specialTokenNames.length;

/** Calls `each` with every code point of a text. */
export function eachCharacter(text: string, each: (character: string) => void): void {
  for (const character of text) each(character);
}

export function charTokenizer(vocabulary: readonly string[]): Tokenizer {
  /** Ids of the first 65,536 code points, 0 where there is none: faster than a map. */
  const basic = new Uint32Array(0x10000);
  const others = new Map<number, number>();
  vocabulary.slice(first).forEach((character, i) => {
    const code = character.codePointAt(0) as number;
    if (code < basic.length) basic[code] = first + i;
    else others.set(code, first + i);
  });
  const show = (id: number): string =>
    id === specialTokens.unknown ? unknownText : (vocabulary[id] ?? unknownText);
  return {
    vocabulary,
    encode(text, emit) {
      for (let i = 0; i < text.length; i++) {
        const code = text.codePointAt(i) as number;
        if (code >= basic.length) i++;
        const id = code < basic.length ? basic[code] : others.get(code);
        emit(id || specialTokens.unknown);
      }
    },
    split: (text) => Array.from(text),
    decode: (ids) => Array.from(ownIds(ids), show).join(""),
    show,
  };
}
