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
  readonly filterGrad: "kernel" | "columns";
  readonly stridedInputGrad: "kernel" | "conv";
  readonly depthwiseFilterGrad: "kernel" | "products";
  readonly depthwiseInputGrad: "kernel" | "conv";
  readonly segmentSum: "kernel" | "scatter";
  /** How sums over all axes but the last are taken. */
  readonly columnSum: "reduce" | "matmul";
  /** Whether a matrix product takes transposed operands as fast as others. */
  readonly transposedProduct: "kernel" | "transpose";
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
 * Kernels that are there but slower than the composition. cpu: the filter gradient takes ten times as
 * long as columns and a product (it looks up every element by its coordinates).
 */
const slow: Readonly<Record<BackendName, readonly string[]>> = {
  cpu: ["Conv2DBackpropFilter", "DepthwiseConv2dNativeBackpropFilter"],
  wasm: ["Conv2DBackpropInput"],
  webgl: [],
  webgpu: [],
};

/** The ways of the backend that is in use now. */
export function createBackend(tf: Tf, name: BackendName): Backend {
  const kernels = new Set(tf.getKernelsForBackend(name).map(({ kernelName }) => kernelName));
  const usable = (kernel: string): boolean => kernels.has(kernel) && !slow[name].includes(kernel);
  const ways: Ways = {
    filterGrad: usable("Conv2DBackpropFilter") ? "kernel" : "columns",
    stridedInputGrad: usable("Conv2DBackpropInput") ? "kernel" : "conv",
    depthwiseFilterGrad: usable("DepthwiseConv2dNativeBackpropFilter") ? "kernel" : "products",
    depthwiseInputGrad: usable("DepthwiseConv2dNativeBackpropInput") ? "kernel" : "conv",
    segmentSum: usable("UnsortedSegmentSum") ? "kernel" : "scatter",
    // wasm: its sum over the first axis takes 16 ms where a row of ones times the matrix takes 0.4.
    columnSum: name === "wasm" ? "matmul" : "reduce",
    // wasm: a product with a transposed operand does not reach XNNPACK, 24 against 4 ms.
    transposedProduct: name === "wasm" ? "transpose" : "kernel",
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
