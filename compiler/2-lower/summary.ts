/** @file One row per layer for `dlc inspect`. */
import { type StateSpec, sizeOf } from "@dlc/runtime";
import type { LayerUse } from "../1-load/resolved-spec.js";
import { bug } from "../diagnostics/diagnostic.js";
import { reachable } from "../ir/traverse.js";
import { shapeOf } from "../ir/types.js";
import { flopsOf } from "./flops.js";
import type { LayerSummary } from "./lowered-model.js";
import type { Walk } from "./walk.js";

/** Summaries in the order of the spec, from a walk in inference mode without failures. */
export function summarise(layers: readonly LayerUse[], walk: Walk): readonly LayerSummary[] {
  const values = layers.map(
    (layer) => walk.sources.get(layer.name)?.value ?? bug(`'${layer.name}' was not lowered`),
  );
  const flops = new Map<string, number>();
  for (const node of reachable(values)) {
    const { layer } = node.origin;
    flops.set(layer, (flops.get(layer) ?? 0) + flopsOf(node));
  }
  const elements = new Map<string, number>();
  for (const { layer, role, shape } of Object.values<StateSpec>(walk.state)) {
    const key = `${role} ${layer}`;
    elements.set(key, (elements.get(key) ?? 0) + sizeOf(shape));
  }
  return layers.map(({ name, type, span }, i) => ({
    name,
    type,
    inputs: walk.sources.get(name)?.from ?? [],
    output: shapeOf(values[i] ?? bug("one value per layer")),
    weights: elements.get(`weight ${name}`) ?? 0,
    buffers: elements.get(`buffer ${name}`) ?? 0,
    flops: flops.get(name) ?? 0,
    span,
  }));
}
