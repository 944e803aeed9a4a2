/**
 * @file The native addon of `@tensorflow/tfjs-node[-gpu]`, loaded by itself: none of tfjs's own kernels, which
 * are several times slower than a graph, is ever used. Loaded without tfjs's JavaScript it needs none of the helpers
 * that later versions of Node dropped (util.isNullOrUndefined), and starts without tfjs-core.
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { DlcError } from "../../errors.js";
import { type FoundBinding, findBindings, setupCommand } from "./install.js";

/** As much of the addon's interface as the engine uses (binding/tfjs_binding.cc of the package). */
export interface Binding {
  createTensor(
    shape: number[],
    dtype: number,
    data: Float32Array | Int32Array | Uint8Array,
  ): number;
  deleteTensor(id: number): void;
  /** A copy. */
  tensorDataSync(id: number): Float32Array | Int32Array | Uint8Array;
  loadSavedModel(folder: string, tags: string): number;
  deleteSavedModel(id: number): void;
  /** Names with commas between them; blocks until all is computed. */
  runSavedModel(
    id: number,
    inputs: number[],
    inputNames: string,
    outputNames: string,
  ): { readonly id: number; readonly shape: number[]; readonly dtype: number }[];
  getNumOfTensors(): number;
  getNumOfSavedModels(): number;
  isUsingGpuDevice(): boolean;
  readonly TF_Version: string;
}

export interface LoadedBinding {
  readonly binding: Binding;
  readonly found: FoundBinding;
  /** TensorFlow has one pool of threads per process, which the first engine sets. */
  readonly threads: number;
}

let loaded: LoadedBinding | null = null;

const messageOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";

/** Settings that TensorFlow reads from the environment when it is loaded; those of the user hold. */
function prepareEnvironment(found: FoundBinding, threads: number): void {
  const compiler = join(found.folder, "deps/nvidia/cuda_nvcc");
  const settings: Readonly<Record<string, string>> = {
    TF_CPP_MIN_LOG_LEVEL: "2",
    // Otherwise all of the GPU's memory is taken at once.
    TF_FORCE_GPU_ALLOW_GROWTH: "true",
    // The addon cannot place anything on a second GPU.
    CUDA_VISIBLE_DEVICES: "0",
    // TensorFlow's own kernels instead of oneDNN's, which are faster (10.7 against 15.4 ms per step of
    // models/cifar10-cnn) but not safe: with AVX-512 and several threads the gradient of a convolution's filter
    // writes outside of its memory where the batch is odd (models/resnet18 at batch 3: "free(): invalid size"),
    // without AVX-512 some kernels end the process for halves, and sums are less exact.
    TF_ENABLE_ONEDNN_OPTS: "0",
    // For users who switch oneDNN on: AVX2 avoids the first of these.
    ONEDNN_MAX_CPU_ISA: "AVX2",
    TF_NUM_INTRAOP_THREADS: String(threads),
    TF_NUM_INTEROP_THREADS: String(Math.min(2, threads)),
    // Where ptxas and libdevice lie, which XLA compiles with.
    ...(existsSync(compiler) ? { XLA_FLAGS: `--xla_gpu_cuda_data_dir=${compiler}` } : {}),
  };
  for (const [name, value] of Object.entries(settings)) process.env[name] ??= value;
}

/**
 * The addon, loaded once per process; `threads` counts the first time.
 * @throws DlcError "engine-missing" where it is not installed or does not load.
 */
export function loadBinding(threads: number): LoadedBinding {
  if (loaded !== null) return loaded;
  const [found] = findBindings();
  if (found?.addon == null) {
    const what = found === undefined ? "is not installed" : "has no addon for this machine";
    throw missing(`${found?.name ?? "@tensorflow/tfjs-node"} ${what}`);
  }
  prepareEnvironment(found, threads);
  try {
    const binding = createRequire(import.meta.url)(found.addon) as Binding;
    // Set by the user, perhaps; TensorFlow ignores what is no number.
    const own = Number(process.env.TF_NUM_INTRAOP_THREADS);
    loaded = { binding, found, threads: own >= 1 ? own : threads };
  } catch (cause) {
    throw missing(`${found.name} cannot be loaded: ${messageOf(cause)}`, cause);
  }
  return loaded;
}

function missing(message: string, cause?: unknown): DlcError {
  return new DlcError("engine-missing", message, {
    help: `Run: ${setupCommand(false)}`,
    reason: "environment",
    cause,
  });
}
