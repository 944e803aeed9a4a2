/** @file Optimiser updates. */
import type { Ops } from "../../../ops.js";
import type { UpdateOp } from "../../op-families.js";
import type { Backend } from "../backend.js";
import type { Tensor, Value } from "../value.js";

export function updateOps(b: Backend): Pick<Ops<Value>, UpdateOp> {
  const { tf } = b;
  const value = (tensor: Tensor): Value => b.plain("f32", tensor);
  /** factor·old + (1 − factor)·next */
  const decayed = (old: Tensor, next: Tensor, factor: number): Tensor =>
    tf.add(tf.mul(old, factor), tf.mul(next, 1 - factor));

  /**
   * 1 − beta^step, in double on the host, which feeds the step: 1 − 0.999 has few digits in float32. For
   * a step that was computed, −expm1(step · log beta).
   */
  function correction(beta: number, step: Value): Tensor {
    return step.hostNumber === null
      ? tf.neg(tf.expm1(tf.mul(step.plain(), Math.log(beta))))
      : tf.scalar(1 - beta ** step.hostNumber);
  }

  return {
    applySgd: (p, g, lr) => value(tf.sub(p.plain(), tf.mul(g.plain(), lr.plain()))),

    applyMomentum(p, v, g, lr, { momentum, nesterov }) {
      const gradient = g.plain();
      const moved = tf.add(tf.mul(v.plain(), momentum), gradient);
      const direction = nesterov ? tf.add(gradient, tf.mul(moved, momentum)) : moved;
      return [value(tf.sub(p.plain(), tf.mul(direction, lr.plain()))), value(moved)];
    },

    /** With s = sqrt(1 − β2^t), the step is lr·s/(1 − β1^t) · m / (sqrt(v) + ε·s): Kingma & Ba, section 2. */
    applyAdam(p, m, v, g, lr, step, { beta1, beta2, epsilon, weightDecay }) {
      const [weight, gradient, rate] = [p.plain(), g.plain(), lr.plain()];
      const root = tf.sqrt(correction(beta2, step));
      const size = tf.div(tf.mul(rate, root), correction(beta1, step));
      const nextM = decayed(m.plain(), gradient, beta1);
      const nextV = decayed(v.plain(), tf.mul(gradient, gradient), beta2);
      const deviation = tf.add(tf.sqrt(nextV), tf.mul(root, epsilon));
      const kept =
        weightDecay === 0 ? weight : tf.mul(weight, tf.sub(1, tf.mul(rate, weightDecay)));
      const next = tf.sub(kept, tf.mul(tf.div(nextM, deviation), size));
      return [value(next), value(nextM), value(nextV)];
    },

    applyRmsprop(p, s, v, g, lr, { rho, momentum, epsilon }) {
      const gradient = g.plain();
      const squares = decayed(s.plain(), tf.mul(gradient, gradient), rho);
      const share = tf.div(gradient, tf.add(tf.sqrt(squares), epsilon));
      const moved = tf.add(tf.mul(v.plain(), momentum), share);
      const next = tf.sub(p.plain(), tf.mul(moved, lr.plain()));
      return [value(next), value(squares), value(moved)];
    },

    applyAdagrad(p, a, g, lr, { epsilon }) {
      const gradient = g.plain();
      const squares = tf.add(a.plain(), tf.mul(gradient, gradient));
      const share = tf.div(gradient, tf.add(tf.sqrt(squares), epsilon));
      return [value(tf.sub(p.plain(), tf.mul(share, lr.plain()))), value(squares)];
    },

    applyLion(p, m, g, lr, { beta1, beta2, weightDecay }) {
      const [weight, moment, gradient] = [p.plain(), m.plain(), g.plain()];
      const sign = tf.sign(decayed(moment, gradient, beta1));
      const direction = weightDecay === 0 ? sign : tf.add(sign, tf.mul(weight, weightDecay));
      const next = tf.sub(weight, tf.mul(direction, lr.plain()));
      return [value(next), value(decayed(moment, gradient, beta2))];
    },
  };
}
