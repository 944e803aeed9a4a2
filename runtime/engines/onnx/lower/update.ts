/** @file Optimiser updates. */
import type { Ops } from "../../../ops.js";
import type { UpdateOp } from "../../op-families.js";
import { type AdamScalars, updateFormulas } from "../../update-formulas.js";
import type { Handle } from "../graph.js";
import type { Primitives } from "../primitives.js";
import { signOf } from "./elementwise.js";

export function updateOps(p: Primitives): Pick<Ops<Handle>, UpdateOp> {
  const formulas = updateFormulas<Handle>({
    ...p,
    sqrt: (x) => p.unary("Sqrt", x),
    sign: (x) => signOf(p, x),
  });

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
  ): AdamScalars<Handle> {
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
    applySgd: formulas.sgd,
    applyMomentum: formulas.momentum,
    // Equal nodes are made once, so the scalars are computed once per step, not once per tensor.
    applyAdam: (weight, m, v, gradient, rate, step, options) =>
      formulas.adam(weight, m, v, gradient, rate, adamScalars(rate, step, options), options),
    applyRmsprop: formulas.rmsprop,
    applyAdagrad: formulas.adagrad,
    applyLion: formulas.lion,
  };
}
