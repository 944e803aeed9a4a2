/** @file The onnx engine's entry: ONNX Runtime and the devices it may run on. */
import type { EngineEntry, Probe } from "../entry.js";
import { onnxLacks } from "./lacks.js";

export const onnxEntry: EngineEntry = {
  name: "onnx",
  devices: ["cpu"],
  onRequest: [],
  lacks: onnxLacks,
  async probe(): Promise<Probe> {
    const { loadOrt } = await import("./ort-node.js");
    try {
      await loadOrt();
      return { availability: "ready", detail: "onnxruntime-node is installed", fix: null };
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      return {
        availability: "absent",
        detail,
        fix: "ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node@1.30.0",
      };
    }
  },
  async start(device, { threads }) {
    const { createOnnxEngine } = await import("./engine.js");
    const { loadOrt } = await import("./ort-node.js");
    return createOnnxEngine(await loadOrt(), device, threads);
  },
  async kernelsOf(device, recorded) {
    const { kernelsOf } = await import("./kernels.js");
    return kernelsOf(device, recorded);
  },
};
