/** @file Is there an NVIDIA GPU with a driver? Looked up without loading anything. */
import { existsSync } from "node:fs";
import type { Probe } from "../entry.js";

/** Why no NVIDIA GPU can be used; null if there is one with a driver. */
export function nvidiaGpu(root = "/"): Probe | null {
  const absent = (detail: string, fix: string | null): Probe => ({
    availability: "absent",
    detail,
    fix,
  });
  if (process.platform !== "linux") {
    return absent(`TensorFlow uses NVIDIA GPUs on Linux, not on ${process.platform}`, null);
  }
  // Under WSL the driver is Windows', and the device is dxg.
  const devices = ["dev/nvidia0", "dev/dxg"].some((path) => existsSync(`${root}${path}`));
  const driver = existsSync(`${root}proc/driver/nvidia/version`);
  if (!devices && !driver) return absent("no NVIDIA GPU: there is no /dev/nvidia0", null);
  if (!devices) {
    return absent(
      "there is an NVIDIA driver, but no /dev/nvidia0",
      "in a container, hand the GPU in: docker run --gpus all",
    );
  }
  return null;
}
