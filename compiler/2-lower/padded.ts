/** @file What layers read and give besides numbers: padding behind the end of shorter sequences, and ids. */

import type { ElementType } from "@dlc/runtime";
import { shapeOf, typeOf, type Value } from "../ir/types.js";
import type { AnyLayerDef, Ids } from "../layers/define-layer.js";
import { jointMask, zeroed } from "../layers/sequence/steps.js";
import type { Builder } from "../ops/define-op.js";
import { LayerRejection, type Source } from "./blame.js";

/** What a layer's inputs are beside their values; aligned with them. */
export interface Given {
  readonly masks: readonly (Value | null)[];
  readonly ids: readonly (Ids | null)[];
}

export const nothingGiven: Given = { masks: [], ids: [] };

/** Of inputs that have all been lowered. */
export const givenBy = (
  inputs: readonly Source[],
): Given & { readonly values: readonly Value[] } => ({
  values: inputs.flatMap(({ value }) => value ?? []),
  masks: inputs.map(({ mask }) => mask ?? null),
  ids: inputs.map(({ ids }) => ids ?? null),
});

/** The number of the first input with padding, of a layer that takes none; null: all is well. */
export function refusedInput(
  { padding = "refuses" }: AnyLayerDef,
  { masks }: Given,
): number | null {
  const padded = masks.findIndex((mask) => mask !== null);
  return padding === "refuses" && padded >= 0 ? padded : null;
}

/** What a layer says of its output besides its value. */
export interface Said {
  mask: Value | null;
  ids: Ids | null;
}

/** The inputs as a layer reads them: where it mixes steps, padding is zero. */
export function readable(
  b: Builder,
  definition: AnyLayerDef,
  values: readonly Value[],
  { masks }: Given,
): readonly Value[] {
  if (definition.padding !== "zeros") return values;
  return values.map((value, i) => zeroed(b, value, masks[i] ?? null));
}

/** The mask of a layer's output. */
export function maskAfter(
  b: Builder,
  definition: AnyLayerDef,
  output: Value,
  { masks }: Given,
  said: Said,
): Value | null {
  if (definition.padding === "handles") return said.mask;
  if (definition.padding !== "passes") return null;
  const steps = shapeOf(output)[1];
  const read = definition.inputs === "many" ? masks : masks.slice(0, 1);
  const fitting = read.flatMap((mask) =>
    mask !== null && shapeOf(mask)[1] === steps ? [mask] : [],
  );
  return jointMask(b, fitting);
}

/** Layers work on f32 unless they say otherwise: an index is only good for looking things up. */
export function checkTypes(
  definition: AnyLayerDef,
  values: readonly Value[],
  ids: readonly (Ids | null)[],
  names: readonly string[],
): void {
  const accepted: readonly ElementType[] = definition.accepts ?? ["f32"];
  values.forEach((value, i) => {
    if (accepted.includes(typeOf(value).dtype)) return;
    if (!accepted.includes("f32")) {
      throw new LayerRejection(
        `needs ids of classes or tokens, but '${names[i]}' holds numbers`,
        null,
        "Let it read codes, a text, or a category feature with `encode: index`.",
      );
    }
    const isText = ids[i]?.isText === true;
    const what = isText ? "holds the ids of a text's tokens" : "is a category given as an index";
    throw new LayerRejection(
      `needs numbers, but '${names[i]}' ${what}`,
      null,
      isText
        ? "Put an embedding before it: `embedding: 64` gives a vector of 64 numbers for every token."
        : "Put an embedding before it, or set `encode: one_hot` on the feature.",
    );
  });
}
