/** @file The lines of a file around a place, with the place underlined. */
import type { Span } from "../ir/origin.js";
import type { SourceFiles } from "./source-files.js";
import { visible, width } from "./visible.js";

/** Characters of a line that are shown; longer lines are cut around the mark. */
const window = 96;
const tab = "  ";

export interface FrameLine {
  readonly kind: "text" | "mark";
  /** Line number, for text. */
  readonly number: string;
  readonly text: string;
}

/** One line before the place, its line, and the mark; empty for a file that was never read. */
export function frame(span: Span, sources: SourceFiles): readonly FrameLine[] {
  const start = sources.position(span.file, span.start);
  const line = sources.line(span.file, start.line);
  if (line === null) return [];
  const lines: FrameLine[] = [];
  const cut = cutAround(line, start.column - 1, span.end - span.start);
  const before = sources.line(span.file, start.line - 1);
  if (before?.slice(cut.from, cut.from + window).trim()) {
    const text = shown(before.slice(cut.from, cut.from + window));
    lines.push({ kind: "text", number: String(start.line - 1), text });
  }
  const left = cut.from > 0 ? "…" : "";
  const right = cut.to < line.length ? "…" : "";
  const text = left + shown(line.slice(cut.from, cut.to)) + right;
  lines.push({ kind: "text", number: String(start.line), text });
  const markStart = Math.min(start.column - 1, line.length);
  const markEnd = Math.min(Math.max(span.end - span.start + markStart, markStart + 1), cut.to);
  const padding = " ".repeat(left.length + width(shown(line.slice(cut.from, markStart))));
  const length = Math.max(1, width(shown(line.slice(markStart, markEnd))));
  lines.push({ kind: "mark", number: "", text: padding + "^".repeat(length) });
  return lines;
}

/** Which part of a long line to show. */
function cutAround(line: string, start: number, length: number): { from: number; to: number } {
  if (line.length <= window) return { from: 0, to: line.length };
  const room = Math.max(0, window - Math.min(length, window));
  const from = Math.max(0, Math.min(start - Math.floor(room / 2), line.length - window));
  return { from, to: Math.min(line.length, from + window) };
}

const shown = (text: string): string => visible(text.replaceAll("\t", tab));
