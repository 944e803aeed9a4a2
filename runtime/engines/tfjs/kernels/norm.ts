/** @file Batch normalisation, by the backend's one kernel for an affine map per channel. */
import type { Ops } from "../../../ops.js";
import type { NormOp } from "../../op-families.js";
import type { Backend } from "../backend.js";
import type { Tensor, Value } from "../value.js";
import { columnSums } from "./reduce.js";

/** Tensors with their channels last, and the way back to values. */
interface Channels {
  readonly tensors: readonly Tensor[];
  readonly back: (result: Tensor) => Value;
}

/** [rows, channels] of values of one shape: in their own layout where the channels are last there. */
function channelsLast(b: Backend, values: readonly Value[], axis: number): Channels {
  const { tf } = b;
  const { shape } = values[0] as Value;
  const rank = shape.length;
  if (rank === 4 && axis === 1) {
    return { tensors: values.map((x) => x.last()), back: (last) => b.image(last) };
  }
  if (axis === rank - 1) {
    return { tensors: values.map((x) => x.plain()), back: (plain) => b.plain("f32", plain) };
  }
  const order = shape.map((_, i) => i).filter((i) => i !== axis);
  const perm = [...order, axis];
  const inverse = perm.map((_, i) => perm.indexOf(i));
  return {
    tensors: values.map((x) => tf.transpose(x.plain(), perm)),
    back: (result) => b.plain("f32", tf.transpose(result, inverse)),
  };
}

export function normOps(b: Backend): Pick<Ops<Value>, NormOp> {
  const { tf } = b;

  /** (x − mean) / sqrt(variance + epsilon) · scale + offset, by the last axis. */
  function affine(
    x: Tensor,
    parts: { mean?: Tensor; variance?: Tensor; scale?: Tensor; offset?: Tensor },
    epsilon: number,
  ): Tensor {
    const c = x.shape.at(-1) as number;
    const { mean = b.fill([c], 0), variance = b.fill([c], 1) } = parts;
    const { scale = b.fill([c], 1), offset = b.fill([c], 0) } = parts;
    const image = tf.reshape(x, [1, 1, x.size / c, c]);
    const y = b.kernel(
      "FusedBatchNorm",
      { x: image, mean, variance, scale, offset },
      { varianceEpsilon: epsilon },
    );
    return tf.reshape(y, x.shape);
  }

  const meanOf = (x: Tensor): Tensor =>
    tf.mul(columnSums(b, x), (x.shape.at(-1) as number) / x.size);

  return {
    batchNorm(x, scale, offset, mean, variance, { epsilon, axis }) {
      const { tensors, back } = channelsLast(b, [x], axis);
      const parts = {
        mean: mean.plain(),
        variance: variance.plain(),
        scale: scale.plain(),
        offset: offset.plain(),
      };
      return back(affine(tensors[0] as Tensor, parts, epsilon));
    },

    batchNormTrain(x, scale, offset, { epsilon, axis }) {
      const { tensors, back } = channelsLast(b, [x], axis);
      const image = tensors[0] as Tensor;
      const mean = meanOf(image);
      const variance = meanOf(tf.square(affine(image, { mean }, 0)));
      const parts = { mean, variance, scale: scale.plain(), offset: offset.plain() };
      const y = back(affine(image, parts, epsilon));
      return [y, b.plain("f32", mean), b.plain("f32", variance)];
    },

    // dx = scale/deviation · (dy − mean(dy) − x̂ · mean(dy·x̂)), means per channel (Ioffe & Szegedy 2015, §3)
    batchNormTrainGrad(dyValue, xValue, scale, mean, variance, { epsilon, axis }) {
      const { tensors, back } = channelsLast(b, [dyValue, xValue], axis);
      const [dy, x] = tensors as [Tensor, Tensor];
      const count = x.size / (x.shape.at(-1) as number);
      const normal = affine(x, { mean: mean.plain(), variance: variance.plain() }, epsilon);
      const dOffset = columnSums(b, dy);
      const dScale = columnSums(b, tf.mul(dy, normal));
      const factor = tf.mul(scale.plain(), tf.rsqrt(tf.add(variance.plain(), epsilon)));
      const own = affine(dy, { mean: tf.mul(dOffset, 1 / count), scale: factor }, 0);
      const shared = affine(normal, { scale: tf.mul(tf.mul(factor, dScale), -1 / count) }, 0);
      return [back(tf.add(own, shared)), b.plain("f32", dScale), b.plain("f32", dOffset)];
    },
  };
}
