/** @file Gradient clipping. */
import type { TrainUse } from "../1-load/resolved-spec.js";
import { shapeOf, type Value } from "../ir/types.js";
import { scalar } from "../layers/shared.js";
import type { Builder } from "../ops/define-op.js";

/** Keeps the division finite when all gradients are zero; as in PyTorch's clip_grad_norm_. */
const normEpsilon = 1e-6;

/**
 * Clips first every element to ±clipValue, then all gradients together to a Euclidean norm of clipNorm
 * (Pascanu, Mikolov & Bengio 2013): g · min(1, clipNorm / (norm + 1e-6)).
 */
export function clip(
  b: Builder,
  gradients: readonly Value[],
  { clipNorm, clipValue }: Pick<TrainUse, "clipNorm" | "clipValue">,
): readonly Value[] {
  const bounded =
    clipValue === null
      ? gradients
      : gradients.map((g) => b.maximum(b.minimum(g, scalar(b, clipValue)), scalar(b, -clipValue)));
  if (clipNorm === null) return bounded;
  const squares = bounded.map((g) => {
    const axes = shapeOf(g).map((_, axis) => axis);
    return b.sum(b.square(g), { axes, keepDims: false });
  });
  const norm = b.sqrt(squares.reduce((sum, square) => b.add(sum, square)));
  const ratio = b.div(scalar(b, clipNorm), b.add(norm, scalar(b, normEpsilon)));
  const factor = b.minimum(ratio, scalar(b, 1));
  return bounded.map((g) => b.mul(g, factor));
}
