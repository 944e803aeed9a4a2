/** @file Splits IR text into tokens. */
import { IrSyntaxError, wordPattern } from "./text.js";

export interface Token {
  /** `end` separates statements (a line end or `;`); brackets suppress it. */
  readonly kind: "word" | "string" | "mark" | "comment" | "end";
  readonly text: string;
  readonly line: number;
}

const stringPattern = /"(?:[^"\\\n]|\\.)*"/y;
const marks = "()[]=,:";

export function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let line = 1;
  let depth = 0;
  const match = (pattern: RegExp): string | null => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0] ?? null;
  };
  while (at < text.length) {
    const char = text.charAt(at);
    let found: string | null = char;
    if (char === "\n" || char === ";") {
      if (depth === 0) tokens.push({ kind: "end", text: char, line });
      if (char === "\n") line++;
    } else if (char === "#") {
      found = match(/#[^\n]*/y) ?? char;
      tokens.push({ kind: "comment", text: found.slice(1).trim(), line });
    } else if (char === '"') {
      found = match(stringPattern);
      if (found === null) throw new IrSyntaxError(line, "a string does not end");
      tokens.push({ kind: "string", text: JSON.parse(found) as string, line });
    } else if (marks.includes(char)) {
      if (char === "(" || char === "[") depth++;
      if (char === ")" || char === "]") depth--;
      tokens.push({ kind: "mark", text: char, line });
    } else if (!/\s/.test(char)) {
      found = match(wordPattern);
      if (found === null) throw new IrSyntaxError(line, `unexpected '${char}'`);
      tokens.push({ kind: "word", text: found, line });
    }
    at += found.length;
  }
  return tokens;
}
