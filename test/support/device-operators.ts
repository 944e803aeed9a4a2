/** @file One small node for each operator of a device's list: what it takes to run it by itself. */
import { sizeOf } from "@dlc/runtime";
import type { Graph, Handle, NodeResult } from "../../runtime/engines/onnx/graph.js";
import type { AttributeValue, GraphDType } from "../../runtime/engines/onnx/model-proto.js";

type Shape = readonly number[];

/** A node: inputs that are fed, then constants. */
export interface OperatorCase {
  readonly inputs: readonly NodeResult[];
  readonly constants: (graph: Graph) => readonly (Handle | null)[];
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  readonly results: readonly NodeResult[];
}

type Make = (dtype: GraphDType) => OperatorCase;

const plane: Shape = [2, 6];
const image: Shape = [1, 2, 5, 5];

function operator(
  inputs: readonly NodeResult[],
  results: readonly NodeResult[],
  attributes: OperatorCase["attributes"] = {},
  constants: OperatorCase["constants"] = () => [],
): OperatorCase {
  return { inputs, results, attributes, constants };
}

const tensor = (dtype: GraphDType, shape: Shape): NodeResult => ({ dtype, shape });
const ints = (graph: Graph, values: Shape): Handle =>
  graph.constant("i64", [values.length], values);

const unary: Make = (d) => operator([tensor(d, plane)], [tensor(d, plane)]);
const binary: Make = (d) => operator([tensor(d, plane), tensor(d, plane)], [tensor(d, plane)]);
const comparison: Make = (d) =>
  operator([tensor(d, plane), tensor(d, plane)], [tensor("bool", plane)]);
const reduction: Make = (d) =>
  operator([tensor(d, plane)], [tensor(d, [2])], { axes: [1], keepdims: 0 });
const window = { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] } as const;
const convolution = { ...window, strides: [1, 1], dilations: [1, 1], group: 1 } as const;

const unaries =
  "Not Neg Abs Exp Log Sqrt Reciprocal Floor Erf Relu Sigmoid Tanh Softplus Identity".split(" ");
const binaries = "Add Sub Mul Div Max Min Pow And".split(" ");
const comparisons = "Equal Less LessOrEqual Greater GreaterOrEqual".split(" ");

export const operatorCases: Readonly<Record<string, Make>> = {
  ...Object.fromEntries(unaries.map((name) => [name, unary])),
  ...Object.fromEntries(binaries.map((name) => [name, binary])),
  ...Object.fromEntries(comparisons.map((name) => [name, comparison])),
  ReduceMean: reduction,
  ReduceMax: reduction,
  ReduceMin: reduction,
  ReduceSum: (d) =>
    operator([tensor(d, plane)], [tensor(d, [2])], { keepdims: 0 }, (g) => [ints(g, [1])]),
  Where: (d) =>
    operator([tensor("bool", plane), tensor(d, plane), tensor(d, plane)], [tensor(d, plane)]),
  Cast: (d) => {
    const to = d === "f32" ? "i32" : "f32";
    return operator([tensor(d, plane)], [tensor(to, plane)], { to: { dtype: to } });
  },
  Softmax: (d) => operator([tensor(d, plane)], [tensor(d, plane)], { axis: 1 }),
  Reshape: (d) => operator([tensor(d, plane)], [tensor(d, [12])], {}, (g) => [ints(g, [12])]),
  Transpose: (d) => operator([tensor(d, plane)], [tensor(d, [6, 2])], { perm: [1, 0] }),
  Expand: (d) => operator([tensor(d, [6])], [tensor(d, plane)], {}, (g) => [ints(g, plane)]),
  Concat: (d) => operator([tensor(d, plane), tensor(d, plane)], [tensor(d, [4, 6])], { axis: 0 }),
  // As many results as programs ask for.
  Split: (d) =>
    operator(
      [tensor(d, [2, 7])],
      Array.from({ length: 7 }, () => tensor(d, [2, 1])),
      { axis: 1 },
      (g) => [ints(g, new Array(7).fill(1))],
    ),
  Pad: (d) =>
    operator([tensor(d, plane)], [tensor(d, [2, 8])], {}, (g) => [
      ints(g, [0, 1, 0, 1]),
      g.constant(d, [], [0]),
    ]),
  Slice: (d) =>
    operator([tensor(d, plane)], [tensor(d, [2, 2])], {}, (g) =>
      [1, 5, 1, 2].map((value) => ints(g, [value])),
    ),
  Gather: (d) => operator([tensor(d, plane), tensor("i32", [3])], [tensor(d, [2, 3])], { axis: 1 }),
  ScatterND: (d) =>
    operator([tensor(d, [4, 3]), tensor("i64", [2, 1]), tensor(d, [2, 3])], [tensor(d, [4, 3])], {
      reduction: "add",
    }),
  MatMul: (d) => operator([tensor(d, plane), tensor(d, [6, 3])], [tensor(d, [2, 3])]),
  Gemm: (d) =>
    operator([tensor(d, [6, 2]), tensor(d, [3, 6]), tensor(d, [3])], [tensor(d, [2, 3])], {
      transA: 1,
      transB: 1,
    }),
  Conv: (d) =>
    operator([tensor(d, image), tensor(d, [3, 2, 3, 3])], [tensor(d, [1, 3, 5, 5])], convolution),
  ConvTranspose: (d) =>
    operator([tensor(d, image), tensor(d, [2, 3, 3, 3])], [tensor(d, [1, 3, 10, 10])], {
      ...convolution,
      strides: [2, 2],
      output_padding: [1, 1],
    }),
  MaxPool: (d) => operator([tensor(d, image)], [tensor(d, [1, 2, 3, 3])], window),
  AveragePool: (d) =>
    operator([tensor(d, image)], [tensor(d, [1, 2, 3, 3])], { ...window, count_include_pad: 0 }),
  Resize: (d) =>
    operator(
      [tensor(d, image)],
      [tensor(d, [1, 2, 10, 10])],
      {
        mode: "nearest",
        coordinate_transformation_mode: "asymmetric",
        nearest_mode: "floor",
      },
      (g) => [null, g.constant("f32", [4], [1, 1, 2, 2])],
    ),
  BatchNormalization: (d) =>
    operator([tensor(d, image), ...[1, 2, 3, 4].map(() => tensor(d, [2]))], [tensor(d, image)], {
      epsilon: { float: 1e-3 },
    }),
};

/** Values above zero that any operator takes; 0 and 1 for bools and for indices, which are distinct. */
export function operatorInput({ dtype, shape }: NodeResult, seed: number): readonly number[] {
  return Array.from({ length: sizeOf(shape) }, (_, i) => {
    if (dtype === "bool" || dtype === "i64") return (i + seed) % 2;
    const step = (i * 7 + seed * 3) % 5;
    return dtype === "f32" ? 0.25 + step / 2 : step;
  });
}
