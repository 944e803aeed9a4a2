/**
 * @file Can CUDA be used? First what costs nothing: the platform, a GPU, its driver's version, the provider library
 * that onnxruntime-node's install script downloads. Then a session in a process of its own, which says whether
 * the libraries of CUDA and cuDNN load; where it fails, what is installed tells which one is missing or of
 * another version.
 *
 * Versions that onnxruntime-node 1.30 is built for: CUDA 12 with cuDNN 9, TensorRT 10
 * (https://onnxruntime.ai/docs/execution-providers/CUDA-ExecutionProvider.html#requirements).
 */
import { execFile } from "node:child_process";
import { dirname, join } from "node:path";
import type { Probe } from "../entry.js";
import { attemptSession, type SessionAttempt } from "./attempt-session.js";
import type { SessionOptions } from "./ort.js";
import { thisMachine } from "./probe-webgpu.js";

export interface CudaMachine {
  readonly platform: string;
  readonly arch: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where onnxruntime-node has its native libraries for this platform. */
  readonly libraries: string;
  /** Names in a folder; none where it does not exist. */
  list(folder: string): readonly string[];
  /** A file's text, or "" where it cannot be read. */
  text(path: string): string;
  /** What a command prints; "" where it fails, is not there, or takes too long. */
  run(command: string, args: readonly string[]): Promise<string>;
  attempt(session: SessionOptions): Promise<SessionAttempt>;
}

/** Milliseconds for a look at what is installed; nvidia-smi takes seconds where the driver sleeps. */
const patience = 5000;

/** `library` is the file that `require` loads ONNX Runtime from. */
export const cudaMachine = (library: string): CudaMachine => ({
  ...thisMachine(library),
  arch: process.arch,
  libraries: join(dirname(library), "..", "bin", "napi-v6", process.platform, process.arch),
  run: (command, args) =>
    new Promise((resolve) => {
      execFile(command, args, { timeout: patience }, (error, stdout) =>
        resolve(error === null ? stdout : ""),
      );
    }),
  attempt: (session) => attemptSession(library, session),
});

/** The first driver for CUDA 12: https://docs.nvidia.com/cuda/cuda-toolkit-release-notes (table 3). */
const oldestDriver = [525, 60] as const;
const cudaVersion = 12;

const installProvider = "ONNXRUNTIME_NODE_INSTALL=true npm rebuild onnxruntime-node";
const installDriver = "sudo ubuntu-drivers install";
const startWithGpu = "docker run --gpus all …";

/** Libraries of others that the providers need, by the beginning of their names, and what brings them. */
const needs: readonly {
  readonly library: RegExp;
  readonly name: string;
  readonly version: number;
  readonly fix: string;
}[] = [
  { library: /^libcudnn/, name: "cuDNN", version: 9, fix: "sudo apt install cudnn9-cuda-12" },
  {
    library: /^lib(nvinfer|nvonnxparser)/,
    name: "TensorRT",
    version: 10,
    fix: "sudo apt install libnvinfer10 libnvinfer-plugin10 libnvonnxparsers10",
  },
  {
    library: /^lib(cudart|cublas|cufft|curand|nvrtc|cusparse|nvJitLink)/,
    name: "CUDA",
    version: cudaVersion,
    fix: "sudo apt install cuda-libraries-12-9",
  },
];

const absent = (detail: string, fix: string | null): Probe => ({
  availability: "absent",
  detail,
  fix,
});

/** Is there a display controller of NVIDIA (class 03, vendor 10de) on the bus? */
const hasGpu = (machine: CudaMachine): boolean =>
  machine.list("/sys/bus/pci/devices").some((device) => {
    const about = (file: string): string =>
      machine.text(`/sys/bus/pci/devices/${device}/${file}`).trim();
    return about("vendor") === "0x10de" && about("class").startsWith("0x03");
  });

/** Windows' driver as Linux on Windows sees it. */
const isWsl = (machine: CudaMachine): boolean =>
  machine.list("/usr/lib/wsl/lib").includes("libcuda.so.1");

const isContainer = (machine: CudaMachine): boolean =>
  machine.list("/").includes(".dockerenv") || (machine.env.NVIDIA_VISIBLE_DEVICES ?? "") !== "";

interface Driver {
  readonly major: number;
  readonly minor: number;
  readonly text: string;
}

/** The version of the kernel's driver; null where there is none or it does not say. */
function driverOf(machine: CudaMachine): Driver | null {
  const about = machine.text("/proc/driver/nvidia/version");
  const [, text, major, minor] = /\s((\d{3,})\.(\d+)(?:\.\d+)?)\s/.exec(about) ?? [];
  return text === undefined ? null : { text, major: Number(major), minor: Number(minor) };
}

const isTooOld = ({ major, minor }: Driver): boolean =>
  major < oldestDriver[0] || (major === oldestDriver[0] && minor < oldestDriver[1]);

/** Why it cannot work, without loading anything; null where it may. */
function beforehand(machine: CudaMachine, device: string): Probe | null {
  if (machine.platform !== "linux" || machine.arch !== "x64") {
    const here = `${machine.platform} on ${machine.arch}`;
    return absent(
      `onnxruntime-node has ${device} for Linux on x64 only, and this is ${here}`,
      null,
    );
  }
  const driver = driverOf(machine);
  if (driver === null && !isWsl(machine)) {
    if (!hasGpu(machine)) return absent("no NVIDIA GPU", null);
    return isContainer(machine)
      ? absent("the NVIDIA GPU is not handed to this container", startWithGpu)
      : absent("there is an NVIDIA GPU but no driver (/proc/driver/nvidia/version)", installDriver);
  }
  if (driver !== null && isTooOld(driver)) {
    const least = oldestDriver.join(".");
    return absent(
      `the NVIDIA driver ${driver.text} is too old for CUDA ${cudaVersion}, which needs ${least} or newer`,
      installDriver,
    );
  }
  const provider = `libonnxruntime_providers_${device}.so`;
  const there = machine.list(machine.libraries);
  const lacking = [provider, "libonnxruntime_providers_shared.so"].find(
    (name) => !there.includes(name),
  );
  return lacking === undefined
    ? null
    : absent(`${lacking} is not installed beside onnxruntime-node`, installProvider);
}

/** Names of the shared libraries that programs find here. */
async function installed(machine: CudaMachine): Promise<readonly string[]> {
  const cache = await machine.run("/sbin/ldconfig", ["-p"]);
  const known = [...cache.matchAll(/^\s+(\S+\.so\S*) /gm)].map(([, name]) => name as string);
  const path = (machine.env.LD_LIBRARY_PATH ?? "").split(":").filter((folder) => folder !== "");
  const folders = [...path, `/usr/local/cuda/lib64`];
  return [...known, ...folders.flatMap((folder) => machine.list(folder))];
}

/** Major versions of a library that are installed under another version than the one that is missing. */
function otherVersions(missing: string, names: readonly string[]): readonly number[] {
  const stem = missing.replace(/\.so.*$/, ".so.");
  const versions = names.flatMap((name) => {
    const [, version] = name.startsWith(stem) ? (/\.so\.(\d+)/.exec(name) ?? []) : [];
    return version === undefined ? [] : [Number(version)];
  });
  const wanted = Number(/\.so\.(\d+)/.exec(missing)?.[1]);
  return [...new Set(versions)].filter((version) => version !== wanted).sort((a, b) => a - b);
}

/** Why the session failed, from what ONNX Runtime wrote. */
async function afterwards(machine: CudaMachine, { error, log }: SessionAttempt): Promise<Probe> {
  const text = `${log}\n${error ?? ""}`;
  const [, missing] = /with error: (\S+\.so\S*?):? cannot open shared object/.exec(text) ?? [];
  if (missing !== undefined) {
    const need = needs.find(({ library }) => library.test(missing));
    if (need === undefined) return absent(`the library ${missing} is missing`, null);
    const { name, version, fix } = need;
    const others = otherVersions(missing, await installed(machine));
    // Versions of libraries such as libcufft.so.11 are not those of CUDA: only the runtime's tell.
    const told = /^lib(cudart|cublas|cudnn|nvinfer)/.test(missing) ? others : [];
    return told.length === 0
      ? absent(`${name} ${version} is not installed: the library ${missing} is missing`, fix)
      : absent(
          `${name} ${told.join(" and ")} is installed, but onnxruntime-node needs ${name} ${version} (${missing})`,
          fix,
        );
  }
  if (/driver version is insufficient|CUDA failure 35\b/.test(text)) {
    return absent("the NVIDIA driver is too old for the CUDA libraries", installDriver);
  }
  if (/no CUDA-capable device|CUDA failure 100\b/.test(text)) {
    return absent("CUDA finds no GPU (CUDA_VISIBLE_DEVICES, or a container without GPUs)", null);
  }
  return absent(error?.split("\n")[0] ?? "no session", null);
}

/** Name and memory of the first GPU. */
export async function describeGpu(machine: Pick<CudaMachine, "run">): Promise<{
  readonly name: string;
  readonly bytes: number;
} | null> {
  const query = ["--query-gpu=name,memory.total", "--format=csv,noheader,nounits", "--id=0"];
  const [, name, mebibytes] =
    /^(.+), (\d+)\s*$/m.exec(await machine.run("nvidia-smi", query)) ?? [];
  return name === undefined ? null : { name, bytes: Number(mebibytes) * 2 ** 20 };
}

/** `device` is "cuda" or "tensorrt", `session` what its target opens sessions with. Never throws. */
export async function probeCuda(
  machine: CudaMachine,
  device: string,
  session: SessionOptions,
): Promise<Probe> {
  const impossible = beforehand(machine, device);
  if (impossible !== null) return impossible;
  const attempt = await machine.attempt(session);
  if (attempt.error !== null) return afterwards(machine, attempt);
  const { name = "an NVIDIA GPU" } = (await describeGpu(machine)) ?? {};
  const driver = driverOf(machine);
  const detail = driver === null ? name : `${name}, driver ${driver.text}`;
  return { availability: "ready", detail, fix: null };
}
