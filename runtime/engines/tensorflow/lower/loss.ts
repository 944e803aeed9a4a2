/** @file Probabilities and losses from logits. */
import type { Ops } from "../../../ops.js";
import { sizeOf } from "../../../tensor.js";
import { dim } from "../../geometry.js";
import type { LossOp } from "../../op-families.js";
import type { Handle } from "../graph.js";
import type { Primitives } from "../primitives.js";

export function lossOps(p: Primitives): Pick<Ops<Handle>, LossOp> {
  /** TensorFlow's operators work along the last axis. */
  const alongLast =
    (op: string) =>
    (x: Handle, { axis }: { readonly axis: number }): Handle => {
      const last = x.shape.length - 1;
      if (axis === last) return p.typed(op, [x], x.shape);
      const swap = x.shape.map((_, i) => (i === axis ? last : i === last ? axis : i));
      const moved = p.transpose(x, swap);
      return p.transpose(p.typed(op, [moved], moved.shape), swap);
    };
  return {
    softmax: alongLast("Softmax"),
    logSoftmax: alongLast("LogSoftmax"),
    softmaxCrossEntropy(logits, targets) {
      const lead = logits.shape.slice(0, -1);
      const rows = [sizeOf(lead), dim(logits.shape, lead.length)];
      const full = p.broadcastTo(targets, logits.shape);
      const [losses] = p.graph.node(
        "SoftmaxCrossEntropyWithLogits",
        [p.reshape(logits, rows), p.reshape(full, rows)],
        { T: { type: logits.dtype } },
        [
          { dtype: logits.dtype, shape: rows.slice(0, 1) },
          { dtype: logits.dtype, shape: rows },
        ],
      );
      return p.reshape(losses as Handle, lead);
    },
    // max(x, 0) − x·t + log(1 + e^−|x|): no term cancels another where x is large.
    sigmoidCrossEntropy(logits, targets) {
      const linear = p.sub(p.unary("Relu", logits), p.mul(logits, targets));
      const rest = p.unary("Softplus", p.unary("Neg", p.unary("Abs", logits)));
      return p.add(linear, rest);
    },
  };
}
