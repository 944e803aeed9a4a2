/** @file The devices that the onnx engine runs on. */
import { probeBlockSize } from "./block-probe.js";
import type { Ort } from "./ort.js";
import { cpuTarget, type OnnxTarget } from "./target.js";
import { cudaTarget, tensorrtTarget } from "./target-cuda.js";
import { coremlTarget, directmlTarget } from "./target-system.js";
import { webgpuTarget } from "./target-webgpu.js";

/** By the name of the device; some look at the machine first. */
const targets: Readonly<Record<string, (ort: Ort) => OnnxTarget | Promise<OnnxTarget>>> = {
  cuda: () => cudaTarget,
  webgpu: () => webgpuTarget,
  tensorrt: () => tensorrtTarget,
  directml: () => directmlTarget,
  coreml: () => coremlTarget,
  cpu: async (ort) => cpuTarget(await probeBlockSize(ort)),
};

/** The target of a device. Throws for a device that the engine does not know. */
export async function targetFor(ort: Ort, device: string): Promise<OnnxTarget> {
  const make = targets[device];
  if (make === undefined) throw new Error(`the onnx engine has no device '${device}'`);
  return make(ort);
}
