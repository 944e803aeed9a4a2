/** @file Reductions. */
import type { Ops, ReduceOptions } from "../../../ops.js";
import type { ReductionOp } from "../../op-families.js";
import type { Handle } from "../graph.js";
import type { Primitives } from "../primitives.js";

export function reduceOps(p: Primitives): Pick<Ops<Handle>, ReductionOp> {
  const over =
    (op: string) =>
    (x: Handle, { axes, keepDims }: ReduceOptions): Handle =>
      p.reduce(op, x, axes, keepDims);
  return {
    // Of gradients of biases, too: BiasAddGrad takes as long (10.7 ms per step of models/cifar10-cnn either way), and
    // on GPUs it adds up in no fixed order, so that a run could not be repeated.
    sum: over("Sum"),
    mean: over("Mean"),
    max: over("Max"),
    min: over("Min"),
    argMax: (x, { axis }) =>
      p.node(
        "ArgMax",
        [x, p.scalar(axis, "i32")],
        x.shape.toSpliced(axis, 1),
        { T: { type: x.dtype }, Tidx: { type: "i32" }, output_type: { type: "i32" } },
        "i32",
      ),
  };
}
