/** @file Probabilities and losses from logits. */
import type { Ops } from "../../../ops.js";
import type { LossOp } from "../../op-families.js";
import type { Backend } from "../backend.js";
import type { Tensor, Value } from "../value.js";
import { elementwise } from "./elementwise.js";
import { onForm } from "./layout.js";

export function lossOps(b: Backend): Pick<Ops<Value>, LossOp> {
  const { tf } = b;

  function logSoftmax(x: Tensor, axis: number): Tensor {
    const shifted = tf.sub(x, tf.max(x, axis, true));
    return tf.sub(shifted, tf.log(tf.sum(tf.exp(shifted), axis, true)));
  }

  function softmax(x: Tensor, axis: number): Tensor {
    if (axis === x.shape.length - 1) return tf.softmax(x);
    const powers = tf.exp(tf.sub(x, tf.max(x, axis, true)));
    return tf.div(powers, tf.sum(powers, axis, true));
  }

  return {
    softmax: (x, { axis }) => onForm(b, x, (tensor, place) => softmax(tensor, place(axis))),
    logSoftmax: (x, { axis }) => onForm(b, x, (tensor, place) => logSoftmax(tensor, place(axis))),

    softmaxCrossEntropy(logits, targets) {
      const x = logits.plain();
      const axis = x.shape.length - 1;
      const likelihood = tf.sum(tf.mul(logSoftmax(x, axis), targets.plain()), axis);
      return b.plain("f32", tf.neg(likelihood));
    },

    // max(x, 0) − x·t + log(1 + e^−|x|): no term cancels another where x is large.
    sigmoidCrossEntropy: (logits, targets) =>
      elementwise(b, [logits, targets], "f32", (x, t) => {
        const linear = tf.sub(tf.relu(x), tf.mul(x, t));
        return tf.add(linear, tf.log1p(tf.exp(tf.neg(tf.abs(x)))));
      }),
  };
}
