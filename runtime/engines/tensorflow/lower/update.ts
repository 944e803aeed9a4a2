/**
 * @file Optimiser updates: by TensorFlow's own kernels where their formula is the contract's, in place;
 * otherwise written out.
 */
import type { Ops } from "../../../ops.js";
import type { UpdateOp } from "../../op-families.js";
import { updateFormulas } from "../../update-formulas.js";
import type { Handle } from "../graph.js";
import type { Primitives } from "../primitives.js";
import type { Variables } from "../variables.js";

export function updateOps(p: Primitives, variables: Variables): Pick<Ops<Handle>, UpdateOp> {
  const formulas = updateFormulas<Handle>({
    ...p,
    sqrt: (x) => p.unary("Sqrt", x),
    sign: (x) => p.unary("Sign", x),
  });

  /** 1 − beta^step = −expm1(step·ln beta): 1 − 0.999 has few digits left in f32. */
  const correction = (beta: number, step: Handle): Handle =>
    p.unary("Neg", p.unary("Expm1", p.scale(step, Math.log(beta))));

  return {
    applySgd: (weight, gradient, rate) =>
      variables.update("ResourceApplyGradientDescent", [weight], [rate, gradient])?.[0] ??
      formulas.sgd(weight, gradient, rate),

    applyMomentum(weight, velocity, gradient, rate, options) {
      const { momentum, nesterov } = options;
      const native = variables.update(
        "ResourceApplyMomentum",
        [weight, velocity],
        [rate, gradient, p.scalar(momentum)],
        { use_nesterov: { bool: nesterov } },
      );
      if (native !== null) return native as [Handle, Handle];
      return formulas.momentum(weight, velocity, gradient, rate, options);
    },

    /**
     * The kernel is the form of Kingma & Ba, section 2, with an ε that is not corrected: with
     * s = sqrt(1 − β2^t) its ε·s is theirs. Powers are passed as they enter there: 1 − β^t.
     */
    applyAdam(weight, m, v, gradient, rate, step, options) {
      const { beta1, beta2, epsilon, weightDecay } = options;
      const first = correction(beta1, step);
      const root = p.unary("Sqrt", correction(beta2, step));
      const floor = p.scale(root, epsilon);
      const size = p.div(p.mul(rate, root), first);
      if (weightDecay === 0) {
        // With powers of zero the kernel's rate is the one it is given, which is corrected already.
        const native = variables.update(
          "ResourceApplyAdam",
          [weight, m, v],
          [p.scalar(0), p.scalar(0), size, p.scalar(beta1), p.scalar(beta2), floor, gradient],
          { use_nesterov: { bool: false } },
        );
        if (native !== null) return native as [Handle, Handle, Handle];
      }
      return formulas.adam(weight, m, v, gradient, rate, { size, floor }, options);
    },

    // The kernel has ε under the root.
    applyRmsprop: formulas.rmsprop,

    applyAdagrad(weight, squares, gradient, rate, options) {
      const native = variables.update(
        "ResourceApplyAdagradV2",
        [weight, squares],
        [rate, p.scalar(options.epsilon), gradient],
        { update_slots: { bool: true } },
      );
      if (native !== null) return native as [Handle, Handle];
      return formulas.adagrad(weight, squares, gradient, rate, options);
    },

    applyLion: formulas.lion,
  };
}
