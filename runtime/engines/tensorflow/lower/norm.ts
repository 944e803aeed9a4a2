/** @file Batch normalisation (Ioffe & Szegedy 2015), by the fused kernels where the channels can be put last. */
import type { NormOptions, Ops } from "../../../ops.js";
import { sizeOf } from "../../../tensor.js";
import { dim } from "../../geometry.js";
import type { NormOp } from "../../op-families.js";
import type { Handle } from "../graph.js";
import { channelsLast, type Primitives } from "../primitives.js";

/** What the gradient's kernel wants of the forward one, by the tensors of the statistics. */
type Reserves = readonly [mean: Handle, variance: Handle, workspace: Handle];

export function normOps(p: Primitives): Pick<Ops<Handle>, NormOp> {
  const reserves = new Map<string, Reserves>();

  const along = (vector: Handle, axis: number, rank: number): Handle =>
    p.reshape(vector, [dim(vector.shape, 0), ...new Array<number>(rank - 1 - axis).fill(1)]);
  const otherAxes = (x: Handle, axis: number): number[] =>
    x.shape.map((_, i) => i).filter((i) => i !== axis);
  const inverseDeviation = (variance: Handle, epsilon: number): Handle =>
    p.unary("Rsqrt", p.add(variance, p.scalar(epsilon)));

  /** Are the channels last, or can they be? */
  const isFused = (x: Handle, axis: number): boolean =>
    axis === x.shape.length - 1 || (axis === 1 && x.shape.length === 4);
  /** As the `[n, h, w, channels]` of the kernels. */
  function fused(x: Handle, axis: number): Handle {
    if (x.shape.length === 4 && axis === 1) return p.as(x, channelsLast);
    if (x.shape.length === 4) return x;
    const channels = dim(x.shape, axis);
    return p.reshape(x, [sizeOf(x.shape) / channels, 1, 1, channels]);
  }
  function unfused(y: Handle, like: Handle, axis: number): Handle {
    return like.shape.length === 4 && axis === 1
      ? p.from(y, channelsLast)
      : p.reshape(y, like.shape);
  }
  const attributes = (epsilon: number, training: boolean) =>
    ({
      T: { type: "f32" },
      U: { type: "f32" },
      epsilon: { float: epsilon },
      data_format: { string: "NHWC" },
      is_training: { bool: training },
    }) as const;

  function normalise(
    x: Handle,
    [scale, offset, mean, variance]: readonly [Handle, Handle, Handle, Handle],
    { epsilon, axis }: NormOptions,
  ): Handle {
    const rank = x.shape.length;
    const factor = p.mul(scale, inverseDeviation(variance, epsilon));
    const centred = p.sub(x, along(mean, axis, rank));
    return p.add(p.mul(centred, along(factor, axis, rank)), along(offset, axis, rank));
  }

  return {
    batchNorm: (x, scale, offset, mean, variance, options) =>
      normalise(x, [scale, offset, mean, variance], options),

    batchNormTrain(x, scale, offset, options) {
      const { epsilon, axis } = options;
      const channels = dim(x.shape, axis);
      if (!isFused(x, axis)) {
        const over = otherAxes(x, axis);
        const mean = p.reduce("Mean", x, over, false);
        const centred = p.sub(x, along(mean, axis, x.shape.length));
        const variance = p.reduce("Mean", p.mul(centred, centred), over, false);
        return [normalise(x, [scale, offset, mean, variance], options), mean, variance];
      }
      const image = fused(x, axis);
      const vector = { dtype: "f32", shape: [channels] } as const;
      // The running statistics that the kernel could update: none.
      const none = p.constant("f32", [0], []);
      const [y, mean, corrected, ...reserved] = p.graph.node(
        "FusedBatchNormV3",
        [image, scale, offset, none, none],
        { ...attributes(epsilon, true), exponential_avg_factor: { float: 1 } },
        [{ dtype: "f32", shape: image.shape }, vector, vector, vector, vector, vector],
      ) as readonly Handle[] as [Handle, Handle, Handle, Handle, Handle, Handle];
      // The kernel's variance divides by one less than there are elements (Bessel's correction).
      const count = sizeOf(x.shape) / channels;
      const variance = p.scale(corrected, count > 1 ? (count - 1) / count : 1);
      reserves.set(`${mean.ref} ${variance.ref}`, reserved);
      return [unfused(y, x, axis), mean, variance];
    },

    batchNormTrainGrad(dy, x, scale, mean, variance, { epsilon, axis }) {
      const kept = reserves.get(`${mean.ref} ${variance.ref}`);
      if (kept !== undefined && isFused(x, axis)) {
        const image = fused(x, axis);
        const vector = { dtype: "f32", shape: [dim(x.shape, axis)] } as const;
        const [dx, dScale, dOffset] = p.graph.node(
          "FusedBatchNormGradV3",
          [fused(dy, axis), image, scale, ...kept],
          attributes(epsilon, true),
          [{ dtype: "f32", shape: image.shape }, vector, vector],
        ) as [Handle, Handle, Handle];
        return [unfused(dx, x, axis), dScale, dOffset];
      }
      // dx = scale/σ · (dy − mean(dy) − x̂ · mean(dy · x̂))
      const rank = x.shape.length;
      const over = otherAxes(x, axis);
      const deviation = inverseDeviation(variance, epsilon);
      const centred = p.sub(x, along(mean, axis, rank));
      const normalised = p.mul(centred, along(deviation, axis, rank));
      const dOffset = p.reduce("Sum", dy, over, false);
      const dScale = p.reduce("Sum", p.mul(dy, normalised), over, false);
      const share = dim(x.shape, axis) / sizeOf(x.shape);
      const rest = p.add(
        along(p.scale(dOffset, share), axis, rank),
        p.mul(normalised, along(p.scale(dScale, share), axis, rank)),
      );
      const dx = p.mul(p.sub(dy, rest), along(p.mul(scale, deviation), axis, rank));
      return [dx, dScale, dOffset];
    },
  };
}
