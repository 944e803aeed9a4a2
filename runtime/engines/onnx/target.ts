/**
 * @file What a program is recorded for: a device of ONNX Runtime with what its operators can do. Lowerings ask
 * the target for an ability, never for the device's name, so that a device is added by describing it.
 */
import type { Engine } from "../../engine.js";
import type { OperatorList } from "./operators.js";
import type { SessionOptions } from "./ort.js";

/** Operators and types that some devices have and others lack (or have, but slow, wrong or only on the CPU). */
export interface Abilities {
  /** com.microsoft:FusedMatMul, products of transposed matrices. */
  readonly fusedMatMul: boolean;
  readonly logSoftmax: boolean;
  readonly sign: boolean;
  /** Or of bool tensors. */
  readonly logicalOr: boolean;
  /** BitShift of u32. */
  readonly bitShift: boolean;
  /** Arithmetic on f64 scalars. */
  readonly float64: boolean;
  /** i64 tensors that are computed at run time: arithmetic, casts from them. Constants of shapes and indices always work. */
  readonly int64: boolean;
  /** Slice of i32 and u32. */
  readonly integerSlice: boolean;
  /** Neg, Abs and Sign of i32. */
  readonly integerNeg: boolean;
  /** Movement (Transpose, Concat, Slice, …) and Where of u8 and bool. */
  readonly bytes: boolean;
  /** Sin and Cos to the last digits of an f32. */
  readonly accurateSine: boolean;
  /** Scan with a body; otherwise loops are unrolled. */
  readonly scan: boolean;
  /** BatchNormalization with training_mode 1. */
  readonly trainingBatchNorm: boolean;
  /** MaxPool's second result. */
  readonly maxPoolIndices: boolean;
  /** Most results of one Split. */
  readonly splitResults: number;
}

export interface OnnxTarget {
  /** As the entry calls it: "cpu", "webgpu", … */
  readonly device: string;
  /** Block size of channels of the CPU's blocked image layout (lower/blocked.ts); 0: none. */
  readonly block: number;
  readonly has: Abilities;
  /** Thousands of small cores (a GPU): lowerings prefer work that splits into many parts. */
  readonly manyCores: boolean;
  /** The operators that run on the device itself; null: all that lowerings use. Recording holds programs to it. */
  readonly operators: OperatorList | null;
  /** Where sessions run and what ONNX Runtime may rewrite; threads and places of results come to it. */
  readonly session: SessionOptions;
  /**
   * host: state lies in ordinary memory, in two buffers that swap; device: in buffers of the device, which
   * every run makes anew for what it updates.
   */
  readonly state: "host" | "device";
  /** Training steps that make a call worth while (loop.ts); default: 1. */
  readonly stepsPerCall?: number;
  /** emulated: f32 tensors whose elements are rounded (emulate-half.ts). */
  readonly half: Engine["half"];
}

/** Everything, as ONNX Runtime has it on the CPU. */
export const allAbilities: Abilities = {
  fusedMatMul: true,
  logSoftmax: true,
  sign: true,
  logicalOr: true,
  bitShift: true,
  float64: true,
  int64: true,
  integerSlice: true,
  integerNeg: true,
  bytes: true,
  accurateSine: true,
  scan: true,
  trainingBatchNorm: true,
  maxPoolIndices: true,
  splitResults: Number.POSITIVE_INFINITY,
};

/**
 * The CPU; `block` as `probeBlockSize` found it, 0 for none.
 *
 * Session options as measured on training graphs: level "extended" and not "all", which moves pools into
 * blocked-layout islands (10.4 against 11.0 ms a step); no ReshapeFusion (10.1 against 10.4);
 * threads stop spinning between runs, so that several sessions do not fight for cores.
 */
export const cpuTarget = (block = 0): OnnxTarget => ({
  device: "cpu",
  block,
  has: allAbilities,
  manyCores: false,
  operators: null,
  session: {
    executionProviders: ["cpu"],
    graphOptimizationLevel: "extended",
    extra: {
      optimization: { disable_specified_optimizers: "ReshapeFusion" },
      session: { force_spinning_stop: "1" },
    },
  },
  state: "host",
  half: { f16: "emulated", bf16: "emulated" },
});
