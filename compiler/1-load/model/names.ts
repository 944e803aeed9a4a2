/** @file Names of the layers of one list, and what each name refers to. */
import type { Span } from "../../ir/origin.js";
import type { LoadContext } from "../context.js";
import { headOf } from "../context.js";
import type { LayerEntry } from "./layer-entry.js";

/** The name of a feature and the place of its entry. */
export type FeatureNames = ReadonlyMap<string, Span>;

export interface NamedEntry {
  readonly entry: LayerEntry;
  /** What others call its output: `as`, else type (or block) and number. */
  readonly name: string;
  /** Of a repeat: the name of each use, else `[name]`. */
  readonly uses: readonly string[];
}

/** The word an unnamed entry is numbered under. */
export type StemOf = (entry: LayerEntry) => { readonly stem: string; readonly times: number };

/**
 * Names every entry: first those with `as`, so that numbered names (`conv2d_1`) step aside. Names
 * given twice, or to a feature as well, are reported.
 */
export function nameEntries(
  entries: readonly LayerEntry[],
  stemOf: StemOf,
  features: FeatureNames,
  reserved: ReadonlySet<string>,
  context: LoadContext,
): readonly NamedEntry[] {
  const taken = new Map<string, Span>();
  for (const { as } of entries) {
    if (as === null) continue;
    const first = taken.get(as.name) ?? features.get(as.name);
    if (reserved.has(as.name)) {
      context.diagnostics.report("reserved-name", as.span, { name: as.name });
    } else if (first !== undefined) {
      const other = taken.has(as.name) ? "another layer" : "a feature";
      context.diagnostics.report(
        "duplicate-name",
        as.span,
        { name: as.name, other },
        { notes: [{ message: "the other one is here", span: headOf(first, context.sources) }] },
      );
    }
    if (!taken.has(as.name)) taken.set(as.name, as.span);
  }
  const numbers = new Map<string, number>();
  const nextName = (stem: string): string => {
    for (;;) {
      const number = (numbers.get(stem) ?? 0) + 1;
      numbers.set(stem, number);
      const name = `${stem}_${number}`;
      if (!taken.has(name) && !features.has(name)) return name;
    }
  };
  return entries.map((entry) => {
    const { stem, times } = stemOf(entry);
    if (times === 1) {
      const name = entry.as?.name ?? nextName(stem);
      return { entry, name, uses: [name] };
    }
    const uses = Array.from({ length: times }, () => nextName(entry.as?.name ?? stem));
    return { entry, name: entry.as?.name ?? uses.at(-1) ?? stem, uses };
  });
}
