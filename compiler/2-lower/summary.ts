/** @file One row per layer for `dlc inspect`. */
import { type StateSpec, sizeOf } from "@dlc/runtime";
import { type LayerUse, layerOf, ownerOf, withCells } from "../1-load/resolved-spec.js";
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
  /** Shared weights count once, at the first use. */
  const take = (key: string): number => {
    const count = elements.get(key) ?? 0;
    elements.delete(key);
    return count;
  };
  /** With those of a recurrent layer's cell. */
  const total = (role: string, layer: LayerUse): number =>
    withCells([layer]).reduce((sum, inner) => sum + take(`${role} ${ownerOf(inner)}`), 0);
  return layers.map((layer, i) => ({
    name: layer.name,
    type: layer.type,
    inputs: (walk.sources.get(layer.name)?.from ?? []).map(layerOf),
    output: shapeOf(values[i] ?? bug("one value per layer")),
    weights: total("weight", layer),
    buffers: total("buffer", layer),
    flops: flops.get(layer.name) ?? 0,
    span: layer.span,
  }));
}
