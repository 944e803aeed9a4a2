/** @file Losses that compare with no target: they read layers. All give one number per example, `[n]`. */
import type { LossKind, LossUse } from "../1-load/resolved-spec.js";
import { backward } from "../3-differentiate/backward.js";
import type { GraphBuilder } from "../ir/builder.js";
import { formatShape, sameShape } from "../ir/shape.js";
import { shapeOf, type Value } from "../ir/types.js";
import { scalar } from "../layers/shared.js";

/** Thrown where the layers do not suit the loss; reported at the loss. */
export class LossRejection extends Error {
  override readonly name = "LossRejection";
}

export type FreeLossKind = Extract<LossKind, "normal_kl_divergence" | "gradient_penalty">;

/** `read`: the values it reads, by the names of its fields. */
export type FreeLoss = (b: GraphBuilder, read: (field: string) => Value, use: LossUse) => Value;

const afterBatch = (x: Value): number[] =>
  shapeOf(x).flatMap((_, axis) => (axis === 0 ? [] : axis));

/**
 * KL(N(mean, exp(log_variance)) ‖ N(0, 1)) = ½·Σ (mean² + variance − 1 − log variance), over the
 * dimensions of one example (Kingma & Welling 2014, appendix B).
 */
const normalKl: FreeLoss = (b, read, { reduce }) => {
  const [mean, logVariance] = [read("mean"), read("log_variance")];
  if (!sameShape(shapeOf(mean), shapeOf(logVariance))) {
    throw new LossRejection(
      `kl_divergence needs a mean and a log_variance of equal shape, not ${formatShape(shapeOf(mean))} and ${formatShape(shapeOf(logVariance))}`,
    );
  }
  const spread = b.sub(b.sub(b.exp(logVariance), scalar(b, 1)), logVariance);
  const terms = b.mul(b.add(b.square(mean), spread), scalar(b, 0.5));
  const axes = afterBatch(terms);
  return axes.length === 0 ? terms : b[reduce](terms, { axes, keepDims: false });
};

/** Below the square of any norm that matters: keeps the root's gradient finite at 0. */
const tiny = 1e-12;

/**
 * (‖∂ output / ∂ input‖ − center)² of each example (Gulrajani et al. 2017; center 0: Mescheder et
 * al. 2018 up to the square root). The sum over the batch gives all gradients at once, because an
 * example's output depends on its own input only. The gradient is part of the forward pass here:
 * training differentiates it again.
 */
const gradientPenalty: FreeLoss = (b, read, { center = 1, reads }) => {
  const [output, input] = [read("output"), read("input")];
  const { origin } = b;
  const axes = shapeOf(output).map((_, axis) => axis);
  const [gradient] = backward(b, b.sum(output, { axes, keepDims: false }), [input]);
  b.origin = origin;
  if (!gradient) {
    throw new LossRejection(
      `the output does not depend on '${reads?.input}', so it has no gradient towards it`,
    );
  }
  const within = { axes: afterBatch(gradient), keepDims: false };
  const norm = b.sqrt(b.add(b.sum(b.square(gradient), within), scalar(b, tiny)));
  return b.square(b.sub(norm, scalar(b, center)));
};

export const freeLosses: Readonly<Record<FreeLossKind, FreeLoss>> = {
  normal_kl_divergence: normalKl,
  gradient_penalty: gradientPenalty,
};

export const isFree = (kind: LossKind): kind is FreeLossKind => Object.hasOwn(freeLosses, kind);
