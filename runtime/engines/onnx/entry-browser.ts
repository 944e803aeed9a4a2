/** @file The onnx engine's entry for pages: ONNX Runtime as WebAssembly, on the CPU and on WebGPU. */
import type { EngineEntry, Probe } from "../entry.js";
import { probePageGpu } from "../page-gpu.js";
import { onnxLacks } from "./lacks.js";

async function probe(device: string): Promise<Probe> {
  const gpu = await probePageGpu(device);
  if (gpu !== null && !gpu.usable) return { availability: "absent", detail: gpu.detail, fix: null };
  const { importOrt, mayShareMemory, webPackage } = await import("./ort-web.js");
  try {
    await importOrt(device);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { availability: "absent", detail, fix: `npm install ${webPackage}` };
  }
  if (gpu !== null) {
    const availability = gpu.software ? "software" : "ready";
    return { availability, detail: gpu.detail, fix: null };
  }
  const detail = mayShareMemory()
    ? "WebAssembly with threads"
    : "WebAssembly with one thread: the page is not cross-origin isolated";
  return { availability: "ready", detail, fix: null };
}

const devices = ["webgpu", "cpu"];

export const onnxBrowserEntry: EngineEntry = {
  name: "onnx",
  devices,
  onRequest: [],
  lacks: onnxLacks,
  async probe(device) {
    if (!devices.includes(device)) throw new Error(`the onnx engine has no device '${device}'`);
    return probe(device);
  },
  async start(device, options) {
    const [{ loadOrtWeb }, { createTargetEngine }] = await Promise.all([
      import("./ort-web.js"),
      import("./engine.js"),
    ]);
    const { ort, threads } = await loadOrtWeb(device, options.threads);
    if (device === "cpu") {
      const { wasmTarget } = await import("./target-wasm.js");
      return createTargetEngine(ort, wasmTarget, threads);
    }
    const { webgpuTarget } = await import("./target-webgpu.js");
    return createTargetEngine(ort, webgpuTarget, threads);
  },
};
