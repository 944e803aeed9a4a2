/** @file How much memory a device has, as far as the system tells. */
import { totalmem } from "node:os";
import { cudaMachine, describeGpu } from "./onnx/probe-cuda.js";

/** Of the machine, or of the container that the process is confined to. */
function hostMemory(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

/** Bytes; null where nothing tells. */
export async function deviceMemory(device: string): Promise<number | null> {
  if (device === "cpu") return hostMemory();
  if (device !== "cuda" && device !== "tensorrt") return null;
  return (await describeGpu(cudaMachine("")))?.bytes ?? null;
}
