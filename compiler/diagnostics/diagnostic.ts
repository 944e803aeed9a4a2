/** @file Diagnostics: what users are told about their own mistakes. Faults of dlc are assertions (`bug`). */
import type { Span } from "../ir/origin.js";

export type Severity = "error" | "warning";

export interface TextEdit {
  readonly span: Span;
  readonly text: string;
}

/** certain: `dlc validate --fix` applies it; likely: probably meant; template: has gaps to fill. */
export interface Fix {
  readonly title: string;
  readonly grade: "certain" | "likely" | "template";
  readonly edits: readonly TextEdit[];
}

export interface Note {
  readonly message: string;
  readonly span: Span | null;
}

export interface Diagnostic {
  /** A key of the catalogue: kebab-case, states the problem. */
  readonly code: string;
  readonly severity: Severity;
  /** One sentence, present tense, names as the user wrote them. */
  readonly message: string;
  /** The smallest place at fault; null only when there is none (a missing spec file). */
  readonly span: Span | null;
  /** Text under the mark. */
  readonly label: string | null;
  readonly notes: readonly Note[];
  readonly help: string | null;
  readonly fixes: readonly Fix[];
}

/** A catalogue entry; `{name}` in message and help are parameters. */
export interface CatalogueEntry {
  readonly severity: Severity;
  readonly message: string;
  readonly help?: string;
  /** For `dlc explain`: why it is a mistake, in a paragraph; and a spec fragment with and without it. */
  readonly explain: string;
  readonly wrong?: string;
  readonly right?: string;
}

/** A fault in dlc itself. */
export class Bug extends Error {
  override readonly name = "Bug";
}

export function bug(message: string): never {
  throw new Bug(message);
}
