/** @file Loads TensorFlow.js and one of its backends, which are packages of their own. */
import { DlcError } from "../../errors.js";
import type { BackendName } from "./backend.js";
import type { Tf } from "./value.js";

/** The version that was tested; there has been none since. */
const version = "4.22.0";

const core = "@tensorflow/tfjs-core";

/** Each registers its kernels when it is imported. Literal names, so that bundlers find them. */
const imports: Readonly<Record<BackendName, () => Promise<unknown>>> = {
  cpu: () => import("@tensorflow/tfjs-backend-cpu"),
  wasm: () => import("@tensorflow/tfjs-backend-wasm"),
  webgl: () => import("@tensorflow/tfjs-backend-webgl"),
  webgpu: () => import("@tensorflow/tfjs-backend-webgpu"),
};

/** The command that installs what a backend needs. */
export const installCommand = (name: BackendName): string =>
  `npm install ${core}@${version} @tensorflow/tfjs-backend-${name}@${version}`;

const reasonOf = (error: unknown): string =>
  (error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error)).trim();

function missing(name: BackendName, message: string, cause?: unknown): DlcError {
  return new DlcError("engine-missing", message, {
    help: `Run: ${installCommand(name)}`,
    reason: "environment",
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Imports the library and the backend. Throws DlcError "engine-missing" where a package is not installed. */
export async function importBackend(name: BackendName): Promise<Tf> {
  try {
    const loaded = await import("@tensorflow/tfjs-core");
    await imports[name]();
    // Node loads the library as CommonJS, with everything on `default`; bundlers load its modules.
    return "default" in loaded ? (loaded.default as Tf) : loaded;
  } catch (cause) {
    const message = `TensorFlow.js with the backend '${name}' cannot be loaded: ${reasonOf(cause)}`;
    throw missing(name, message, cause);
  }
}

/** Where the files of the wasm backend are, if they are not beside the page's scripts. */
export interface LoadOptions {
  readonly wasmPath?: string | undefined;
}

/**
 * Imports and initialises a backend. Throws DlcError "engine-missing" where it cannot be had.
 * TensorFlow.js itself would go on with another backend, many times slower, and say nothing.
 */
export async function loadBackend(name: BackendName, options: LoadOptions = {}): Promise<Tf> {
  const tf = await importBackend(name);
  if (name === "wasm" && options.wasmPath !== undefined) {
    const { setWasmPaths } = await import("@tensorflow/tfjs-backend-wasm");
    setWasmPaths(options.wasmPath);
  }
  const before = tf.getBackend();
  const started = await tf.setBackend(name).catch(() => false);
  if (!started || tf.getBackend() !== name) {
    if (before) await tf.setBackend(before);
    throw missing(name, `the backend '${name}' of TensorFlow.js does not start here`);
  }
  // Or it prints an advertisement for another package at first use.
  if (name === "cpu") Object.assign(tf.backend(), { firstUse: false });
  if (before) await tf.setBackend(before);
  return tf;
}
