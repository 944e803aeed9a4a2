/** @file What the runtime finds wrong with the data, as diagnostics at the part of the spec that it concerns. */
import type { DataProblem } from "@dlc/runtime";
import { headOf } from "./1-load/context.js";
import type { ResolvedSpec } from "./1-load/resolved-spec.js";
import type { Note } from "./diagnostics/diagnostic.js";
import { didYouMean } from "./diagnostics/fixes.js";
import type { Diagnostics } from "./diagnostics/report.js";
import type { SourceFiles } from "./diagnostics/source-files.js";
import type { Span } from "./ir/origin.js";

/** The settings of a feature or split that a code is about: the first that was written is marked. */
const settings: Readonly<Partial<Record<DataProblem["code"], readonly string[]>>> = {
  "unknown-column": ["column", "columns", "by", "json.at"],
  "data-shape-mismatch": ["shape", "column", "columns"],
  "arrays-missing": ["scale"],
  "example-too-long": ["max_length"],
  "unknown-token": ["vocabulary", "unknown"],
  "many-unknown-tokens": ["vocabulary"],
  "unknown-label": ["classes"],
  "empty-class": ["classes"],
  "class-without-rows": ["classes"],
  "single-class": ["column"],
  "split-too-large": ["validation", "test"],
  "empty-split": ["validation", "test"],
};

export function reportData(
  spec: ResolvedSpec,
  problem: DataProblem,
  sources: SourceFiles,
  diagnostics: Diagnostics,
): void {
  const { code, message, place, help, wrong } = problem;
  const setting = settingAt(spec, problem);
  const part = setting ?? partAt(spec, problem);
  const words = [wrong?.word, ...filesIn(place)].filter((word) => word !== undefined);
  const [span, word] = (part && narrowed(part, words, sources)) ?? [part, null];
  const notes: Note[] =
    place === null || message.includes(place) || place === word
      ? []
      : [{ message: `in ${place}`, span: null }];
  // A name that was chosen freely (of a feature, of a file) is not replaced: others may use it.
  const replaceable = setting !== null && word === wrong?.word;
  const suggestion = wrong === null ? {} : didYouMean(wrong.word, wrong.known, span, replaceable);
  const at = span === null ? null : headOf(span, sources);
  diagnostics.report(code, at, { message, help }, { notes, ...suggestion });
}

/** The value of the setting that the code is about, if it was written. */
function settingAt({ origins }: ResolvedSpec, { code, path }: DataProblem): Span | null {
  const paths = (settings[code] ?? []).map((setting) => `data.${path}.${setting}`);
  const spans = paths.map((full) => origins.find((origin) => origin.path === full)?.span ?? null);
  return spans.find((span) => span !== null) ?? null;
}

/** The place of `source`, `split` or `features.image`, or the nearest above. */
function partAt(spec: ResolvedSpec, { path, place }: DataProblem): Span | null {
  const written = spec.origins.filter(({ span }) => span !== null);
  const full = `data.${path}`;
  const inside = written.filter((origin) => origin.path.startsWith(`${full}.`));
  const [, name] = path.split(/\.(.*)/s);
  if (name !== undefined && Object.hasOwn(spec.dataSpans, name)) {
    return spec.dataSpans[name] ?? null;
  }
  const files = filesIn(place);
  const names = (value: unknown): boolean => [value].flat().some((v) => files.includes(String(v)));
  const origin =
    written.find((one) => one.path === full) ??
    inside.find(({ value }) => names(value)) ??
    inside[0] ??
    written.find((one) => one.path.startsWith("data."));
  return origin?.span ?? null;
}

/** What a place may name: the file alone, or the folder that it is in. */
function filesIn(place: string | null): readonly string[] {
  if (place === null) return [];
  const file = place.replace(/(, (record|character) \d+.*|:\d+)$/s, "");
  const folders = [...file.matchAll(/\//g)].map(({ index }) => file.slice(0, index)).reverse();
  return [place, file, ...folders];
}

/** The one place inside of `span` where one of the words stands as a whole, and that word. */
function narrowed(
  span: Span,
  words: readonly string[],
  sources: SourceFiles,
): readonly [Span, string] | null {
  const text = sources.slice(span);
  const apart = (character: string | undefined): boolean =>
    character === undefined || /[\s,[\]{}:"']/.test(character);
  for (const word of words) {
    const at = text.indexOf(word);
    if (at < 0 || word === "" || text.indexOf(word, at + 1) >= 0) continue;
    if (!apart(text[at - 1]) || !apart(text[at + word.length])) continue;
    const quoted = /["']/.test(text[at - 1] ?? "") && text[at - 1] === text[at + word.length];
    const [start, end] = quoted ? [at - 1, at + word.length + 1] : [at, at + word.length];
    return [{ ...span, start: span.start + start, end: span.start + end }, word];
  }
  return null;
}
