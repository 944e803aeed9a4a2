/** @file The onnx engine's entry: ONNX Runtime and the devices it may run on. */
import type { EngineEntry, Probe } from "../entry.js";
import { onnxLacks } from "./lacks.js";

const installFix = "ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node@1.30.0";

async function probeLibrary(): Promise<Probe> {
  const { loadOrt } = await import("./ort-node.js");
  try {
    await loadOrt();
    return { availability: "ready", detail: "onnxruntime-node is installed", fix: null };
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { availability: "absent", detail, fix: installFix };
  }
}

async function probeGpu(): Promise<Probe> {
  const [{ ortPath }, { probeWebGpu, thisMachine }] = await Promise.all([
    import("./ort-node.js"),
    import("./probe-webgpu.js"),
  ]);
  const library = ortPath();
  return library === null ? probeLibrary() : probeWebGpu(thisMachine(library));
}

async function probeNvidia(device: "cuda" | "tensorrt"): Promise<Probe> {
  const [{ ortPath }, { cudaMachine, probeCuda }, targets] = await Promise.all([
    import("./ort-node.js"),
    import("./probe-cuda.js"),
    import("./target-cuda.js"),
  ]);
  const library = ortPath();
  if (library === null) return probeLibrary();
  const target = device === "cuda" ? targets.cudaTarget : targets.tensorrtTarget;
  return probeCuda(cudaMachine(library), device, target.session);
}

async function probeOfSystem(device: "directml" | "coreml"): Promise<Probe> {
  const [{ ortPath }, { attemptSession }, { probeSystem }, targets] = await Promise.all([
    import("./ort-node.js"),
    import("./attempt-session.js"),
    import("./probe-system.js"),
    import("./target-system.js"),
  ]);
  const library = ortPath();
  if (library === null) return probeLibrary();
  const target = device === "directml" ? targets.directmlTarget : targets.coremlTarget;
  const { platform } = process;
  const attempt = (session: typeof target.session) => attemptSession(library, session);
  return probeSystem({ platform, attempt }, device, target.session);
}

/** Devices, best first. */
const probes: Readonly<Record<string, () => Promise<Probe>>> = {
  cuda: () => probeNvidia("cuda"),
  webgpu: probeGpu,
  cpu: probeLibrary,
  tensorrt: () => probeNvidia("tensorrt"),
  directml: () => probeOfSystem("directml"),
  coreml: () => probeOfSystem("coreml"),
};

/** Answers of this process: drivers do not come and go. */
const known = new Map<string, Promise<Probe>>();

export const onnxEntry: EngineEntry = {
  name: "onnx",
  devices: Object.keys(probes),
  onRequest: ["tensorrt", "directml", "coreml"],
  lacks: onnxLacks,
  async probe(device) {
    const probe = probes[device];
    if (probe === undefined) throw new Error(`the onnx engine has no device '${device}'`);
    const answer = known.get(device) ?? probe();
    known.set(device, answer);
    return answer;
  },
  async start(device, { threads }) {
    const { createOnnxEngine } = await import("./engine.js");
    const { loadOrt } = await import("./ort-node.js");
    const { deviceMemory } = await import("../device-memory.js");
    const memory = () => deviceMemory(device);
    return createOnnxEngine(await loadOrt(), device, threads, { memory });
  },
  async kernelsOf(device, recorded) {
    const { kernelsOf } = await import("./kernels.js");
    return kernelsOf(device, recorded);
  },
};
