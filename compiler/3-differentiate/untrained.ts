/** @file Warns of weights that the loss does not depend on. */
import type { LoweredModel, WeightInfo } from "../2-lower/lowered-model.js";
import type { Diagnostics } from "../diagnostics/report.js";
import { nodesOf } from "../ir/traverse.js";
import type { Graph } from "../ir/types.js";

const layerOf = (weight: WeightInfo): string => weight.value.node.origin.layer;

/**
 * One warning per way that ends before the loss, at the last layer with weights on it. A layer that
 * nothing reads is not repeated here: loading has reported it, and the way that leads to it.
 */
export function reportUntrained(
  { layers }: LoweredModel,
  training: Graph,
  untrained: readonly WeightInfo[],
  diagnostics: Diagnostics,
): void {
  const used = new Set(nodesOf(training));
  const last = layers.at(-1)?.name;
  const leadsToLast = new Set(last === undefined ? [] : [last]);
  const names = new Set(untrained.map(layerOf));
  /** Layers with an untrained layer after them. */
  const before = new Set<string>();
  for (const { name, inputs } of layers.toReversed()) {
    for (const input of inputs) {
      if (leadsToLast.has(name)) leadsToLast.add(input);
      if (names.has(name) || before.has(name)) before.add(input);
    }
  }
  for (const layer of names) {
    const weights = untrained.filter((weight) => layerOf(weight) === layer);
    const [first] = weights;
    if (first === undefined || before.has(layer)) continue;
    if (!used.has(first.value.node) && !leadsToLast.has(layer)) continue;
    diagnostics.report("weight-without-gradient", first.value.node.origin.span, {
      layer,
      weights: weights.map(({ name }) => name.slice(name.lastIndexOf(".") + 1)).join(" and "),
    });
  }
}
