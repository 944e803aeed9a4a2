/** @file Text edits that repair a spec, and did-you-mean as label and fix. */
import type { Span } from "../ir/origin.js";
import type { Diagnostic, Fix, TextEdit } from "./diagnostic.js";
import { suggest } from "./suggest.js";
import { brief } from "./visible.js";

export interface SuggestionExtras {
  readonly label?: string;
  readonly fixes?: readonly Fix[];
}

/**
 * Label and fix for a misspelt word. `replaceable`: does the word stand at `span` as such (and not
 * come from a parameter, say)? Where it stands in quotes, the quotes are replaced with it.
 */
export function didYouMean(
  word: string,
  known: Iterable<string>,
  span: Span | null,
  replaceable: boolean,
): SuggestionExtras {
  const suggestion = suggest(word, known);
  if (suggestion === null) return {};
  const label = `did you mean '${suggestion.word}'?`;
  if (!replaceable || span === null) return { label };
  const fix: Fix = {
    title: `replace '${brief(word)}' by '${suggestion.word}'`,
    grade: suggestion.sure ? "certain" : "likely",
    edits: [{ span, text: asYaml(suggestion.word) }],
  };
  return { label, fixes: [fix] };
}

/** A word as a YAML scalar: as it is where that is safe, else in double quotes. */
export function asYaml(word: string): string {
  const plain = /^[A-Za-z_][A-Za-z0-9_./-]*$/.test(word) && !/^(true|false|null)$/i.test(word);
  return plain ? word : JSON.stringify(word);
}

/** The fixes that may be applied without asking. */
export function certainFixes(diagnostics: readonly Diagnostic[]): readonly Fix[] {
  return diagnostics.flatMap((d) => d.fixes.filter((fix) => fix.grade === "certain").slice(0, 1));
}

export interface FixResult {
  readonly text: string;
  /** How many fixes were made. */
  readonly applied: number;
}

const byteOrderMark = "\ufeff";

/**
 * Applies fixes to the text of the one file that they are for. A fix is applied wholly or not at all:
 * one that overlaps an earlier one is left out. The same fix wanted twice is made once. A byte order
 * mark, which spans do not count, stays.
 */
export function applyFixes(text: string, fixes: readonly Fix[]): FixResult {
  const mark = text.startsWith(byteOrderMark) ? byteOrderMark : "";
  let result = text.slice(mark.length);
  const edits: TextEdit[] = [];
  let applied = 0;
  for (const fix of fixes) {
    const inside = fix.edits.every(({ span }) => span.end <= result.length);
    const fresh = fix.edits.filter((edit) => !edits.some((other) => sameEdit(edit, other)));
    const clash = fresh.some((edit) => edits.some((other) => overlap(edit.span, other.span)));
    if (!inside || clash || fresh.length === 0) continue;
    edits.push(...fresh);
    applied += 1;
  }
  for (const { span, text: replacement } of edits.sort((a, b) => b.span.start - a.span.start)) {
    result = result.slice(0, span.start) + replacement + result.slice(span.end);
  }
  return { text: mark + result, applied };
}

const sameEdit = (a: TextEdit, b: TextEdit): boolean =>
  a.span.start === b.span.start && a.span.end === b.span.end && a.text === b.text;

/** Two insertions at one place overlap as well: their order would be a guess. */
const overlap = (a: Span, b: Span): boolean =>
  a.start === b.start || (a.start < b.end && b.start < a.end);
