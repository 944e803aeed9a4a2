/** @file The texts that spans point into, with lines and columns. */
import type { Span } from "../ir/origin.js";

export interface Position {
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
}

export class SourceFiles {
  readonly #texts = new Map<string, string>();
  readonly #lineStarts = new Map<string, readonly number[]>();

  set(file: string, text: string): void {
    this.#texts.set(file, text);
    this.#lineStarts.delete(file);
  }

  /** The text without a byte order mark, or null for a file that was never read. */
  text(file: string): string | null {
    return this.#texts.get(file) ?? null;
  }

  get files(): readonly string[] {
    return [...this.#texts.keys()];
  }

  /** Line and column of an offset; 1:1 in a file that was never read. */
  position(file: string, offset: number): Position {
    const starts = this.#startsOf(file);
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  }

  /** One line's text without its line break, or null past the end. */
  line(file: string, line: number): string | null {
    const text = this.#texts.get(file);
    const starts = this.#startsOf(file);
    const start = starts[line - 1];
    if (text === undefined || start === undefined) return null;
    return text.slice(start, starts[line] ?? text.length).replace(/\r?\n$|\r$/, "");
  }

  slice(span: Span): string {
    return (this.#texts.get(span.file) ?? "").slice(span.start, span.end);
  }

  #startsOf(file: string): readonly number[] {
    const known = this.#lineStarts.get(file);
    if (known !== undefined) return known;
    const starts = [0];
    const text = this.#texts.get(file) ?? "";
    for (let i = text.indexOf("\n"); i >= 0; i = text.indexOf("\n", i + 1)) starts.push(i + 1);
    this.#lineStarts.set(file, starts);
    return starts;
  }
}
