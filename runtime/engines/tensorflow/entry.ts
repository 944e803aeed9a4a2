/** @file The tensorflow engine's entry: TensorFlow's kernels on an NVIDIA GPU or the CPU. */
import type { EngineEntry, Probe } from "../entry.js";

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

async function probeLoaded(gpu: boolean): Promise<Probe> {
  const { loadBinding } = await import("./binding.js");
  const { setupCommand } = await import("./install.js");
  const { availableParallelism } = await import("node:os");
  try {
    const { binding, found } = loadBinding(availableParallelism());
    const library = `TensorFlow ${binding.TF_Version} through ${found.name}`;
    if (!gpu) return { availability: "ready", detail: library, fix: null };
    return binding.isUsingGpuDevice()
      ? { availability: "ready", detail: library, fix: null }
      : {
          availability: "absent",
          detail: `${library} does not use the GPU: it is built for the CPU, or finds no CUDA libraries`,
          fix: setupCommand(true),
        };
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { availability: "absent", detail, fix: setupCommand(gpu) };
  }
}

async function probeGpu(): Promise<Probe> {
  const { nvidiaGpu } = await import("./gpu.js");
  const absent = nvidiaGpu();
  return absent ?? (await probeAddon(true)) ?? probeLoaded(true);
}

const probes: Readonly<Record<string, () => Promise<Probe>>> = {
  cuda: probeGpu,
  cpu: async () => (await probeAddon(false)) ?? probeLoaded(false),
};

export const tensorflowEntry: EngineEntry = {
  name: "tensorflow",
  devices: Object.keys(probes),
  onRequest: [],
  lacks: [],
  probe(device) {
    const probe = probes[device];
    if (probe === undefined) throw new Error(`the tensorflow engine has no device '${device}'`);
    return probe();
  },
  async start(device, { threads }) {
    const { loadBinding } = await import("./binding.js");
    const { createTensorflowEngine } = await import("./engine.js");
    return createTensorflowEngine(loadBinding(threads), device);
  },
  async kernelsOf(device, recorded) {
    const { kernelsOf } = await import("./kernels.js");
    return kernelsOf(device, recorded);
  },
};
