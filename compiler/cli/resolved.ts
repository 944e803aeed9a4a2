/** @file The values of a resolved spec with their origins, as `dlc inspect --resolved` shows them. */
import { type LayerUse, ownerOf, withCells } from "../1-load/resolved-spec.js";
import type { CompiledModel } from "../compiled-model.js";
import type { AnyLayerDef } from "../layers/define-layer.js";
import { layers as registry } from "../layers/index.js";

export type Origins = CompiledModel["spec"]["origins"];

/** Settings that were left out and follow from others have the value that is used. */
export function resolvedOrigins({ spec, state }: CompiledModel): Origins {
  const implied = new Map<string, unknown>();
  for (const layer of withCells(spec.layers)) {
    for (const [field, value] of Object.entries(impliedBy(layer, state))) {
      implied.set(`model.layers.${layer.name}.${field}`, value);
    }
  }
  return spec.origins.map((origin) =>
    origin.value === null && implied.has(origin.path)
      ? { ...origin, value: implied.get(origin.path) }
      : origin,
  );
}

function impliedBy(
  layer: LayerUse,
  state: CompiledModel["state"],
): Readonly<Record<string, unknown>> {
  const definition: AnyLayerDef | undefined = registry.get(layer.type);
  const shapeOf = (tensor: string): readonly number[] | null =>
    state[`${ownerOf(layer)}.${tensor}`]?.shape ?? null;
  return definition?.implied?.(layer.fields, shapeOf) ?? {};
}
