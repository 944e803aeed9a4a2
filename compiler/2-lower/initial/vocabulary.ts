/**
 * @file Weights that belong to tokens by number: rows of embeddings, columns of logits. They mean nothing
 * in front of another vocabulary than that of the run that they come from.
 */
import type { FittedFacts } from "@dlc/runtime";
import type { InitUse } from "../../1-load/resolved-spec.js";
import { count } from "../../diagnostics/count.js";
import type { Diagnostics } from "../../diagnostics/report.js";
import type { LoweredModel } from "../lowered-model.js";

export interface Vocabularies {
  /** Has the run of the file other tokens than the text of this weight? */
  differs(weight: string): boolean;
  /** Notes that a module would go to such a weight. */
  refuse(weight: string, module: string): void;
  /** One diagnostic for each text whose tokens differ. False: there was none. */
  report(init: InitUse, diagnostics: Diagnostics): boolean;
}

/** `there`: the facts of the run that the file belongs to; null: nothing tells. */
export function compareVocabularies(
  { tokenWeights }: Pick<LoweredModel, "tokenWeights">,
  here: FittedFacts,
  there: FittedFacts | null,
): Vocabularies {
  const differences = new Map<string, string | null>();
  /** By text: layers and the modules that would go to them. */
  const refused = new Map<string, Map<string, string>>();

  function differenceOf(text: string): string | null {
    const known = differences.get(text);
    if (known !== undefined) return known;
    const now = here[text]?.vocabulary ?? [];
    const all = vocabulariesThere(text, there ?? {}).map((before) => firstDifference(before, now));
    // Of a text of another name it is enough that one of them is the same.
    const found = all.includes(null) ? null : (all[0] ?? null);
    differences.set(text, found);
    return found;
  }

  return {
    differs(weight) {
      const text = tokenWeights.get(weight);
      return text !== undefined && differenceOf(text) !== null;
    },
    refuse(weight, module) {
      const text = tokenWeights.get(weight) ?? "";
      const layers = refused.get(text) ?? new Map<string, string>();
      refused.set(text, layers.set(weight.slice(0, weight.lastIndexOf(".")), module));
    },
    report(init, diagnostics) {
      const modules = [...refused.values()].flatMap((layers) => [...layers.values()]);
      const left = [...new Set(modules)].map((module) => `${JSON.stringify(module)}: null`);
      for (const [text, layers] of refused) {
        diagnostics.report("init-vocabulary", init.span, {
          ...{ file: init.from, text, layers: [...layers.keys()].join(" and ") },
          difference: differenceOf(text) ?? "",
          remedy: `map: { ${left.join(", ")} } with 'missing: keep'`,
        });
      }
      return refused.size > 0;
    },
  };
}

/** Of the text of this name, else of all texts that there were. */
function vocabulariesThere(text: string, facts: FittedFacts): readonly (readonly string[])[] {
  const own = facts[text]?.vocabulary;
  if (own !== undefined) return [own];
  return Object.values(facts).flatMap(({ vocabulary }) => (vocabulary ? [vocabulary] : []));
}

function firstDifference(before: readonly string[], now: readonly string[]): string | null {
  const length = Math.max(before.length, now.length);
  for (let i = 0; i < length; i++) {
    const [was, is] = [before[i], now[i]];
    if (was === is) continue;
    if (was === undefined) return `token ${i + 1}, ${JSON.stringify(is)}, is new`;
    if (is === undefined) {
      return `token ${i + 1} was ${JSON.stringify(was)}, now there are ${count(now.length, "token")} only`;
    }
    return `token ${i + 1} was ${JSON.stringify(was)}, now it is ${JSON.stringify(is)}`;
  }
  return null;
}
