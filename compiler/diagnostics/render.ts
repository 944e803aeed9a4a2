/** @file Diagnostics as text for people and as JSON for programs. */
import { isAbsolute, relative } from "node:path";
import { createColors } from "picocolors";
import type { Span } from "../ir/origin.js";
import type { Diagnostic, Note } from "./diagnostic.js";
import { frame } from "./frame.js";
import type { SourceFiles } from "./source-files.js";
import { visible, width } from "./visible.js";

export interface RenderOptions {
  readonly color?: boolean;
  /** Folder that shown paths are relative to; default: the current one. */
  readonly base?: string;
}

type Colors = ReturnType<typeof createColors>;

interface Page {
  readonly sources: SourceFiles;
  readonly colors: Colors;
  readonly base: string;
}

/** All diagnostics, each as a paragraph; ends without a line break. */
export function renderText(
  diagnostics: readonly Diagnostic[],
  sources: SourceFiles,
  { color = false, base = process.cwd() }: RenderOptions = {},
): string {
  const page: Page = { sources, colors: createColors(color), base };
  return inOrder(diagnostics)
    .map((diagnostic) => paragraph(diagnostic, page))
    .join("\n\n");
}

/** From top to bottom of each file; what has no place comes first. */
function inOrder(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const files = [...new Set(diagnostics.map(({ span }) => span?.file))];
  const rank = ({ span }: Diagnostic): number => (span === null ? -1 : files.indexOf(span.file));
  const start = ({ span }: Diagnostic): number => span?.start ?? 0;
  return diagnostics.toSorted((a, b) => rank(a) - rank(b) || start(a) - start(b));
}

function paragraph(diagnostic: Diagnostic, page: Page): string {
  const { colors } = page;
  const paint = diagnostic.severity === "error" ? colors.red : colors.yellow;
  const head = colors.bold(paint(`${diagnostic.severity} ${diagnostic.code}`));
  const lines = [`${head}: ${colors.bold(visible(diagnostic.message))}`];
  if (diagnostic.span !== null) {
    lines.push(`  ${colors.cyan(place(diagnostic.span, page))}`);
    lines.push(...frameLines(diagnostic, diagnostic.span, page));
  } else if (diagnostic.label !== null) {
    lines.push(`  ${visible(diagnostic.label)}`);
  }
  lines.push(...noteLines(diagnostic.notes, page));
  if (diagnostic.help !== null) {
    const [first = "", ...rest] = wrapped(visible(diagnostic.help), "        ");
    lines.push(`  ${colors.bold("help")}: ${first}`, ...rest);
  }
  return lines.join("\n");
}

function frameLines(diagnostic: Diagnostic, span: Span, page: Page): string[] {
  const { colors, sources } = page;
  const paint = diagnostic.severity === "error" ? colors.red : colors.yellow;
  const lines = frame(span, sources);
  const gutter = Math.max(2, ...lines.map(({ number }) => number.length));
  const label = labelOf(diagnostic);
  return lines.map(({ kind, number, text }) => {
    const margin = colors.dim(`  ${number.padStart(gutter)} |`);
    if (kind === "text") return `${margin} ${text}`.trimEnd();
    return `${margin} ${paint(text)}${label === "" ? "" : ` ${paint(label)}`}`;
  });
}

/** The text under the mark: the label, and what `--fix` would do. */
function labelOf({ label, fixes }: Diagnostic): string {
  const certain = fixes.find(({ grade }) => grade === "certain");
  const [first] = fixes;
  const text = label ?? first?.title ?? "";
  const offer = certain === undefined ? "" : "   (dlc validate --fix applies this)";
  return visible(text) + offer;
}

const pageWidth = 100;

/** Lines of at most the page's width where words allow it; all but the first indented. */
function wrapped(text: string, indent: string): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && indent.length + width(line) + 1 + width(word) > pageWidth) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  lines.push(line);
  return lines.map((content, i) => (i === 0 ? content : indent + content));
}

/** Notes with places as a table, in order: a trail of shapes reads as one. */
function noteLines(notes: readonly Note[], page: Page): string[] {
  const longest = Math.min(
    60,
    notes.reduce(
      (most, note) => (note.span ? Math.max(most, width(visible(note.message))) : most),
      0,
    ),
  );
  return notes.map(({ message, span }) => {
    const text = visible(message);
    if (span === null) return `  note: ${text}`;
    const gap = " ".repeat(Math.max(0, longest - width(text)) + 3);
    return `  note: ${text}${gap}${page.colors.cyan(place(span, page))}`;
  });
}

function place(span: Span, { sources, base }: Page): string {
  const { line, column } = sources.position(span.file, span.start);
  return `${visible(shownPath(span.file, base))}:${line}:${column}`;
}

function shownPath(file: string, base: string): string {
  if (!isAbsolute(file)) return file;
  const path = relative(base, file).replaceAll("\\", "/");
  return path === "" ? file : path;
}

/** Version of the JSON form; grows when a field changes its meaning. */
const diagnosticsSchemaVersion = 1;

export interface JsonSpan {
  readonly file: string;
  /** UTF-16 offsets; the end is exclusive. */
  readonly start: number;
  readonly end: number;
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

export interface JsonDiagnostic extends Omit<Diagnostic, "span" | "notes" | "fixes"> {
  readonly span: JsonSpan | null;
  readonly notes: readonly { readonly message: string; readonly span: JsonSpan | null }[];
  readonly fixes: readonly {
    readonly title: string;
    readonly grade: string;
    readonly edits: readonly { readonly span: JsonSpan | null; readonly text: string }[];
  }[];
}

export interface JsonReport {
  readonly schemaVersion: typeof diagnosticsSchemaVersion;
  readonly diagnostics: readonly JsonDiagnostic[];
  readonly errors: number;
  readonly warnings: number;
}

export function toJson(diagnostics: readonly Diagnostic[], sources: SourceFiles): JsonReport {
  const spanOf = (span: Span | null): JsonSpan | null => {
    if (span === null) return null;
    const { line, column } = sources.position(span.file, span.start);
    const end = sources.position(span.file, span.end);
    const { file, start, end: last } = span;
    const range = { file, start, end: last };
    return { ...range, line, column, endLine: end.line, endColumn: end.column };
  };
  const errors = diagnostics.filter(({ severity }) => severity === "error").length;
  return {
    schemaVersion: diagnosticsSchemaVersion,
    diagnostics: inOrder(diagnostics).map((d) => ({
      ...d,
      span: spanOf(d.span),
      notes: d.notes.map(({ message, span }) => ({ message, span: spanOf(span) })),
      fixes: d.fixes.map(({ title, grade, edits }) => ({
        title,
        grade,
        edits: edits.map(({ span, text }) => ({ span: spanOf(span), text })),
      })),
    })),
    errors,
    warnings: diagnostics.length - errors,
  };
}
