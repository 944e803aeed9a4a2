/** @file Warns of batch normalisation over single values, which leaves nothing of its input. */
import type { LayerUse, TrainUse } from "../1-load/resolved-spec.js";
import type { Diagnostics } from "../diagnostics/report.js";
import { concreteShape } from "../ir/shape.js";
import { shapeOf } from "../ir/types.js";
import { placeOf, titleOf } from "./blame.js";
import type { Walk } from "./walk.js";

/** `walked`: in training mode, without failures. */
export function warnOfSingleValues(
  layers: readonly LayerUse[],
  walked: Walk,
  train: TrainUse,
  diagnostics: Diagnostics,
): void {
  const { batch } = train.settings;
  for (const layer of layers) {
    const value = layer.type === "batch_norm" ? walked.sources.get(layer.name)?.value : null;
    if (!value) continue;
    const perChannel = concreteShape(shapeOf(value), batch)
      .slice(0, -1)
      .reduce((product, size) => product * size, 1);
    if (perChannel > 1) continue;
    diagnostics.report("batch-of-one", placeOf(layer, null), { layer: titleOf(layer) });
  }
}
