/** @file Probabilities and losses from logits. */
import type { Ops } from "../../../ops.js";
import type { LossOp } from "../../op-families.js";
import type { Handle } from "../graph.js";
import type { Primitives } from "../primitives.js";

export function lossOps(p: Primitives): Pick<Ops<Handle>, LossOp> {
  function logSoftmax(x: Handle, axis: number): Handle {
    if (p.target.has.logSoftmax) return p.node("LogSoftmax", [x], x.shape, { axis });
    const centred = p.sub(x, p.reduce("ReduceMax", x, [axis], true));
    const total = p.reduce("ReduceSum", p.unary("Exp", centred), [axis], true);
    return p.sub(centred, p.unary("Log", total));
  }
  return {
    softmax: (x, { axis }) => p.node("Softmax", [x], x.shape, { axis }),
    logSoftmax: (x, { axis }) => logSoftmax(x, axis),
    softmaxCrossEntropy(logits, targets) {
      const axis = logits.shape.length - 1;
      const likelihood = p.mul(logSoftmax(logits, axis), targets);
      return p.unary("Neg", p.reduce("ReduceSum", likelihood, [axis], false));
    },
    // max(x, 0) − x·t + log(1 + e^−|x|): no term cancels another where x is large.
    sigmoidCrossEntropy(logits, targets) {
      const linear = p.sub(p.unary("Relu", logits), p.mul(logits, targets));
      const rest = p.unary("Softplus", p.unary("Neg", p.unary("Abs", logits)));
      return p.add(linear, rest);
    },
  };
}
