/** @file Generated source text, line by line, each line with the place in the spec it comes from. */
import type { Span } from "../ir/origin.js";

export class SourceLines {
  readonly #lines: string[] = [];
  readonly #spans: (Span | null)[] = [];

  /** Adds text (one or several lines) that comes from `span`. */
  add(text: string, span: Span | null = null): void {
    for (const line of text.split("\n")) {
      this.#lines.push(line);
      this.#spans.push(span);
    }
  }

  get text(): string {
    return `${this.#lines.join("\n")}\n`;
  }

  /** Of each line: where it comes from. */
  get spans(): readonly (Span | null)[] {
    return this.#spans;
  }
}
