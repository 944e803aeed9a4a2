/** @file Optimiser updates. */
import type { Ops } from "../../../ops.js";
import type { UpdateOp } from "../../op-families.js";
import type { Handle } from "../graph.js";
import type { Primitives } from "../primitives.js";
import { signOf } from "./elementwise.js";

export function updateOps(p: Primitives): Pick<Ops<Handle>, UpdateOp> {
  /** factor·old + (1 − factor)·value */
  const decayed = (old: Handle, value: Handle, factor: number): Handle =>
    p.add(p.scale(old, factor), p.scale(value, 1 - factor));

  /** 1 − beta^step in double: 1 − 0.999 has few digits in float32. */
  function correction(beta: number, step: Handle): Handle {
    const power = p.binary("Pow", p.scalar(beta, "f64"), p.cast(step, "f64"));
    return p.sub(p.scalar(1, "f64"), power);
  }

  /**
   * 1 − beta^step for both betas in float32, as 1 − e^−y with y = −step·ln beta: by its series where y is
   * small and the difference would have few digits (the fifth remainder is y⁵/720 of the value).
   */
  function corrections(betas: readonly [number, number], step: Handle): readonly Handle[] {
    const rates = betas.map((beta) => -Math.log(beta));
    const y = p.mul(step, p.constant("f32", [2], rates));
    const direct = p.sub(p.scalar(1), p.unary("Exp", p.unary("Neg", y)));
    const rest = [5, 4, 3, 2].reduce<Handle>(
      (inner, k) => p.sub(p.scalar(1), p.mul(p.scale(y, 1 / k), inner)),
      p.scalar(1),
    );
    const small = p.binary("Less", y, p.scalar(0.1), "bool");
    return p
      .split(p.where(small, p.mul(y, rest), direct), 0, [1, 1])
      .map((part) => p.reshape(part, []));
  }

  /** Adam's step size and floor with their bias corrections, in f32. */
  function adamScalars(
    rate: Handle,
    step: Handle,
    { beta1, beta2, epsilon }: { beta1: number; beta2: number; epsilon: number },
  ): { readonly size: Handle; readonly floor: Handle } {
    if (!p.target.has.float64) {
      const [first, second] = corrections([beta1, beta2], step) as [Handle, Handle];
      const root = p.unary("Sqrt", second);
      return { size: p.div(p.mul(rate, root), first), floor: p.scale(root, epsilon) };
    }
    const root = p.unary("Sqrt", correction(beta2, step));
    return {
      size: p.cast(p.div(p.mul(p.cast(rate, "f64"), root), correction(beta1, step)), "f32"),
      floor: p.cast(p.mul(root, p.scalar(epsilon, "f64")), "f32"),
    };
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
      const { beta1, beta2, weightDecay } = options;
      const { size, floor } = adamScalars(rate, step, options);
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
      const sign = signOf(p, decayed(m, gradient, beta1));
      const direction = weightDecay === 0 ? sign : p.add(sign, p.scale(weight, weightDecay));
      return [p.sub(weight, p.mul(direction, rate)), decayed(m, gradient, beta2)];
    },
  };
}
