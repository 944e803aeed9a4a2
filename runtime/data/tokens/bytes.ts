/**
 * @file Text as bytes of UTF-8, and bytes as the characters that stand for them in vocabularies: the
 * table of GPT-2 (Radford et al. 2019), in which every byte is a visible character.
 */

/** Bytes that stand for themselves: printable Latin-1 without space and soft hyphen. */
const isPlain = (byte: number): boolean =>
  (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;

/** The character of each byte; those that are not plain follow from U+0100 on. */
export const byteCharacters: readonly string[] = (() => {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCharCode(isPlain(byte) ? byte : next++),
  );
})();

const bytesByCharacter = new Map(byteCharacters.map((character, byte) => [character, byte]));

/** The bytes that a token of the vocabulary stands for. */
export const tokenBytes = (token: string): readonly number[] =>
  Array.from(token, (character) => bytesByCharacter.get(character) ?? 63);

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

export const utf8 = (text: string): Uint8Array => encoder.encode(text);
/** Bytes that are no UTF-8 (a model may say anything) become replacement characters. */
export const fromUtf8 = (bytes: readonly number[]): string =>
  decoder.decode(Uint8Array.from(bytes));
