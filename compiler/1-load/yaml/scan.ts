/**
 * @file First look at a document with the iterative lexer, before anything recursive sees it: depth,
 * size, tags, anchors and expressions that lack quotes. Composing a hostile document could overflow
 * the stack or abort the process; lexing cannot.
 */
import { Lexer } from "yaml";
import type { Diagnostics } from "../../diagnostics/report.js";
import { brief } from "../../diagnostics/visible.js";
import type { Span } from "../../ir/origin.js";
import { limits } from "./limits.js";

/** What the lexer emits besides pieces of the text: document, flow end, scalar marks. */
const scalarMark = "\u001f";
const virtualTokens = new Set(["\u0002", "\u0018", scalarMark]);

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

/** Reports what makes the document unfit for composing; false if there was anything. */
export function scan(text: string, file: string, diagnostics: Diagnostics): boolean {
  const scanner = new Scanner(text, file, diagnostics);
  for (const token of new Lexer().lex(text)) {
    if (!scanner.accept(token)) return false;
  }
  return true;
}

class Scanner {
  readonly #depth = new Depth();
  #offset = 0;
  #lineStart = 0;
  #tokens = 0;
  #aliases = 0;
  /** The lexer announces scalars: what follows is not punctuation, whatever it looks like. */
  #scalarNext = false;
  /** The last token that was neither space nor comment. */
  #last = "";

  constructor(
    readonly text: string,
    readonly file: string,
    readonly diagnostics: Diagnostics,
  ) {}

  accept(token: string): boolean {
    this.#tokens += 1;
    if (this.#tokens > limits.tokens) return this.#tooLarge(`${limits.tokens} tokens`);
    if (virtualTokens.has(token)) {
      this.#scalarNext = token === scalarMark;
      if (this.#scalarNext) this.#depth.content(this.#offset - this.#lineStart, false);
      return true;
    }
    const sound = this.#scalarNext ? this.#scalar(token) : this.#punctuation(token);
    this.#scalarNext = false;
    this.#advance(token);
    return sound;
  }

  #punctuation(token: string): boolean {
    const span: Span = { file: this.file, start: this.#offset, end: this.#offset + token.length };
    if (token.startsWith("*")) this.#aliases += 1;
    if (this.#aliases > limits.aliases) return this.#tooLarge(`${limits.aliases} aliases`);
    if (token.startsWith("!")) {
      this.diagnostics.report("yaml-tag", span, { tag: token });
      return false;
    }
    if (token === "," && /^[[{,]$/.test(this.#last)) return this.#emptyEntry(span);
    if (/\S/.test(token) && !token.startsWith("#")) this.#last = token;
    follow(this.#depth, token, this.#offset - this.#lineStart);
    if (!this.#depth.tooDeep) return true;
    this.diagnostics.report("too-deep", span, { limit: limits.depth });
    return false;
  }

  /** Reported here because the library would go on through thousands of them. */
  #emptyEntry(span: Span): false {
    this.diagnostics.report("yaml-syntax", span, {
      message: "nothing stands before this comma",
      help: "Remove the comma, or write the entry that is missing.",
    });
    return false;
  }

  #scalar(token: string): boolean {
    this.#last = token;
    if (!token.endsWith("$") || this.text[this.#offset + token.length] !== "{") return true;
    reportUnquoted(this.text, this.#offset, this.#offset + token.length, this);
    return false;
  }

  #advance(token: string): void {
    this.#offset += token.length;
    const newline = token.lastIndexOf("\n");
    if (newline < 0) return;
    this.#lineStart = this.#offset - (token.length - newline - 1);
    this.#depth.newline();
  }

  #tooLarge(limit: string): false {
    const span: Span = { file: this.file, start: this.#offset, end: this.#offset + 1 };
    this.diagnostics.report("file-too-large", span, { limit });
    return false;
  }
}

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

/** `{ units: ${width} }`: inside of braces and brackets YAML reads the expression's braces itself. */
function reportUnquoted(
  text: string,
  start: number,
  afterDollar: number,
  { file, diagnostics }: { readonly file: string; readonly diagnostics: Diagnostics },
): void {
  const rest = text.slice(afterDollar, afterDollar + 1000);
  const inside = /^\{[^{}"\r\n]*\}/.exec(rest)?.[0];
  const span: Span = { file, start, end: afterDollar + (inside?.length ?? 0) };
  const expression = text.slice(span.start, span.end);
  const fix = {
    title: `write "${brief(expression)}" in quotes`,
    grade: "certain" as const,
    edits: [{ span, text: `"${expression}"` }],
  };
  const fixes = inside === undefined ? [] : [fix];
  const params = { expression: brief(expression) };
  diagnostics.report("expression-without-quotes", span, params, { fixes });
}
