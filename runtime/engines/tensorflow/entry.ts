/** @file The tensorflow engine's entry: TensorFlow's kernels on an NVIDIA GPU or the CPU. */
import type { EngineEntry, Probe, StartOptions } from "../entry.js";

async function probeAddon(gpu: boolean): Promise<Probe | null> {
  const { findBindings, setupCommand } = await import("./install.js");
  const [found] = findBindings();
  const fix = setupCommand(gpu);
  if (found === undefined) {
    return { availability: "absent", detail: "@tensorflow/tfjs-node is not installed", fix };
  }
  if (found.addon === null) {
    const detail = `${found.name} has no addon for this machine`;
    return { availability: "absent", detail, fix };
  }
  return null;
}

/** Loads TensorFlow, with the threads that it will be started with: they are settled then (see binding.ts). */
async function probeLoaded(gpu: boolean, options?: StartOptions): Promise<Probe> {
  const { loadBinding } = await import("./binding.js");
  const { setupCommand } = await import("./install.js");
  const { availableParallelism } = await import("node:os");
  try {
    const { binding, found } = loadBinding(options?.threads ?? availableParallelism());
    const library = `TensorFlow ${binding.TF_Version} through ${found.name}`;
    if (!gpu || binding.isUsingGpuDevice()) {
      return { availability: "ready", detail: library, fix: null };
    }
    const { unusedGpu } = await import("./gpu.js");
    return unusedGpu(found, library);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { availability: "absent", detail, fix: setupCommand(gpu) };
  }
}

async function probeGpu(options?: StartOptions): Promise<Probe> {
  const { nvidiaGpu } = await import("./gpu.js");
  const absent = nvidiaGpu();
  return absent ?? (await probeAddon(true)) ?? probeLoaded(true, options);
}

const probes: Readonly<Record<string, (options?: StartOptions) => Promise<Probe>>> = {
  cuda: probeGpu,
  cpu: async (options) => (await probeAddon(false)) ?? probeLoaded(false, options),
};

export const tensorflowEntry: EngineEntry = {
  name: "tensorflow",
  devices: Object.keys(probes),
  onRequest: [],
  lacks: [],
  probe(device, options) {
    const probe = probes[device];
    if (probe === undefined) throw new Error(`the tensorflow engine has no device '${device}'`);
    return probe(options);
  },
  async start(device, { threads }) {
    const { loadBinding } = await import("./binding.js");
    const { createTensorflowEngine } = await import("./engine.js");
    const { deviceMemory } = await import("../device-memory.js");
    return createTensorflowEngine(loadBinding(threads), device, () => deviceMemory(device));
  },
  async kernelsOf(device, recorded) {
    const { kernelsOf } = await import("./kernels.js");
    return kernelsOf(device, recorded);
  },
};
