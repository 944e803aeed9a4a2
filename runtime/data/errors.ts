/** @file Errors of the data stage: every code, and the one way to make them. */
import { DlcError, type ExitReason } from "../errors.js";
import { didYouMean } from "../suggest.js";

export { count } from "../errors.js";

/** Codes of this folder; each has an entry in the compiler's catalogue (`dlc explain <code>`). */
export const dataCodes = [
  "data-file-missing",
  "data-package-missing",
  "data-path-outside",
  "data-file-unreadable",
  "data-too-large",
  "compression-bomb",
  "damaged-gzip",
  "wrong-file-format",
  "truncated-file",
  "trailing-bytes",
  "unsupported-element-type",
  "not-utf8",
  "csv-syntax",
  "json-syntax",
  "ragged-row",
  "unknown-column",
  "duplicate-column",
  "unknown-label",
  "label-not-integer",
  "not-a-number",
  "missing-value",
  "value-out-of-range",
  "mixed-values",
  "wrong-column-type",
  "data-shape-mismatch",
  "row-count-mismatch",
  "no-rows",
  "split-too-large",
  "empty-split",
  "image-unreadable",
  "image-library-missing",
  "empty-class",
  "class-without-rows",
  "single-class",
  "arrays-missing",
  "example-too-long",
  "empty-text",
  "empty-sequence",
  "unknown-token",
  "many-unknown-tokens",
  "input-missing",
  "unknown-input",
] as const;

export type DataCode = (typeof dataCodes)[number];

/** A word of the data spec that is wrong, and what could have been meant. */
export interface WrongWord {
  readonly word: string;
  readonly known: readonly string[];
}

export interface DataErrorDetails {
  /** What to do about it: always said. */
  readonly help: string;
  /** The nearest of its known words is suggested. */
  readonly wrong?: WrongWord;
  /** File as the spec names it, with a line or record where one is at fault. */
  readonly place?: string;
  /** The column it is in. */
  readonly column?: string;
  /** The part of the data spec it concerns: "split", "targets.digit"; left out: the source. */
  readonly path?: string;
  readonly reason?: ExitReason;
  readonly cause?: unknown;
}

/** A DlcError of the data stage. */
export class DataError extends DlcError {
  declare readonly code: DataCode;
  /** With the suggestion, if there is one. */
  declare readonly help: string;
  readonly details: DataErrorDetails;

  constructor(code: DataCode, message: string, details: DataErrorDetails) {
    const { wrong } = details;
    const hint = wrong === undefined ? "" : didYouMean(wrong.word, wrong.known);
    super(code, message, { ...details, help: details.help + hint });
    this.details = details;
  }

  /** The same error, of a part of the data spec (if it does not know better). */
  at(path: string): DataError {
    return new DataError(this.code, this.message, { path, ...this.details, cause: this });
  }
}

/** Text from a file, quoted and cut for a message; control characters are escaped. */
export function quote(text: string): string {
  const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
  return JSON.stringify(shown).replace(
    /[\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** "a, b, c and 7 more". */
export function list(items: readonly string[], most = 12): string {
  const shown = items.slice(0, most).map((item) => quote(item).slice(1, -1));
  const rest = items.length - shown.length;
  return rest > 0 ? `${shown.join(", ")} and ${rest} more` : shown.join(", ");
}

/** Up to 40 characters that occur in names; no line of a password file, key or list of settings. */
const plainName = /^[\p{L}\p{M}\p{N} _.\-()/%°#+*&'[\]]{1,40}$/u;

/**
 * Names of columns as a file gives them. What does not look like a name is counted only: a file that
 * is named by mistake may hold anything. Empty where no name is plain.
 */
export function listNames(names: readonly string[], most = 12): string {
  const shown = names.filter((name) => plainName.test(name)).slice(0, most);
  const rest = names.length - shown.length;
  return shown.length > 0 && rest > 0 ? `${shown.join(", ")} and ${rest} more` : shown.join(", ");
}

/** "[28, 28, 1]". */
export function showShape(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}
