/** @file Optimiser updates. */
import type { Ops } from "../../../ops.js";
import type { UpdateOp } from "../../op-families.js";
import { type AdamScalars, updateFormulas } from "../../update-formulas.js";
import type { Backend } from "../backend.js";
import type { Tensor, Value } from "../value.js";

export function updateOps(b: Backend): Pick<Ops<Value>, UpdateOp> {
  const { tf } = b;
  const formulas = updateFormulas<Tensor>({
    add: (x, y) => tf.add(x, y),
    sub: (x, y) => tf.sub(x, y),
    mul: (x, y) => tf.mul(x, y),
    div: (x, y) => tf.div(x, y),
    scale: (x, factor) => tf.mul(x, factor),
    scalar: (number) => tf.scalar(number),
    sqrt: (x) => tf.sqrt(x),
    sign: (x) => tf.sign(x),
  });
  const values = <R extends readonly Tensor[]>(tensors: R) =>
    tensors.map((tensor) => b.plain("f32", tensor)) as unknown as {
      readonly [I in keyof R]: Value;
    };

  /**
   * 1 − beta^step, in double on the host, which feeds the step: 1 − 0.999 has few digits in float32. For
   * a step that was computed, −expm1(step · log beta).
   */
  function correction(beta: number, step: Value): Tensor {
    return step.hostNumber === null
      ? tf.neg(tf.expm1(tf.mul(step.plain(), Math.log(beta))))
      : tf.scalar(1 - beta ** step.hostNumber);
  }

  /** With s = sqrt(1 − β2^t): see update-formulas.ts. */
  function adamScalars(
    rate: Tensor,
    step: Value,
    { beta1, beta2, epsilon }: { beta1: number; beta2: number; epsilon: number },
  ): AdamScalars<Tensor> {
    const root = tf.sqrt(correction(beta2, step));
    const size = tf.div(tf.mul(rate, root), correction(beta1, step));
    return { size, floor: tf.mul(root, epsilon) };
  }

  return {
    applySgd: (p, g, lr) => b.plain("f32", formulas.sgd(p.plain(), g.plain(), lr.plain())),
    applyMomentum: (p, v, g, lr, options) =>
      values(formulas.momentum(p.plain(), v.plain(), g.plain(), lr.plain(), options)),
    applyAdam(p, m, v, g, lr, step, options) {
      const rate = lr.plain();
      const scalars = adamScalars(rate, step, options);
      return values(
        formulas.adam(p.plain(), m.plain(), v.plain(), g.plain(), rate, scalars, options),
      );
    },
    applyRmsprop: (p, s, v, g, lr, options) =>
      values(formulas.rmsprop(p.plain(), s.plain(), v.plain(), g.plain(), lr.plain(), options)),
    applyAdagrad: (p, a, g, lr, options) =>
      values(formulas.adagrad(p.plain(), a.plain(), g.plain(), lr.plain(), options)),
    applyLion: (p, m, g, lr, options) =>
      values(formulas.lion(p.plain(), m.plain(), g.plain(), lr.plain(), options)),
  };
}
