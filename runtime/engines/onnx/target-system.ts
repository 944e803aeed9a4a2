/**
 * @file The GPU through what the operating system brings: DirectML on Windows, Core ML on macOS. Neither is verified;
 * they run when they are named.
 */
import { allAbilities, type OnnxTarget } from "./target.js";

/**
 * DirectML needs allocations of its own kind and one operator at a time
 * (https://onnxruntime.ai/docs/execution-providers/DirectML-ExecutionProvider.html). It has no loops, no f64 and
 * no integers of 64 bits on most GPUs. An operator that it lacks is an error, not work for the CPU.
 */
export const directmlTarget: OnnxTarget = {
  device: "directml",
  block: 0,
  manyCores: true,
  has: {
    ...allAbilities,
    fusedMatMul: false,
    float64: false,
    int64: false,
    scan: false,
    trainingBatchNorm: false,
  },
  operators: null,
  session: {
    executionProviders: [{ name: "dml", deviceId: 0 }],
    graphOptimizationLevel: "extended",
    enableMemPattern: false,
    executionMode: "sequential",
    extra: {
      optimization: { disable_specified_optimizers: "ReshapeFusion" },
      session: { disable_cpu_ep_fallback: "1" },
    },
  },
  state: "host",
  half: { f16: "none", bf16: "none" },
};

/** Core ML takes parts of a graph by design; what it does not know runs on the CPU. */
export const coremlTarget: OnnxTarget = {
  ...directmlTarget,
  device: "coreml",
  manyCores: false,
  has: { ...directmlTarget.has, scan: true, float64: true, int64: true },
  session: {
    // COREML_FLAG_CREATE_MLPROGRAM: the newer kind of model, with more operators.
    executionProviders: [{ name: "coreml", coreMlFlags: 0x010 }],
    graphOptimizationLevel: "extended",
    extra: { optimization: { disable_specified_optimizers: "ReshapeFusion" } },
  },
};
