/**
 * @file Optimiser updates: by TensorFlow's own kernels where their formula is the contract's, in place;
 * otherwise written out.
 */
import type { Ops } from "../../../ops.js";
import type { UpdateOp } from "../../op-families.js";
import type { Handle } from "../graph.js";
import type { Primitives } from "../primitives.js";
import type { Variables } from "../variables.js";

export function updateOps(p: Primitives, variables: Variables): Pick<Ops<Handle>, UpdateOp> {
  /** factor·old + (1 − factor)·value */
  const decayed = (old: Handle, value: Handle, factor: number): Handle =>
    p.add(p.scale(old, factor), p.scale(value, 1 - factor));

  /** 1 − beta^step = −expm1(step·ln beta): 1 − 0.999 has few digits left in f32. */
  const correction = (beta: number, step: Handle): Handle =>
    p.unary("Neg", p.unary("Expm1", p.scale(step, Math.log(beta))));

  return {
    applySgd: (weight, gradient, rate) =>
      variables.update("ResourceApplyGradientDescent", [weight], [rate, gradient])?.[0] ??
      p.sub(weight, p.mul(gradient, rate)),

    applyMomentum(weight, velocity, gradient, rate, { momentum, nesterov }) {
      const native = variables.update(
        "ResourceApplyMomentum",
        [weight, velocity],
        [rate, gradient, p.scalar(momentum)],
        { use_nesterov: { bool: nesterov } },
      );
      if (native !== null) return native as [Handle, Handle];
      const moved = p.add(p.scale(velocity, momentum), gradient);
      const direction = nesterov ? p.add(gradient, p.scale(moved, momentum)) : moved;
      return [p.sub(weight, p.mul(direction, rate)), moved];
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
      const nextM = decayed(m, gradient, beta1);
      const nextV = decayed(v, p.mul(gradient, gradient), beta2);
      const move = p.mul(p.div(nextM, p.add(p.unary("Sqrt", nextV), floor)), size);
      const kept =
        weightDecay === 0 ? weight : p.mul(weight, p.sub(p.scalar(1), p.scale(rate, weightDecay)));
      return [p.sub(kept, move), nextM, nextV];
    },

    // The kernel has ε under the root.
    applyRmsprop(weight, squares, velocity, gradient, rate, { rho, momentum, epsilon }) {
      const nextSquares = decayed(squares, p.mul(gradient, gradient), rho);
      const root = p.add(p.unary("Sqrt", nextSquares), p.scalar(epsilon));
      const moved = p.add(p.scale(velocity, momentum), p.div(gradient, root));
      return [p.sub(weight, p.mul(moved, rate)), nextSquares, moved];
    },

    applyAdagrad(weight, squares, gradient, rate, { epsilon }) {
      const native = variables.update(
        "ResourceApplyAdagradV2",
        [weight, squares],
        [rate, p.scalar(epsilon), gradient],
        { update_slots: { bool: true } },
      );
      if (native !== null) return native as [Handle, Handle];
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
