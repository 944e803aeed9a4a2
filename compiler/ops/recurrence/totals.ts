/** @file Sums over all steps of a scan, as few large ops on stacked values. */
import type { GraphBuilder } from "../../ir/builder.js";
import { product, sameShape } from "../../ir/shape.js";
import { type Node, shapeOf, type Value } from "../../ir/types.js";
import type { AttrsOf } from "../define-op.js";

export interface StepSum {
  /** Values of the step that are needed stacked along a new axis 0. */
  readonly stacked: readonly Value[];
  /** Σ over the steps, given these. */
  readonly build: (b: GraphBuilder, stackedOf: (value: Value) => Value) => Value;
}

/** `[steps, rows, columns]` as one matrix of all rows. */
function allRows(b: GraphBuilder, value: Value): Value {
  const [steps = 1, rows = 1, columns = 1] = shapeOf(value);
  return b.reshape(value, { shape: [product([steps, rows]), columns] });
}

/**
 * How to sum a value of a scan's body over all steps, or null where only adding up step by step will
 * do. `constant`: nodes that are the same in every step; stacking them would only repeat them.
 */
export function sumOverSteps(value: Value, constant: ReadonlySet<Node>): StepSum | null {
  const { node } = value;
  const [x, y] = node.inputs;
  if (x === undefined || constant.has(x.node)) return null;
  if (node.kind === "add" && y !== undefined) return sumOfSums(value, x, y, constant);
  if (node.kind === "reshape") {
    const inner = sumOverSteps(x, constant);
    const shape = shapeOf(value);
    return inner && { ...inner, build: (b, s) => b.reshape(inner.build(b, s), { shape }) };
  }
  if (node.kind === "sum") {
    const { axes, keepDims } = node.attrs as AttrsOf<"sum">;
    const shape = shapeOf(value);
    return {
      stacked: [x],
      build: (b, stackedOf) => {
        const all = [0, ...axes.map((axis) => axis + 1)];
        const total = b.sum(stackedOf(x), { axes: all, keepDims: false });
        return keepDims ? b.reshape(total, { shape }) : total;
      },
    };
  }
  if (node.kind !== "matmul" || y === undefined || constant.has(y.node)) return null;
  const { transposeA, transposeB, activation } = node.attrs as AttrsOf<"matmul">;
  const plain = transposeA && !transposeB && activation === "none" && node.optional.length === 0;
  if (!plain || shapeOf(x).length !== 2 || shapeOf(y).length !== 2) return null;
  return {
    stacked: [x, y],
    build: (b, stackedOf) =>
      b.matmul(allRows(b, stackedOf(x)), allRows(b, stackedOf(y)), {
        transposeA: true,
        transposeB: false,
        activation: "none",
      }),
  };
}

function sumOfSums(sum: Value, x: Value, y: Value, constant: ReadonlySet<Node>): StepSum | null {
  const same = [x, y].every((part) => sameShape(shapeOf(part), shapeOf(sum)));
  const left = same ? sumOverSteps(x, constant) : null;
  const right = left && sumOverSteps(y, constant);
  if (left === null || right === null) return null;
  return {
    stacked: [...left.stacked, ...right.stacked],
    build: (b, stackedOf) => b.add(left.build(b, stackedOf), right.build(b, stackedOf)),
  };
}
