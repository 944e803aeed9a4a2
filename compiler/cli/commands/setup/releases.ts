/**
 * @file The TensorFlow wheels whose libraries `dlc setup tensorflow` builds the addon against where the npm packages'
 * own download is not possible. The packages are the runtime's to name: `@dlc/runtime/tensorflow-install`.
 */

export type Kind = "cpu" | "gpu";

/** The release of TensorFlow that the binding and the engine are tested with. */
export const tensorflowVersion = "2.21.0";

export interface WheelRelease {
  /** As PyPI calls the project. */
  readonly project: string;
  readonly file: string;
  /** As PyPI's index publishes it. */
  readonly sha256: string;
  /** Of the wheel. */
  readonly bytes: number;
  /** Of the headers and libraries that are taken from it. */
  readonly unpackedBytes: number;
}

/** Wheels are for a version of Python, but none of their Python is run: one wheel serves all. */
export const pythonVersion = "3.11";

export const wheels: Readonly<Record<Kind, WheelRelease>> = {
  cpu: {
    project: "tensorflow-cpu",
    file: "tensorflow_cpu-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl",
    sha256: "2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c",
    bytes: 273_829_956,
    unpackedBytes: 858_300_000,
  },
  gpu: {
    project: "tensorflow",
    file: "tensorflow-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl",
    sha256: "9056fbc9ba04235810b71ae6cbd958a196e8804fb53bbcffbf3e23b56155f124",
    bytes: 572_440_367,
    unpackedBytes: 1_264_000_000,
  },
};

/** The wheels' platform tag: Linux on x64 with glibc of at least this version. */
export const wheelPlatform = "manylinux_2_27_x86_64";
export const wheelGlibc: readonly [number, number] = [2, 27];

/** Of NVIDIA's libraries: 4.4 GB unpacked, and 2.9 GB of wheels beside them for a while (CUDA 12.9). */
export const cudaBytes = 7_300_000_000;

/** What the addon needs of a wheel: libraries by name, headers by folder. */
export const libraries: readonly string[] = [
  "libtensorflow_cc.so.2",
  "libtensorflow_framework.so.2",
];
export const headerFolders: readonly string[] = [
  "tensorflow/include/tensorflow/c/",
  "tensorflow/include/tensorflow/core/platform/",
  "tensorflow/include/tsl/",
  "tensorflow/include/xla/tsl/",
];

/** Room for the npm package and its dependencies, and for building the addon. */
export const packageBytes = 120_000_000;
