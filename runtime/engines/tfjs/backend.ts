/**
 * @file One backend of TensorFlow.js, and which ways it has to compute what not all of them can.
 * The choice is made once, from the kernels that it registers.
 */
import type { NamedAttrMap, NamedTensorMap, Tensor } from "@tensorflow/tfjs-core";
import type { DType } from "../../tensor.js";
import { type Tf, tfTypes, Value } from "./value.js";

export type BackendName = "cpu" | "wasm" | "webgl" | "webgpu";

/** By a kernel of the backend, or from simpler ones. */
export interface Ways {
  readonly filterGrad: "kernel" | "columns" | "conv";
  readonly stridedInputGrad: "kernel" | "conv";
  readonly depthwiseFilterGrad: "kernel" | "products";
  readonly depthwiseInputGrad: "kernel" | "conv";
  readonly maxPoolGrad: "kernel" | "compare";
  readonly segmentSum: "kernel" | "scatter";
  /** How sums over all axes but the last are taken. */
  readonly columnSum: "reduce" | "matmul";
  /** Whether a matrix product takes any operands, or needs them prepared. */
  readonly product: "kernel" | "prepared";
}

export interface Backend {
  readonly tf: Tf;
  readonly name: BackendName;
  readonly ways: Ways;
  kernel(name: string, inputs: Readonly<Record<string, Tensor>>, attributes: object): Tensor;
  /** A value in the order of its shape. */
  plain(dtype: DType, tensor: Tensor): Value;
  /** An image, given with its channels last. */
  image(tensor: Tensor): Value;
  fill(shape: readonly number[], value: number, dtype?: DType): Tensor;
}

/**
 * Kernels that are there but slower than a composition, or wrong. cpu: its filter gradients look up every element
 * by its coordinates (40 s against 4 for three layers at batch 32), and its segment sum compares every row
 * with every index (17 s of a 17.5 s step with an embedding). wasm: the input
 * gradient takes 111 against 13 ms; its MaxPoolGrad is wrong for windows of negative numbers.
 */
const avoided: Readonly<Record<BackendName, readonly string[]>> = {
  cpu: ["Conv2DBackpropFilter", "DepthwiseConv2dNativeBackpropFilter", "UnsortedSegmentSum"],
  wasm: ["Conv2DBackpropInput", "MaxPoolGrad"],
  webgl: [],
  webgpu: [],
};

/**
 * wasm, three layers: columns 43 ms, conv 47 to 61. cpu, a step of models/alexnet at batch 8: conv 0.9 s,
 * columns 2.9 (slices are slow there).
 */
const composedFilterGrad: Readonly<Record<BackendName, "columns" | "conv">> = {
  cpu: "conv",
  wasm: "columns",
  webgl: "columns",
  webgpu: "columns",
};

/** The ways of the backend that is in use now. */
export function createBackend(tf: Tf, name: BackendName): Backend {
  const kernels = new Set(tf.getKernelsForBackend(name).map(({ kernelName }) => kernelName));
  const usable = (kernel: string): boolean =>
    kernels.has(kernel) && !avoided[name].includes(kernel);
  const ways: Ways = {
    filterGrad: usable("Conv2DBackpropFilter") ? "kernel" : composedFilterGrad[name],
    stridedInputGrad: usable("Conv2DBackpropInput") ? "kernel" : "conv",
    depthwiseFilterGrad: usable("DepthwiseConv2dNativeBackpropFilter") ? "kernel" : "products",
    depthwiseInputGrad: usable("DepthwiseConv2dNativeBackpropInput") ? "kernel" : "conv",
    maxPoolGrad: usable("MaxPoolGrad") ? "kernel" : "compare",
    segmentSum: usable("UnsortedSegmentSum") ? "kernel" : "scatter",
    // wasm: its sum over the first axis takes 16 ms where a row of ones times the matrix takes 0.4.
    columnSum: name === "wasm" ? "matmul" : "reduce",
    // wasm: a product with a transposed operand does not reach XNNPACK, 24 against 4 ms. And XNNPACK keeps
    // the right operand by the memory that it is in, whatever shape it had there: used again in another shape
    // it is read past its end.
    product: name === "wasm" ? "prepared" : "kernel",
  };
  return {
    tf,
    name,
    ways,
    kernel: (kernel, inputs, attributes) =>
      tf.engine().runKernel(kernel, inputs as NamedTensorMap, attributes as NamedAttrMap) as Tensor,
    plain: (dtype, tensor) => new Value(tf, dtype, { plain: tensor }),
    image: (tensor) => new Value(tf, "f32", { last: tensor }),
    fill: (shape, value, dtype = "f32") => tf.fill([...shape], value, tfTypes[dtype]),
  };
}
