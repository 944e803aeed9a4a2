/** @file Splits IR text into tokens. */
import { IrSyntaxError, wordPattern } from "./text.js";

export interface Token {
  /** `end` separates statements (a line end or `;`); brackets suppress it, braces do not. */
  readonly kind: "word" | "string" | "mark" | "comment" | "end";
  readonly text: string;
  readonly line: number;
}

const patterns: readonly (readonly [Token["kind"] | "space", RegExp])[] = [
  ["end", /[\n;]/y],
  ["space", /[^\S\n]+/y],
  ["comment", /#[^\n]*/y],
  ["string", /"(?:[^"\\\n]|\\.)*"/y],
  ["mark", /[(){}[\]=,:]/y],
  ["word", wordPattern],
];

const contentOf = (kind: Token["kind"] | "space", text: string): string => {
  if (kind === "string") return JSON.parse(text) as string;
  return kind === "comment" ? text.slice(1).trim() : text;
};

/** Follows which brackets are open. Braces hold a graph, with statements of its own. */
function createNesting(): { read(token: string): void; readonly endsCount: boolean } {
  const open: string[] = [];
  return {
    read(token) {
      if (/^[([{]$/.test(token)) open.push(token);
      if (/^[)\]}]$/.test(token)) open.pop();
    },
    get endsCount() {
      return open.length === 0 || open.at(-1) === "{";
    },
  };
}

export function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  const nesting = createNesting();
  let line = 1;
  for (let at = 0; at < text.length; ) {
    const position = at;
    const found = patterns.flatMap(([kind, pattern]) => {
      pattern.lastIndex = position;
      const match = pattern.exec(text);
      return match === null ? [] : [{ kind, text: match[0] }];
    })[0];
    if (found === undefined) throw new IrSyntaxError(line, `unexpected '${text.charAt(at)}'`);
    if (found.kind === "mark") nesting.read(found.text);
    const skipped = found.kind === "space" || (found.kind === "end" && !nesting.endsCount);
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
