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

/** Imports the library and the backend. Throws DlcError "engine-missing" where a package is not installed. */
export async function importBackend(name: BackendName): Promise<Tf> {
  try {
    const loaded = await import("@tensorflow/tfjs-core");
    await imports[name]();
    // Node loads the library as CommonJS, with everything on `default`; bundlers load its modules.
    return "default" in loaded ? (loaded.default as Tf) : loaded;
  } catch (cause) {
    const message = `TensorFlow.js with the backend '${name}' cannot be loaded: ${reasonOf(cause)}`;
    const help = `Run: ${installCommand(name)}`;
    throw new DlcError("engine-missing", message, { help, reason: "environment", cause });
  }
}

/** Where the files of the wasm backend are, if they are not beside the page's scripts. */
export interface LoadOptions {
  readonly wasmPath?: string | undefined;
}

const started = new Map<BackendName, Promise<void>>();

/**
 * Puts an instance of the backend into the library's registry, so that changing to it takes no waiting.
 * `setBackend` would do so as well, but meanwhile leave the whole library without a backend, and where
 * this one does not start go on with another, many times slower, and say nothing.
 */
async function initialise(tf: Tf, name: BackendName): Promise<void> {
  const { registry } = tf.engine();
  if (registry[name] !== undefined) return;
  const factory = tf.findBackendFactory(name);
  if (factory === undefined) throw new Error("it does not register itself");
  const backend = await factory();
  if (backend === null) throw new Error("it finds nothing to run on");
  registry[name] = backend;
  // Or it prints an advertisement for another package at first use.
  if (name === "cpu") Object.assign(backend, { firstUse: false });
}

/** Imports and starts a backend. Throws DlcError "engine-missing" where it cannot be had. */
export async function loadBackend(name: BackendName, options: LoadOptions = {}): Promise<Tf> {
  const tf = await importBackend(name);
  if (name === "wasm" && options.wasmPath !== undefined) {
    const { setWasmPaths } = await import("@tensorflow/tfjs-backend-wasm");
    setWasmPaths(options.wasmPath);
  }
  const starting = started.get(name) ?? initialise(tf, name);
  started.set(name, starting);
  try {
    await starting;
  } catch (cause) {
    started.delete(name);
    const message = `TensorFlow.js's backend '${name}' does not start here: ${reasonOf(cause)}`;
    throw new DlcError("engine-missing", message, {
      help: "Choose another device or engine: `dlc doctor` tells what this machine has.",
      reason: "environment",
      cause,
    });
  }
  return tf;
}
