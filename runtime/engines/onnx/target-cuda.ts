/**
 * @file NVIDIA GPUs through CUDA. Programs keep to the operators that the provider has kernels for, as ONNX Runtime
 * documents them (docs/OperatorKernels.md of onnxruntime 1.24, operator set 17), and sessions refuse the CPU.
 * Not verified on a GPU yet; what is recorded is verified on the CPU (test/runtime/onnx-cuda.test.ts).
 */
import type { OperatorList } from "./operators.js";
import { allAbilities, type OnnxTarget } from "./target.js";

/** Types of kernels for real numbers. */
const floats = ["f32", "f64", "f16"] as const;
/** Types of arithmetic. */
const numbers = ["f32", "f64", "f16", "i32", "u32", "i64"] as const;
const all = ["f32", "f64", "f16", "i32", "u32", "i64", "u8", "bool"] as const;

/** Operator to the types of its first input. */
const operators: OperatorList = {
  Add: numbers,
  Sub: numbers,
  Mul: numbers,
  Div: numbers,
  Max: numbers,
  Min: numbers,
  Mod: numbers,
  Pow: ["f32", "f64", "f16", "i32", "i64"],
  Equal: [...numbers, "bool"],
  Less: numbers,
  LessOrEqual: numbers,
  Greater: numbers,
  GreaterOrEqual: numbers,
  And: ["bool"],
  Or: ["bool"],
  Not: ["bool"],
  Where: ["f32", "f64", "f16", "i32", "i64", "u8"],
  Cast: all,
  Neg: ["f32", "f64", "f16", "i32", "i64"],
  Abs: numbers,
  Sign: all,
  Exp: floats,
  Log: floats,
  Sqrt: floats,
  Sin: floats,
  Cos: floats,
  Reciprocal: floats,
  Floor: floats,
  Erf: floats,
  Relu: floats,
  Sigmoid: floats,
  Tanh: floats,
  Softplus: floats,
  Softmax: floats,
  LogSoftmax: floats,
  Identity: all,
  Reshape: all,
  Transpose: all,
  Expand: all,
  Concat: all,
  Split: all,
  Slice: all,
  Gather: all,
  Pad: ["f32", "f64", "f16", "bool"],
  ScatterND: all,
  ReduceSum: ["f32", "f64", "f16", "i32", "i64"],
  ReduceMean: ["f32", "f64", "f16", "i32"],
  ReduceMax: ["f32", "f64", "f16", "i32", "i64"],
  ReduceMin: ["f32", "f64", "f16", "i32", "i64", "u8"],
  MatMul: floats,
  "ms:FusedMatMul": floats,
  Gemm: floats,
  Conv: floats,
  ConvTranspose: floats,
  MaxPool: floats,
  AveragePool: floats,
  Resize: floats,
  BatchNormalization: floats,
  Scan: all,
};

/** Steps in a call: state goes to the GPU before it and comes back after it. */
const stepsPerCall = 16;

export const cudaTarget: OnnxTarget = {
  device: "cuda",
  block: 0,
  manyCores: true,
  has: {
    ...allAbilities,
    // No kernels.
    bitShift: false,
    trainingBatchNorm: false,
    // ArgMax exists, but says nothing of equal maxima, of which ours takes the first.
    int64: false,
    // Gradients by comparing, as on WebGPU: neither indices nor sums in an order that changes.
    maxPoolIndices: false,
  },
  operators,
  session: {
    executionProviders: [{ name: "cuda", deviceId: 0 }],
    graphOptimizationLevel: "extended",
    extra: {
      optimization: { disable_specified_optimizers: "ReshapeFusion" },
      session: { disable_cpu_ep_fallback: "1" },
    },
  },
  state: "host",
  stepsPerCall,
  // Convolutions have no bf16 kernels in operator set 17.
  half: { f16: "native", bf16: "none" },
};

/** TensorRT compiles what it can of a graph, and leaves the rest to the CUDA provider. */
export const tensorrtTarget: OnnxTarget = {
  ...cudaTarget,
  device: "tensorrt",
  session: {
    ...cudaTarget.session,
    executionProviders: [
      { name: "tensorrt", deviceId: 0 },
      { name: "cuda", deviceId: 0 },
    ],
  },
  half: { f16: "none", bf16: "none" },
};
