/** @file Matrix product. */
import { formatShape, product } from "../../ir/shape.js";
import { type Shape, shapeOf, type Value } from "../../ir/types.js";
import {
  type AttrsOf,
  type BackwardContext,
  defineOp,
  type ReferenceTensor,
  Rejection,
} from "../define-op.js";
import { broadcastShapes } from "../shared/broadcast.js";
import { allFloats, expectDtype, expectSameDtype, expectShape } from "../shared/expect.js";
import { fusedActivations } from "../shared/fused.js";
import { sumTo } from "../shared/gradients.js";
import { rounded } from "../shared/rounding.js";
import { broadcastStrides, count, offsets } from "../shared/walk.js";

type Attrs = AttrsOf<"matmul">;
const plain = { activation: "none" } as const;

/** Leading axes, rows and columns of an operand, after its transposition. */
function matrix<D>(shape: readonly D[], transposed: boolean): { lead: D[]; rows: D; columns: D } {
  const [rows, columns] = shape.slice(-2) as [D, D];
  const lead = shape.slice(0, -2);
  return transposed ? { lead, rows: columns, columns: rows } : { lead, rows, columns };
}

/** Gradients of the plain product: `op(x)·op(y)`, where op transposes or does not. */
function productGradients(
  { b, inputs: [x, y], attrs: { transposeA, transposeB } }: BackwardContext<Attrs>,
  grad: Value,
): readonly [Value, Value] {
  const dx = transposeA
    ? b.matmul(y, grad, { transposeA: transposeB, transposeB: true, ...plain })
    : b.matmul(grad, y, { transposeA: false, transposeB: !transposeB, ...plain });
  const lead = shapeOf(x).slice(0, -1);
  if (shapeOf(y).length === 2 && lead.length > 1 && !transposeA) {
    // A weight applied to many vectors: one flat product instead of a batch of them to sum up.
    const flatten = (value: Value): Value =>
      b.reshape(value, { shape: [product(lead), shapeOf(value).at(-1) ?? 1] });
    const [left, right] = transposeB ? [grad, x] : [x, grad];
    const options = { transposeA: true, transposeB: false, ...plain };
    return [dx, b.matmul(flatten(left), flatten(right), options)];
  }
  const dy = transposeB
    ? b.matmul(grad, x, { transposeA: true, transposeB: transposeA, ...plain })
    : b.matmul(x, grad, { transposeA: !transposeA, transposeB: false, ...plain });
  return [sumTo(b, dx, x), sumTo(b, dy, y)];
}

function multiply(x: ReferenceTensor, y: ReferenceTensor, attrs: Attrs): ReferenceTensor {
  const left = matrix(x.shape, attrs.transposeA);
  const right = matrix(y.shape, attrs.transposeB);
  const lead = broadcastShapes(left.lead, right.lead) as readonly number[];
  const [rows, inner, columns] = [left.rows, left.columns, right.columns];
  const startX = offsets(lead, broadcastStrides(left.lead, lead));
  const startY = offsets(lead, broadcastStrides(right.lead, lead));
  const [rowX, innerX] = attrs.transposeA ? [1, rows] : [inner, 1];
  const [innerY, columnY] = attrs.transposeB ? [1, inner] : [columns, 1];
  const data = new Float64Array(count(lead) * rows * columns);
  for (let batch = 0; batch < startX.length; batch++) {
    const baseX = (startX[batch] as number) * rows * inner;
    const baseY = (startY[batch] as number) * inner * columns;
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        let total = 0;
        for (let k = 0; k < inner; k++) {
          const a = x.data[baseX + i * rowX + k * innerX] as number;
          total += a * (y.data[baseY + k * innerY + j * columnY] as number);
        }
        data[(batch * rows + i) * columns + j] = total;
      }
    }
  }
  return { dtype: x.dtype, shape: [...lead, rows, columns], data };
}

export const matmul = defineOp({
  kind: "matmul",
  summary: "Matrix product over the last two axes, plus a bias and an activation where given.",
  inputs: ["x", "y"],
  optional: ["bias"],
  infer: ([x, y, bias], { transposeA, transposeB }, optional) => {
    for (const [i, type] of [x, y].entries()) {
      expectDtype(type, allFloats, i);
      if (type.shape.length >= 2) continue;
      throw new Rejection(`a matrix needs at least 2 axes, but has ${formatShape(type.shape)}`, i);
    }
    expectSameDtype(x, y, 1);
    const left = matrix(x.shape, transposeA);
    const right = matrix(y.shape, transposeB);
    if (left.columns !== right.rows) {
      const what = `${left.rows}x${left.columns} and ${right.rows}x${right.columns}`;
      throw new Rejection(
        `matrices of ${what} do not multiply: ${left.columns} columns meet ${right.rows} rows`,
        1,
      );
    }
    const lead: Shape = broadcastShapes(left.lead, right.lead);
    if (optional.includes("bias")) {
      expectSameDtype(x, bias, 2);
      expectShape(bias, [right.columns], 2, "the bias");
    }
    return [{ dtype: x.dtype, shape: [...lead, left.rows, right.columns] }];
  },
  gradient: {
    backward: (context) => {
      const { b, attrs, optional, grad } = context;
      const before = fusedActivations[attrs.activation].gradient(b, context.outputs[0], grad);
      const gradients: Value[] = [...productGradients(context, before)];
      if (optional.includes("bias")) gradients.push(sumTo(b, before, context.inputs[2]));
      return gradients;
    },
  },
  expand: (b, [x, y, bias], attrs, optional) => {
    const bare = b.matmul(x, y, { ...attrs, ...plain });
    const sum = optional.includes("bias") ? b.add(bare, bias) : bare;
    return [fusedActivations[attrs.activation].apply(b, sum)];
  },
  evaluate: ([x, y, bias], attrs, optional) => {
    const result = multiply(x, y, attrs);
    const columns = result.shape.at(-1) as number;
    const added = (i: number): number =>
      optional.includes("bias") ? (bias.data[i % columns] as number) : 0;
    const activate = fusedActivations[attrs.activation].evaluate;
    const data = result.data.map((v, i) => activate(v + added(i)));
    return [rounded(x.dtype, result.shape, data)];
  },
  samples: [
    ...[false, true].flatMap((transposeA) =>
      [false, true].map((transposeB) => ({
        inputs: [{ shape: transposeA ? [3, 2] : [2, 3] }, { shape: transposeB ? [4, 3] : [3, 4] }],
        attrs: { transposeA, transposeB, ...plain },
      })),
    ),
    // Batched, with broadcast leading axes.
    ...[
      [
        ["n", 2, 3],
        ["n", 3, 2],
      ],
      [
        ["n", 1, 2, 3],
        [2, 3, 2],
      ],
      [
        ["n", 2, 3],
        [3, 2],
      ],
      [
        [2, 3],
        ["n", 3, 2],
      ],
    ].map(([x, y]) => ({
      inputs: [{ shape: x as Shape }, { shape: y as Shape }],
      attrs: { transposeA: false, transposeB: false, ...plain },
    })),
    {
      inputs: [{ shape: ["n", 3, 2] }, { shape: ["n", 4, 3] }],
      attrs: { transposeA: true, transposeB: true, ...plain },
    },
    {
      inputs: [{ shape: ["n", 2, 3] }, { shape: [4, 3] }],
      attrs: { transposeA: false, transposeB: true, ...plain },
    },
    // Fused.
    ...(["none", "relu", "sigmoid", "tanh"] as const).map((activation) => ({
      inputs: [{ shape: ["n", 3] as Shape }, { shape: [3, 4] }],
      optional: { bias: { shape: [4] } },
      attrs: { transposeA: false, transposeB: false, activation },
    })),
    {
      inputs: [{ shape: ["n", 2, 3] }, { shape: [3, 4] }],
      optional: { bias: { shape: [4] } },
      attrs: { transposeA: false, transposeB: false, activation: "tanh" },
    },
    {
      inputs: [{ shape: ["n", 3] }, { shape: [3, 2] }],
      attrs: { transposeA: false, transposeB: false, activation: "sigmoid" },
    },
  ],
});
