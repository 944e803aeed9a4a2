/** @file Reads `freeze` and `learning_rates`: what of the model learns, and how fast. */
import type { Span } from "../../ir/origin.js";
import type { FieldNodes } from "../check/check-shape.js";
import type { LoadContext } from "../context.js";
import type { PhaseUse, TrainUse } from "../resolved-spec.js";
import type { YamlNode } from "../yaml/tree.js";
import { meansLayer, placesOf, readPatterns } from "./layer-patterns.js";

interface TuningValues {
  readonly freeze: readonly string[];
  readonly learning_rates: Readonly<Record<string, number>>;
}

/** Null where something is wrong. `owners`: the names of all layers, as their weights have them. */
export function readTuning(
  values: TuningValues,
  nodes: FieldNodes,
  owners: readonly string[],
  phases: readonly PhaseUse[],
  context: LoadContext,
): Pick<TrainUse, "freeze" | "rates"> | null {
  const freezeNode = nodes.get("freeze");
  const freeze = readPatterns(values.freeze, placesOf(freezeNode), "freeze", owners, context);
  const ratesNode = nodes.get("learning_rates");
  const entries = ratesNode?.kind === "map" ? [...ratesNode.entries.values()] : [];
  const names = entries.map(({ key }) => key).filter((key) => key in values.learning_rates);
  const keys = entries.map(({ keySpan }) => ({ node: undefined, span: keySpan }));
  const patterns = readPatterns(names, keys, "learning_rates", owners, context);
  const rates = patterns.map((one) => ({
    ...one,
    factor: values.learning_rates[one.pattern] ?? 1,
  }));
  let sound = freeze.length === values.freeze.length && rates.length === names.length;
  for (const { key, value } of entries) {
    if (values.learning_rates[key] !== 0) continue;
    context.diagnostics.report("zero-learning-rate", value.span, { name: key });
    sound = false;
  }
  const frozen = (owner: string): boolean =>
    freeze.some(({ pattern }) => meansLayer(pattern, owner));
  if (context.modelKnown) {
    sound = checkPhases(phases, nodes.get("phases"), owners, frozen, context) && sound;
  }
  if (!sound) return null;
  return {
    ...(freeze.length === 0 ? {} : { freeze }),
    ...(rates.length === 0 ? {} : { rates }),
  };
}

/** A phase must not update what is frozen as a whole. */
function checkPhases(
  phases: readonly PhaseUse[],
  node: YamlNode | undefined,
  owners: readonly string[],
  frozen: (owner: string) => boolean,
  context: LoadContext,
): boolean {
  const items = node?.kind === "list" ? node.items : [];
  const before = context.diagnostics.all.length;
  phases.forEach(({ update, span }, i) => {
    const item = items[i];
    const written = item?.kind === "map" ? item.entries.get("update")?.value : undefined;
    const places: readonly { readonly span: Span }[] = placesOf(written);
    update.forEach((name, k) => {
      const own = owners.filter((owner) => meansLayer(name, owner));
      if (own.length === 0 || !own.every(frozen)) return;
      context.diagnostics.report("frozen-and-updated", places[k]?.span ?? span, { name });
    });
  });
  return context.diagnostics.all.length === before;
}
