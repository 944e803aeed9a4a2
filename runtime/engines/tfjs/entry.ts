/**
 * @file The tfjs engine's entries. Node: plain JavaScript kernels, slow but needing nothing, and those in
 * WebAssembly. Browser: the GPU through WebGL or WebGPU, and the CPU.
 */
import { DlcError } from "../../errors.js";
import type { EngineEntry, Probe } from "../entry.js";
import { probePageGpu } from "../page-gpu.js";
import type { BackendName } from "./backend.js";

export interface TfjsEntryOptions {
  /**
   * Browser: the URL of the folder with the .wasm files of @tensorflow/tfjs-backend-wasm. With it the device
   * "cpu" runs them, without it plain JavaScript.
   */
  readonly wasmPath?: string | undefined;
}

const devicesOf = {
  node: ["cpu", "wasm"],
  browser: ["webgpu", "webgl", "cpu"],
} as const;

function backendOf(device: string, wasmPath: string | undefined): BackendName {
  if (device === "webgl" || device === "webgpu" || device === "wasm") return device;
  if (device === "cpu") return wasmPath === undefined ? "cpu" : "wasm";
  throw new Error(`the tfjs engine has no device '${device}'`);
}

const present = (detail: string, software: boolean): Probe => ({
  availability: software ? "software" : "ready",
  detail,
  fix: null,
});

/** The engine as it can be used in Node or in a page. */
export function tfjsEntry(
  platform: "node" | "browser",
  { wasmPath }: TfjsEntryOptions = {},
): EngineEntry {
  return {
    name: "tfjs",
    devices: devicesOf[platform],
    onRequest: [],
    lacks: [],
    async probe(device) {
      const { importBackend } = await import("./load.js");
      const name = backendOf(device, wasmPath);
      try {
        const gpu = await probePageGpu(name);
        if (gpu !== null && !gpu.usable) {
          return { availability: "absent", detail: gpu.detail, fix: null };
        }
        await importBackend(name);
        const detail = `@tensorflow/tfjs-backend-${name} is installed`;
        return present(gpu?.detail ?? detail, gpu?.software ?? false);
      } catch (error) {
        const { installCommand } = await import("./load.js");
        const detail = error instanceof Error ? error.message : String(error);
        const fix = error instanceof DlcError ? installCommand(name) : null;
        return { availability: "absent", detail, fix };
      }
    },
    async start(device) {
      const { loadBackend } = await import("./load.js");
      const { createTfjsEngine } = await import("./engine.js");
      const name = backendOf(device, wasmPath);
      return createTfjsEngine(await loadBackend(name, { wasmPath }), name, device);
    },
    async kernelsOf(device, recorded) {
      const { loadBackend } = await import("./load.js");
      const { kernelsOf } = await import("./count-kernels.js");
      const name = backendOf(device, wasmPath);
      return kernelsOf(await loadBackend(name, { wasmPath }), name, device, recorded);
    },
  };
}
