/**
 * @file `${…}`: arithmetic on parameters. Numbers, + - * / ( ), parameter names, nothing else. A
 * lone name may also stand for a text or true/false.
 *
 *   sum     := product (("+" | "-") product)*
 *   product := factor (("*" | "/") factor)*
 *   factor  := number | name | "-" factor | "(" sum ")"
 */
import { brief } from "../diagnostics/visible.js";
import type { ScalarValue } from "./yaml/tree.js";

/** What is wrong, and where within the expression's text. */
export class ExpressionError extends Error {
  constructor(
    readonly kind: "syntax" | "unknown-param" | "not-a-number" | "no-result",
    message: string,
    readonly start: number,
    readonly end: number,
    readonly word = "",
  ) {
    super(message);
  }
}

export type Lookup = (name: string) => ScalarValue | undefined;

interface Token {
  readonly kind: "number" | "name" | "sign" | "end";
  readonly text: string;
  readonly start: number;
}

const longest = 500;
const deepest = 50;

/** Evaluates the text between `${` and `}`. */
export function evaluateExpression(text: string, lookup: Lookup): ScalarValue {
  if (text.length > longest) {
    throw new ExpressionError("syntax", `an expression has at most ${longest} characters`, 0, 1);
  }
  const lone = /^\s*([A-Za-z_][\w-]*)\s*$/.exec(text)?.[1];
  if (lone !== undefined) {
    const value = lookup(lone);
    if (value !== undefined) return value;
  }
  const parser = new Parser(tokenize(text), lookup);
  return parser.whole();
}

/** A name may contain "-" only where a lone name stands: `a-b` in arithmetic is a difference. */
function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  const pattern = /\s*(?:((?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)|([A-Za-z_]\w*)|([-+*/()]))/y;
  while (pattern.lastIndex < text.length) {
    const from = pattern.lastIndex;
    const match = pattern.exec(text);
    if (match === null) {
      const rest = text.slice(from);
      if (rest.trim() === "") break;
      const start = from + (rest.length - rest.trimStart().length);
      throw new ExpressionError("syntax", `'${text[start]}' has no meaning here`, start, start + 1);
    }
    const [, number, name, sign] = match;
    const piece = number ?? name ?? sign ?? "";
    const kind = number !== undefined ? "number" : name !== undefined ? "name" : "sign";
    tokens.push({ kind, text: piece, start: pattern.lastIndex - piece.length });
  }
  tokens.push({ kind: "end", text: "", start: text.length });
  return tokens;
}

class Parser {
  #at = 0;
  #depth = 0;

  constructor(
    readonly tokens: readonly Token[],
    readonly lookup: Lookup,
  ) {}

  whole(): number {
    const value = this.#sum();
    const rest = this.#peek();
    if (rest.kind !== "end") this.#unexpected(rest);
    if (!Number.isFinite(value)) {
      const end = rest.start;
      throw new ExpressionError("no-result", "the result is not a finite number", 0, end);
    }
    return value;
  }

  #sum(): number {
    let value = this.#product();
    for (let sign = this.#sign("+-"); sign !== null; sign = this.#sign("+-")) {
      const right = this.#product();
      value = sign === "+" ? value + right : value - right;
    }
    return value;
  }

  #product(): number {
    let value = this.#factor();
    for (let sign = this.#sign("*/"); sign !== null; sign = this.#sign("*/")) {
      const at = this.#peek();
      const right = this.#factor();
      if (sign === "/" && right === 0) {
        const end = at.start + Math.max(1, at.text.length);
        throw new ExpressionError("no-result", "it divides by 0", at.start, end);
      }
      value = sign === "*" ? value * right : value / right;
    }
    return value;
  }

  #factor(): number {
    const token = this.#next();
    if (token.kind === "number") return Number(token.text);
    if (token.kind === "name") return this.#param(token);
    if (++this.#depth > deepest) {
      throw new ExpressionError(
        "syntax",
        "the expression nests too deeply",
        token.start,
        token.start + 1,
      );
    }
    const value = token.text === "-" ? -this.#factor() : this.#parenthesised(token);
    this.#depth -= 1;
    return value;
  }

  #parenthesised(open: Token): number {
    if (open.text !== "(") return this.#unexpected(open);
    const value = this.#sum();
    if (this.#sign(")") === null) this.#unexpected(this.#peek(), "')'");
    return value;
  }

  #param({ text, start }: Token): number {
    const value = this.lookup(text);
    const end = start + text.length;
    if (value === undefined) {
      throw new ExpressionError(
        "unknown-param",
        `'${brief(text)}' is not a parameter`,
        start,
        end,
        text,
      );
    }
    if (typeof value !== "number") {
      throw new ExpressionError(
        "not-a-number",
        `'${brief(text)}' is not a number`,
        start,
        end,
        text,
      );
    }
    return value;
  }

  #sign(accepted: string): string | null {
    const token = this.#peek();
    if (token.kind !== "sign" || !accepted.includes(token.text)) return null;
    this.#at += 1;
    return token.text;
  }

  #peek(): Token {
    return this.tokens[this.#at] ?? { kind: "end", text: "", start: 0 };
  }

  #next(): Token {
    const token = this.#peek();
    this.#at += 1;
    return token;
  }

  #unexpected(token: Token, wanted = "a number or a parameter"): never {
    const found = token.kind === "end" ? "the end" : `'${brief(token.text)}'`;
    const end = token.start + Math.max(1, token.text.length);
    throw new ExpressionError(
      "syntax",
      `${wanted} is needed, but ${found} follows`,
      token.start,
      end,
    );
  }
}
