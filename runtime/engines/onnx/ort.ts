/** @file ONNX Runtime, whichever build of it: opening sessions, and the way between its tensors and ours. */
import type { InferenceSession, Tensor } from "onnxruntime-node";
import { allocate, type DType, type HostTensor, sizeOf } from "../../tensor.js";
import type { OnnxTarget } from "./target.js";

export type { InferenceSession, Tensor };
/** What the engine uses of the library: the same in onnxruntime-node and onnxruntime-web. */
export type Ort = Pick<typeof import("onnxruntime-node"), "InferenceSession" | "Tensor">;
export type SessionOptions = InferenceSession.SessionOptions;

export interface OpenOptions {
  readonly target: OnnxTarget;
  readonly threads: number;
  /** How much ONNX Runtime may rewrite: everything that was measured to help on the target (default), or nothing. */
  readonly rewriting?: "fast" | "none";
  /** Results that stay on the device, by name; the others come to the host. */
  readonly onDevice?: Iterable<string>;
}

export function openSession(
  ort: Ort,
  model: Uint8Array,
  { target, threads, rewriting = "fast", onDevice = [] }: OpenOptions,
): Promise<InferenceSession> {
  const locations = [...onDevice].map((name) => [name, "gpu-buffer"] as const);
  return ort.InferenceSession.create(model, {
    ...target.session,
    ...(rewriting === "none" ? { graphOptimizationLevel: "disabled" } : {}),
    ...(locations.length === 0 ? {} : { preferredOutputLocation: Object.fromEntries(locations) }),
    intraOpNumThreads: threads,
    logSeverityLevel: 4,
  });
}

const ortTypes: Readonly<Record<DType, Tensor.Type>> = {
  f32: "float32",
  i32: "int32",
  u32: "uint32",
  u8: "uint8",
  bool: "bool",
};

/** A view, not a copy: the tensor and `host.data` share their memory. */
export function toOrt(ort: Ort, host: HostTensor): Tensor {
  return new ort.Tensor(ortTypes[host.dtype], host.data as Float32Array, host.shape);
}

/** Zeroed memory as both kinds of tensor. */
export function allocateShared(
  ort: Ort,
  dtype: DType,
  shape: readonly number[],
): { readonly host: HostTensor; readonly tensor: Tensor } {
  const host = { dtype, shape, data: allocate(dtype, sizeOf(shape)) };
  return { host, tensor: toOrt(ort, host) };
}
