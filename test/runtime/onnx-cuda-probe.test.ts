/** @file What the probe for CUDA makes of machines, each of which is described here. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { attemptSession, type SessionAttempt } from "../../runtime/engines/onnx/attempt-session.js";
import { loadOrt, ortPath } from "../../runtime/engines/onnx/ort-node.js";
import {
  type CudaMachine,
  cudaMachine,
  describeGpu,
  probeCuda,
} from "../../runtime/engines/onnx/probe-cuda.js";
import { probeSystem } from "../../runtime/engines/onnx/probe-system.js";
import { cpuTarget } from "../../runtime/engines/onnx/target.js";
import { cudaTarget, tensorrtTarget } from "../../runtime/engines/onnx/target-cuda.js";
import { coremlTarget, directmlTarget } from "../../runtime/engines/onnx/target-system.js";

interface Described {
  readonly platform?: string;
  readonly arch?: string;
  readonly env?: CudaMachine["env"];
  readonly files?: Readonly<Record<string, string>>;
  readonly commands?: Readonly<Record<string, string>>;
  readonly attempt?: Partial<SessionAttempt>;
}

/** A Linux machine with these files; every attempt to open a session is counted. */
function machineOf(described: Described): { machine: CudaMachine; attempts: () => number } {
  const { platform = "linux", arch = "x64", env = {}, files = {}, commands = {} } = described;
  let attempts = 0;
  const machine: CudaMachine = {
    ...{ platform, arch, env, libraries: "/ort" },
    list: (folder) => {
      const inside = Object.keys(files).filter((path) => path.startsWith(`${folder}/`));
      const names = inside.map((path) => path.slice(folder.length + 1).split("/")[0] ?? "");
      return [...new Set(folder === "/" ? Object.keys(files).map((path) => path.slice(1)) : names)];
    },
    text: (path) => files[path] ?? "",
    run: async (command) => commands[command] ?? "",
    attempt: async () => {
      attempts++;
      return { error: null, opened: [], log: "", ...described.attempt };
    },
  };
  return { machine, attempts: () => attempts };
}

const gpu = {
  "/sys/bus/pci/devices/0000:01:00.0/vendor": "0x10de\n",
  "/sys/bus/pci/devices/0000:01:00.0/class": "0x030200\n",
};
const driver = (version: string) => ({
  "/proc/driver/nvidia/version": `NVRM version: NVIDIA UNIX x86_64 Kernel Module  ${version}  Wed Aug 14\nGCC version: 12\n`,
});
const provider = {
  "/ort/libonnxruntime_providers_cuda.so": "",
  "/ort/libonnxruntime_providers_shared.so": "",
};
const good = { ...gpu, ...driver("550.107.02"), ...provider };
const refused = "OrtSessionOptionsAppendExecutionProvider_Cuda: Failed to load shared library";
const lacks = (library: string): Partial<SessionAttempt> => ({
  error: refused,
  log: `[E:onnxruntime:Default, provider_bridge_ort.cc:1862 TryGetProviderInfo_CUDA] [ONNXRuntimeError] : 1 : FAIL : Failed to load library libonnxruntime_providers_cuda.so with error: ${library}: cannot open shared object file: No such file or directory`,
});
const probe = (described: Described) =>
  probeCuda(machineOf(described).machine, "cuda", cudaTarget.session);

describe("without loading anything", () => {
  it.for([
    ["Windows", { platform: "win32" }, /for Linux on x64 only.*win32/, null],
    ["Linux on arm64", { arch: "arm64", files: good }, /for Linux on x64 only.*arm64/, null],
    ["a machine without a GPU", {}, /^no NVIDIA GPU$/, null],
    [
      "a sound card of the GPU's maker",
      { files: { ...gpu, "/sys/bus/pci/devices/0000:01:00.0/class": "0x040300" } },
      /^no NVIDIA GPU$/,
      null,
    ],
    ["a GPU without a driver", { files: gpu }, /no driver/, "sudo ubuntu-drivers install"],
    [
      "a container without the GPU",
      { files: { ...gpu, "/.dockerenv": "" } },
      /not handed to this container/,
      "docker run --gpus all …",
    ],
    [
      "an old driver",
      { files: { ...good, ...driver("470.256.02") } },
      /driver 470\.256\.02 is too old for CUDA 12, which needs 525\.60/,
      "sudo ubuntu-drivers install",
    ],
    [
      "a driver of the same branch that is older",
      { files: { ...good, ...driver("525.53") } },
      /525\.53 is too old/,
      "sudo ubuntu-drivers install",
    ],
    [
      "an onnxruntime-node without the provider",
      { files: { ...gpu, ...driver("550.54.15") } },
      /libonnxruntime_providers_cuda\.so is not installed/,
      "ONNXRUNTIME_NODE_INSTALL=true npm rebuild onnxruntime-node",
    ],
  ] as const)("%s is told apart", async ([, described, detail, fix]) => {
    const { machine, attempts } = machineOf(described);
    const found = await probeCuda(machine, "cuda", cudaTarget.session);
    expect(found).toMatchObject({ availability: "absent", fix });
    expect(found.detail).toMatch(detail);
    expect(attempts()).toBe(0);
  });

  it("asks for TensorRT's own library besides", async () => {
    const found = await probeCuda(
      machineOf({ files: good }).machine,
      "tensorrt",
      tensorrtTarget.session,
    );
    expect(found.detail).toContain("libonnxruntime_providers_tensorrt.so is not installed");
  });
});

describe("a session that does not open", () => {
  it.for([
    ["libcudnn.so.9", [], /^cuDNN 9 is not installed/, "sudo apt install cudnn9-cuda-12"],
    ["libcudnn_adv.so.9", [], /^cuDNN 9 is not installed/, "sudo apt install cudnn9-cuda-12"],
    [
      "libcudnn.so.9",
      ["libcudnn.so.8"],
      /^cuDNN 8 is installed, but onnxruntime-node needs cuDNN 9/,
      "sudo apt install cudnn9-cuda-12",
    ],
    [
      "libcublasLt.so.12",
      ["libcublasLt.so.13", "libcublas.so.13"],
      /^CUDA 13 is installed, but onnxruntime-node needs CUDA 12/,
      "sudo apt install cuda-libraries-12-9",
    ],
    [
      "libcudart.so.12",
      ["libcudart.so.11.0", "libcudart.so.13"],
      /^CUDA 11 and 13 is installed/,
      "sudo apt install cuda-libraries-12-9",
    ],
    // cuFFT 10 belongs to CUDA 11: its number is not CUDA's.
    [
      "libcufft.so.11",
      ["libcufft.so.10"],
      /^CUDA 12 is not installed: the library libcufft\.so\.11/,
      "sudo apt install cuda-libraries-12-9",
    ],
    [
      "libnvinfer.so.10",
      [],
      /^TensorRT 10 is not installed/,
      "sudo apt install libnvinfer10 libnvinfer-plugin10 libnvonnxparsers10",
    ],
    ["libmystery.so.3", [], /^the library libmystery\.so\.3 is missing$/, null],
  ] as const)("for want of %s, with %j", async ([missing, others, detail, fix]) => {
    const cache = others.map((name) => `\t${name} (libc6,x86-64) => /usr/lib/${name}\n`).join("");
    const attempt = lacks(missing);
    const inCache = await probe({ files: good, attempt, commands: { "/sbin/ldconfig": cache } });
    expect(inCache).toMatchObject({ availability: "absent", fix });
    expect(inCache.detail).toMatch(detail);
    const files = {
      ...good,
      ...Object.fromEntries(others.map((name) => [`/opt/cuda/lib/${name}`, ""])),
    };
    const env = { LD_LIBRARY_PATH: "/none:/opt/cuda/lib" };
    expect((await probe({ files, attempt, env })).detail).toMatch(detail);
  });

  it.for([
    [
      "CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version ; GPU=-1 ; hostname=h",
      /driver is too old/,
    ],
    ["CUDA failure 100: no CUDA-capable device is detected ; GPU=-1", /finds no GPU/],
    ["the driver did not answer within 30 s", /did not answer/],
  ] as const)("because: %s", async ([error, detail]) => {
    const found = await probe({ files: good, attempt: { error } });
    expect(found.availability).toBe("absent");
    expect(found.detail).toMatch(detail);
  });
});

describe("a GPU that works", () => {
  const commands = { "nvidia-smi": "NVIDIA H100 80GB HBM3, 81559\n" };

  it("is named with its driver", async () => {
    const found = await probe({ files: good, commands });
    expect(found).toEqual({
      availability: "ready",
      detail: "NVIDIA H100 80GB HBM3, driver 550.107.02",
      fix: null,
    });
    expect(await describeGpu(machineOf({ commands }).machine)).toEqual({
      name: "NVIDIA H100 80GB HBM3",
      bytes: 81559 * 2 ** 20,
    });
  });

  it("is found without nvidia-smi, and under Windows' driver", async () => {
    expect((await probe({ files: good })).availability).toBe("ready");
    const files = { ...provider, "/usr/lib/wsl/lib/libcuda.so.1": "" };
    expect((await probe({ files, commands })).detail).toBe("NVIDIA H100 80GB HBM3");
    expect(await describeGpu(machineOf({}).machine)).toBeNull();
  });
});

describe("what the operating system brings", () => {
  const open = async () => ({ error: null, opened: [], log: "" });
  it.for([
    ["directml", "win32", directmlTarget],
    ["coreml", "darwin", coremlTarget],
  ] as const)("%s is there on %s alone", async ([device, platform, target]) => {
    const on = (system: string, attempt: () => Promise<SessionAttempt> = open) =>
      probeSystem({ platform: system, attempt }, device, target.session);
    expect((await on(platform)).availability).toBe("ready");
    expect((await on("linux")).availability).toBe("absent");
    const failed = async () => ({ error: "no adapter\nstack", opened: [], log: "" });
    expect(await on(platform, failed)).toMatchObject({
      availability: "absent",
      detail: "no adapter",
    });
  });
});

const library = ortPath();
if (library === null) throw new Error("onnxruntime-node is not installed");
const isInstalled = existsSync(
  join(cudaMachine(library).libraries, "libonnxruntime_providers_cuda.so"),
);
const missing = [
  ...(isInstalled ? [] : [cudaTarget, tensorrtTarget]),
  ...(process.platform === "win32" ? [] : [directmlTarget]),
  ...(process.platform === "darwin" ? [] : [coremlTarget]),
];

describe("sessions for a provider that is not there", () => {
  it.for(missing)("fail, and are not handed to the CPU: $device", async ({ session }) => {
    const model = new Uint8Array(0);
    const { InferenceSession } = await loadOrt();
    const error = await InferenceSession.create(model, session).then(
      () => null,
      (thrown: Error) => thrown,
    );
    expect(error?.message).toMatch(/AppendExecutionProvider|backend not found/);
  });

  it("are tried in a process of their own", async () => {
    const { session } = cpuTarget();
    expect((await attemptSession(library, session)).error).toBeNull();
  });

  it.skipIf(isInstalled)("are tried in a process that tells what it lacks", async () => {
    const cuda = await attemptSession(library, cudaTarget.session);
    expect(cuda.error).toContain("Failed to load shared library");
    expect(cuda.log).toMatch(/libonnxruntime_providers_\w+\.so.*cannot open shared object/);
  });
});
