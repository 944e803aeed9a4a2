/** @file Optimiser updates. */
import type { Ops } from "../../../ops.js";
import type { Handle } from "../graph.js";
import type { Primitives } from "../primitives.js";

type Kinds =
  | "applySgd"
  | "applyMomentum"
  | "applyAdam"
  | "applyRmsprop"
  | "applyAdagrad"
  | "applyLion";

export function updateOps(p: Primitives): Pick<Ops<Handle>, Kinds> {
  /** factor·old + (1 − factor)·value */
  const decayed = (old: Handle, value: Handle, factor: number): Handle =>
    p.add(p.scale(old, factor), p.scale(value, 1 - factor));

  /** sqrt(1 − beta^step), or without the root, in double: 1 − 0.999 has few digits in float32. */
  function correction(beta: number, step: Handle): Handle {
    const power = p.binary("Pow", p.scalar(beta, "f64"), p.cast(step, "f64"));
    return p.sub(p.scalar(1, "f64"), power);
  }

  return {
    applySgd: (weight, gradient, rate) => p.sub(weight, p.mul(gradient, rate)),

    applyMomentum(weight, velocity, gradient, rate, { momentum, nesterov }) {
      const moved = p.add(p.scale(velocity, momentum), gradient);
      const direction = nesterov ? p.add(gradient, p.scale(moved, momentum)) : moved;
      return [p.sub(weight, p.mul(direction, rate)), moved];
    },

    /**
     * The form of Kingma & Ba, section 2: with s = sqrt(1 − β2^t), the step is
     * lr·s/(1 − β1^t) · m / (sqrt(v) + ε·s). Equal nodes are made once, so the scalars are
     * computed once per step, not once per tensor.
     */
    applyAdam(weight, m, v, gradient, rate, step, options) {
      const { beta1, beta2, epsilon, weightDecay } = options;
      const root = p.unary("Sqrt", correction(beta2, step));
      const size = p.cast(p.div(p.mul(p.cast(rate, "f64"), root), correction(beta1, step)), "f32");
      const floor = p.cast(p.mul(root, p.scalar(epsilon, "f64")), "f32");
      const nextM = decayed(m, gradient, beta1);
      const nextV = decayed(v, p.mul(gradient, gradient), beta2);
      const move = p.mul(p.div(nextM, p.add(p.unary("Sqrt", nextV), floor)), size);
      const kept =
        weightDecay === 0 ? weight : p.mul(weight, p.sub(p.scalar(1), p.scale(rate, weightDecay)));
      return [p.sub(kept, move), nextM, nextV];
    },

    applyRmsprop(weight, squares, velocity, gradient, rate, { rho, momentum, epsilon }) {
      const nextSquares = decayed(squares, p.mul(gradient, gradient), rho);
      const root = p.add(p.unary("Sqrt", nextSquares), p.scalar(epsilon));
      const moved = p.add(p.scale(velocity, momentum), p.div(gradient, root));
      return [p.sub(weight, p.mul(moved, rate)), nextSquares, moved];
    },

    applyAdagrad(weight, squares, gradient, rate, { epsilon }) {
      const nextSquares = p.add(squares, p.mul(gradient, gradient));
      const root = p.add(p.unary("Sqrt", nextSquares), p.scalar(epsilon));
      return [p.sub(weight, p.mul(p.div(gradient, root), rate)), nextSquares];
    },

    applyLion(weight, m, gradient, rate, { beta1, beta2, weightDecay }) {
      const sign = p.unary("Sign", decayed(m, gradient, beta1));
      const direction = weightDecay === 0 ? sign : p.add(sign, p.scale(weight, weightDecay));
      return [p.sub(weight, p.mul(direction, rate)), decayed(m, gradient, beta2)];
    },
  };
}
