/** @file l1 and l2 penalties on kernels, added to the loss that is trained on. */
import type { TrainUse } from "../1-load/resolved-spec.js";
import type { GraphBuilder } from "../ir/builder.js";
import { shapeOf, type Value } from "../ir/types.js";
import { scalar } from "../layers/shared.js";
import type { WalkedWeight } from "./walk.js";

/** loss + Σ over weights of l1·Σ|w| + l2·Σw²; a layer's own factors add to the train-wide ones. */
export function withPenalties(
  b: GraphBuilder,
  loss: Value,
  weights: readonly WalkedWeight[],
  train: TrainUse,
): Value {
  let total = loss;
  for (const { value, decay, layer, ...own } of weights) {
    const l1 = own.l1 + (decay ? train.l1 : 0);
    const l2 = own.l2 + (decay ? train.l2 : 0);
    const all = { axes: shapeOf(value).map((_, axis) => axis), keepDims: false };
    b.origin = { layer: layer.name, type: "penalty", span: layer.span, phase: "forward" };
    if (l1 > 0) total = b.add(total, b.mul(b.sum(b.abs(value), all), scalar(b, l1)));
    if (l2 > 0) total = b.add(total, b.mul(b.sum(b.square(value), all), scalar(b, l2)));
  }
  return total;
}
