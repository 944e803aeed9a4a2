/**
 * @file The GPU through WebGPU (Vulkan, Metal or D3D12). Its provider in ONNX Runtime lacks many kernels, claims
 * some operators and fails when it runs them, and hands others to the CPU without a word. So programs keep to a
 * list of operators that were measured to run on the device and to compute what the CPU computes
 * (onnxruntime 1.30; test/runtime/onnx-webgpu-device.test.ts measures them again), and sessions refuse the CPU.
 */
import type { OperatorList } from "./operators.js";
import type { OnnxTarget } from "./target.js";

const f32 = ["f32"] as const;
const numbers = ["f32", "i32", "u32"] as const;
/** Bytes lie four to a word: few operators take them. */
const withBytes = ["f32", "i32", "u32", "u8", "bool"] as const;

/** Operator to the types of its first input. i64 is for constants and for indices that Cast makes. */
const operators: OperatorList = {
  Add: numbers,
  Sub: numbers,
  Mul: numbers,
  Div: numbers,
  Max: numbers,
  Min: numbers,
  Pow: f32,
  Equal: numbers,
  Less: numbers,
  LessOrEqual: numbers,
  Greater: numbers,
  GreaterOrEqual: numbers,
  And: ["bool"],
  Not: ["bool"],
  Where: numbers,
  Cast: withBytes,
  Neg: f32,
  Abs: f32,
  Exp: f32,
  Log: f32,
  Sqrt: f32,
  Reciprocal: f32,
  Floor: f32,
  Erf: f32,
  Relu: f32,
  Sigmoid: f32,
  Tanh: f32,
  Softplus: f32,
  Softmax: f32,
  Identity: numbers,
  Reshape: withBytes,
  Transpose: numbers,
  Expand: withBytes,
  Concat: numbers,
  Split: numbers,
  Pad: numbers,
  Slice: f32,
  Gather: numbers,
  ScatterND: f32,
  ReduceSum: ["f32", "i32"],
  ReduceMean: f32,
  ReduceMax: ["f32", "i32"],
  ReduceMin: ["f32", "i32"],
  MatMul: f32,
  Gemm: f32,
  Conv: f32,
  ConvTranspose: f32,
  MaxPool: f32,
  AveragePool: f32,
  Resize: f32,
  BatchNormalization: f32,
};

export const webgpuTarget: OnnxTarget = {
  device: "webgpu",
  block: 0,
  manyCores: true,
  has: {
    fusedMatMul: false,
    logSoftmax: false,
    sign: false,
    logicalOr: false,
    bitShift: false,
    float64: false,
    int64: false,
    integerSlice: false,
    integerNeg: false,
    bytes: false,
    // Vulkan and WGSL promise 2⁻¹¹ in −π … π: not enough for positions or normal noise.
    accurateSine: false,
    scan: false,
    trainingBatchNorm: false,
    maxPoolIndices: false,
    // WGSL's least number of storage buffers is 8, one of which is the input.
    splitResults: 7,
  },
  operators,
  // What is recorded is what runs. Images stay NCHW: with NHWC inside, ConvTranspose with several filters a group gave
  // wrong numbers (samples 4 and 10 of conv2dInputGrad), and models/cifar10-cnn has 23 transposes more.
  // The optimiser of transposes moves them past casts, onto bytes, for which there is no Transpose. What
  // the others make of the recorded operators was looked at: nothing but FusedConv.
  session: {
    executionProviders: [{ name: "webgpu", preferredLayout: "NCHW" }],
    graphOptimizationLevel: "extended",
    extra: {
      optimization: { disable_specified_optimizers: "ReshapeFusion;TransposeOptimizer" },
      session: { disable_cpu_ep_fallback: "1" },
    },
  },
  state: "device",
  half: { f16: "none", bf16: "none" },
};
