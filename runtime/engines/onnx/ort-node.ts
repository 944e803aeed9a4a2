/** @file ONNX Runtime for Node: the one file that names the native library. */
import { createRequire } from "node:module";
import { DlcError } from "../../errors.js";
import type { Ort } from "./ort.js";

/**
 * Loads the native library, without its telemetry: version 1.30 would keep a database in the home folder and may
 * send it away. (A user who wants it sets ORT_DISABLE_TELEMETRY=0.) Throws DlcError "engine-missing" where it does not load. */
export async function loadOrt(): Promise<Ort> {
  process.env.ORT_DISABLE_TELEMETRY ??= "1";
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

/** The file that `require` loads the library from; null where it is not installed. */
export function ortPath(): string | null {
  try {
    return createRequire(import.meta.url).resolve("onnxruntime-node");
  } catch {
    return null;
  }
}
