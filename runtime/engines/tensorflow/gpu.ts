/** @file Is there an NVIDIA GPU with a driver that TensorFlow can use? Looked up without loading anything. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Probe } from "../entry.js";
import { bindingPackages, type FoundBinding, setupCommand } from "./install.js";

const absent = (detail: string, fix: string | null): Probe => ({
  availability: "absent",
  detail,
  fix,
});

/** Why no NVIDIA GPU can be used; null if there is one with a driver. */
export function nvidiaGpu(root = "/", platform: string = process.platform): Probe | null {
  if (platform !== "linux") {
    return absent(`TensorFlow uses NVIDIA GPUs on Linux, not on ${platform}`, null);
  }
  // Under WSL the driver is Windows', and the device is dxg.
  const devices = ["dev/nvidia0", "dev/dxg"].some((path) => existsSync(join(root, path)));
  const driver = existsSync(join(root, "proc/driver/nvidia/version"));
  if (!devices && !driver) return absent("no NVIDIA GPU: there is no /dev/nvidia0", null);
  if (!devices) {
    return absent(
      "there is an NVIDIA driver, but no /dev/nvidia0",
      "in a container, hand the GPU in: docker run --gpus all",
    );
  }
  return null;
}

/** The driver's version, like [535, 104]; null: not known, as under WSL. */
function driverVersion(root: string): readonly [number, number] | null {
  try {
    const text = readFileSync(join(root, "proc/driver/nvidia/version"), "utf8");
    // NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 …
    const [, major, minor] = /Kernel Module.*?\s(\d+)\.(\d+)/.exec(text) ?? [];
    return major === undefined ? null : [Number(major), Number(minor)];
  } catch {
    return null;
  }
}

/** The first driver for CUDA 12, which wheels of TensorFlow from 2.14 on are built for. */
const oldestDriver = 525;

/** Why TensorFlow, which is loaded, does not use the GPU that `nvidiaGpu` found: what can be told. */
export function unusedGpu({ name, folder }: FoundBinding, library: string, root = "/"): Probe {
  if (name === bindingPackages.cpu) {
    return absent(`${library} is built for the CPU`, setupCommand(true));
  }
  const [major = oldestDriver, minor] = driverVersion(root) ?? [];
  if (major < oldestDriver) {
    return absent(
      `${library} does not use the GPU: the driver is ${major}.${minor}, and CUDA 12 needs ${oldestDriver} or later`,
      `install an NVIDIA driver from ${oldestDriver} on`,
    );
  }
  return existsSync(join(folder, "deps/nvidia"))
    ? absent(
        `${library} does not use the GPU, for a reason that it tells with TF_CPP_MIN_LOG_LEVEL=0`,
        null,
      )
    : absent(
        `${library} does not use the GPU: NVIDIA's libraries do not lie beside it`,
        setupCommand(true),
      );
}
