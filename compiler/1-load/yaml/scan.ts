/**
 * @file First look at a document with the iterative lexer, before anything recursive sees it: depth,
 * size, tags, anchors and expressions that lack quotes. Composing a hostile document could overflow
 * the stack or abort the process; lexing cannot.
 */
import { Lexer } from "yaml";
import type { Diagnostics } from "../../diagnostics/report.js";
import type { Span } from "../../ir/origin.js";
import { limits } from "./limits.js";

/** What the lexer emits besides pieces of the text: document, flow end, scalar marks. */
const virtualTokens = new Set(["\u0002", "\u0018", "\u001f"]);

/** Follows how deep a document nests, token by token. */
class Depth {
  /** Columns at which open block collections begin on the current path. */
  readonly #columns: number[] = [];
  #flow = 0;
  /** Everything up to here on this line was space, "-" or "?". */
  #atLineStart = true;
  #colons = 0;

  get tooDeep(): boolean {
    return this.#columns.length + this.#flow > limits.depth || this.#colons > limits.colonsPerLine;
  }

  newline(): void {
    this.#atLineStart = true;
    if (this.#flow === 0) this.#colons = 0;
  }

  open(): void {
    this.#flow += 1;
    this.#colons = 0;
  }

  close(): void {
    this.#flow = Math.max(0, this.#flow - 1);
    this.#colons = 0;
  }

  colon(): void {
    // In { } a comma ends the pair; without one, `{a: b: c: …` would nest just as on an open line.
    this.#colons += 1;
  }

  comma(): void {
    this.#colons = 0;
  }

  content(column: number, opensMore: boolean): void {
    if (this.#flow > 0 || !this.#atLineStart) return;
    while ((this.#columns.at(-1) ?? -1) > column) this.#columns.pop();
    if ((this.#columns.at(-1) ?? -1) < column) this.#columns.push(column);
    this.#atLineStart = opensMore;
  }
}

interface Scanner {
  readonly text: string;
  readonly file: string;
  readonly diagnostics: Diagnostics;
}

/** Reports what makes the document unfit for composing; false if there was anything. */
export function scan(text: string, file: string, diagnostics: Diagnostics): boolean {
  const scanner: Scanner = { text, file, diagnostics };
  const depth = new Depth();
  let offset = 0;
  let lineStart = 0;
  let tokens = 0;
  let aliases = 0;
  let isScalar = false;
  for (const token of new Lexer().lex(text)) {
    if (++tokens > limits.tokens) return tooLarge(scanner, offset, `${limits.tokens} tokens`);
    if (virtualTokens.has(token)) {
      isScalar = token === "\u001f";
      if (isScalar) depth.content(offset - lineStart, false);
      continue;
    }
    const span: Span = { file, start: offset, end: offset + token.length };
    if (!isScalar) {
      if (token.startsWith("*") && ++aliases > limits.aliases) {
        return tooLarge(scanner, offset, `${limits.aliases} aliases`);
      }
      if (isTag(token)) {
        diagnostics.report("yaml-tag", span, { tag: token });
        return false;
      }
      follow(depth, token, offset - lineStart);
      if (depth.tooDeep) {
        diagnostics.report("too-deep", span, { limit: limits.depth });
        return false;
      }
    } else if (token.endsWith("$") && text[offset + token.length] === "{") {
      return unquotedExpression(scanner, span);
    }
    isScalar = false;
    offset += token.length;
    const newline = token.lastIndexOf("\n");
    if (newline >= 0) {
      lineStart = offset - (token.length - newline - 1);
      depth.newline();
    }
  }
  return true;
}

const isTag = (token: string): boolean => token.startsWith("!");

function follow(depth: Depth, token: string, column: number): void {
  if (token === "[" || token === "{") {
    depth.content(column, false);
    depth.open();
  } else if (token === "]" || token === "}") depth.close();
  else if (token === "-" || token === "?") depth.content(column, true);
  else if (token === ":") depth.colon();
  else if (token === ",") depth.comma();
  else if (/^["'&*|>]/.test(token)) depth.content(column, false);
}

function tooLarge({ diagnostics, file }: Scanner, offset: number, limit: string): false {
  diagnostics.report("file-too-large", { file, start: offset, end: offset + 1 }, { limit });
  return false;
}

/** `{ units: ${width} }`: inside { } and [ ] YAML reads the braces itself. */
function unquotedExpression({ text, file, diagnostics }: Scanner, dollar: Span): false {
  const close = text.indexOf("}", dollar.end);
  const newline = text.indexOf("\n", dollar.end);
  const whole = close >= 0 && (newline < 0 || close < newline);
  const end = whole ? close + 1 : dollar.end;
  const span: Span = { file, start: dollar.start, end };
  const source = text.slice(span.start, span.end);
  diagnostics.report(
    "expression-without-quotes",
    span,
    { expression: source },
    whole && !source.includes('"')
      ? {
          fixes: [
            {
              title: `write "${source}" in quotes`,
              grade: "certain",
              edits: [{ span, text: `"${source}"` }],
            },
          ],
        }
      : {},
  );
  return false;
}
