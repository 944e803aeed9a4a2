/** @file ONNX Runtime: loading it, opening sessions, and the way between its tensors and ours. */
import type { InferenceSession, Tensor } from "onnxruntime-node";
import { DlcError } from "../../errors.js";
import { allocate, type DType, type HostTensor, sizeOf } from "../../tensor.js";

export type { InferenceSession, Tensor };
export type Ort = typeof import("onnxruntime-node");

/** Loads the native library; throws DlcError "engine-missing" where it does not load. */
export async function loadOrt(): Promise<Ort> {
  try {
    const loaded = await import("onnxruntime-node");
    return "default" in loaded ? (loaded.default as Ort) : loaded;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    throw new DlcError("engine-missing", `onnxruntime-node cannot be loaded: ${reason}`, {
      help: "Run `npm install` again on this machine; it has builds for Linux, macOS and Windows on x64 and arm64.",
      reason: "environment",
      cause,
    });
  }
}

/** How much ONNX Runtime may rewrite: everything that was measured to help, or nothing. */
export type Rewriting = "fast" | "none";

/**
 * Options as measured on training graphs. Level "extended" and not "all", which moves pools into
 * blocked-layout islands (10.4 against 11.0 ms a step); no ReshapeFusion (10.1 against 10.4);
 * threads stop spinning between runs, so that several sessions do not fight for cores.
 */
export function openSession(
  ort: Ort,
  model: Uint8Array,
  threads: number,
  rewriting: Rewriting,
): Promise<InferenceSession> {
  return ort.InferenceSession.create(model, {
    executionProviders: ["cpu"],
    graphOptimizationLevel: rewriting === "fast" ? "extended" : "disabled",
    intraOpNumThreads: threads,
    logSeverityLevel: 4,
    extra: {
      optimization: { disable_specified_optimizers: "ReshapeFusion" },
      session: { force_spinning_stop: "1" },
    },
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
