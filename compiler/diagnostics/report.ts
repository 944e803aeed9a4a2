/** @file Collects diagnostics. All of a stage are reported before the next stage is kept from running. */
import type { Span } from "../ir/origin.js";
import { type Code, catalogue } from "./catalogue/index.js";
import type { CatalogueEntry, Diagnostic, Fix, Note } from "./diagnostic.js";
import { brief } from "./visible.js";

type Holes<T extends string> = T extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Holes<Rest>
  : never;
type TextsOf<E> = E extends { message: infer M extends string; help: infer H extends string }
  ? M | H
  : E extends { message: infer M extends string }
    ? M
    : never;
/** The parameters of a code, from the holes of its message and help. */
export type ParamsOf<C extends Code> = Readonly<
  Record<Holes<TextsOf<(typeof catalogue)[C]>>, string | number>
>;

export interface ReportExtras {
  readonly label?: string;
  readonly notes?: readonly Note[];
  readonly fixes?: readonly Fix[];
}

const libraryNote = (span: Span | null): readonly Note[] =>
  span?.library === undefined
    ? []
    : [{ message: "in the block that comes with dlc", span: span.library }];

const mostDiagnostics = 200;
/** Characters of what a message quotes (in the catalogue: '{name}'), and of any other part of one. */
const longestQuote = 80;
const longestText = 1500;
/** Without spaces, so many characters are a text of the user, or a path that nobody types. */
const longestWord = 200;

/** Giants are cut wherever a message has got them from. */
const briefly = (text: string): string =>
  text.replace(/\S+/gu, (word) => (word.length > longestWord ? brief(word) : word));

export class Diagnostics {
  readonly #list: Diagnostic[] = [];
  #hasErrors = false;
  readonly #seen = new Set<string>();

  /** Reports once: the same words at the same place (a block used ten times) count as one mistake. */
  report<C extends Code>(
    code: C,
    span: Span | null,
    params: ParamsOf<C>,
    extras: ReportExtras = {},
  ): void {
    const entry: CatalogueEntry = catalogue[code];
    if (entry.severity === "error") this.#hasErrors = true;
    if (this.isFull) return;
    const fill = (text: string): string =>
      text.replace(/('?)\{(\w+)\}/g, (hole, quote: string, name: string) => {
        const value = (params as Record<string, string | number>)[name];
        if (value === undefined) return hole;
        const isPath = name === "file"; // of use only as a whole
        const most = quote !== "" && !isPath ? longestQuote : longestText;
        return quote + brief(String(value), most);
      });
    const message = briefly(fill(entry.message));
    const shown = ({ message, span }: Note): Note => ({ message: briefly(message), span });
    // A parameter of a shipped block goes to several of its layers: one mistake all the same.
    const identity = JSON.stringify(
      span?.library === undefined ? [code, span, message] : [code, span.file, span.start, span.end],
    );
    if (this.#seen.has(identity)) return;
    this.#seen.add(identity);
    this.#list.push({
      code,
      severity: entry.severity,
      message,
      span,
      label: extras.label === undefined ? null : briefly(extras.label),
      notes: [...(extras.notes ?? []), ...libraryNote(span)].map(shown),
      help: briefly(fill(entry.help ?? "")) || null,
      fixes: extras.fixes ?? [],
    });
  }

  /** Everything reported so far, in order. */
  get all(): readonly Diagnostic[] {
    return this.#list;
  }

  /**
   * So many that nobody reads on: further ones are only counted as errors or not, and loops over the
   * user's lists may stop.
   */
  get isFull(): boolean {
    return this.#list.length >= mostDiagnostics;
  }

  get hasErrors(): boolean {
    return this.#hasErrors;
  }
}
