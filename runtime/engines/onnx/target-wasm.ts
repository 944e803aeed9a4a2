/**
 * @file The CPU as WebAssembly in a page. Its build of ONNX Runtime has the operators of the CPU's, but for the
 * blocked image layout.
 */
import { cpuTarget, type OnnxTarget } from "./target.js";

const cpu = cpuTarget();

export const wasmTarget: OnnxTarget = {
  ...cpu,
  session: {
    executionProviders: ["wasm"],
    graphOptimizationLevel: "extended",
    extra: { optimization: { disable_specified_optimizers: "ReshapeFusion" } },
  },
};
