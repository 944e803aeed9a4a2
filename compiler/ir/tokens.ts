/** @file Splits IR text into tokens. */
import { IrSyntaxError, wordPattern } from "./text.js";

export interface Token {
  /** `end` separates statements (a line end or `;`); brackets suppress it. */
  readonly kind: "word" | "string" | "mark" | "comment" | "end";
  readonly text: string;
  readonly line: number;
}

const patterns: readonly (readonly [Token["kind"] | "space", RegExp])[] = [
  ["end", /[\n;]/y],
  ["space", /[^\S\n]+/y],
  ["comment", /#[^\n]*/y],
  ["string", /"(?:[^"\\\n]|\\.)*"/y],
  ["mark", /[()[\]=,:]/y],
  ["word", wordPattern],
];

const contentOf = (kind: Token["kind"] | "space", text: string): string => {
  if (kind === "string") return JSON.parse(text) as string;
  return kind === "comment" ? text.slice(1).trim() : text;
};

export function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let line = 1;
  let depth = 0;
  for (let at = 0; at < text.length; ) {
    const position = at;
    const found = patterns.flatMap(([kind, pattern]) => {
      pattern.lastIndex = position;
      const match = pattern.exec(text);
      return match === null ? [] : [{ kind, text: match[0] }];
    })[0];
    if (found === undefined) throw new IrSyntaxError(line, `unexpected '${text.charAt(at)}'`);
    if (/^[([]$/.test(found.text)) depth++;
    if (/^[)\]]$/.test(found.text)) depth--;
    const skipped = found.kind === "space" || (found.kind === "end" && depth > 0);
    if (!skipped) {
      tokens.push({
        kind: found.kind as Token["kind"],
        text: contentOf(found.kind, found.text),
        line,
      });
    }
    if (found.text === "\n") line++;
    at += found.text.length;
  }
  return tokens;
}
