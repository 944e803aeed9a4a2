/**
 * @file Is there a GPU that WebGPU can use? First a look at device files, which costs nothing; then a session in a
 * process of its own, because a driver may end the process that loads it, or hang.
 *
 * ONNX Runtime does not say which adapter it took. What the process has opened does: on Linux a GPU is reached
 * through a device file, on Windows through a driver from the driver store; emulations (SwiftShader,
 * llvmpipe, WARP) need neither. Where there are both, Dawn prefers the GPU. Metal has no emulation.
 */
import { readdirSync, readFileSync } from "node:fs";
import type { Probe } from "../entry.js";
import { attemptSession, type SessionAttempt } from "./attempt-session.js";
import { webgpuTarget } from "./target-webgpu.js";

export type Attempt = Pick<SessionAttempt, "error" | "opened">;

/** What the probe sees of a machine; tests bring their own. */
export interface Machine {
  readonly platform: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Names in a folder; none where it does not exist. */
  list(folder: string): readonly string[];
  /** A file's text, or "" where it cannot be read. */
  text(path: string): string;
  /** What a process that opened a session found. */
  attempt(): Promise<Attempt>;
}

/** This machine; `library` is the file that `require` loads ONNX Runtime from. */
export const thisMachine = (library: string): Machine => ({
  platform: process.platform,
  env: process.env,
  list(folder) {
    try {
      return readdirSync(folder);
    } catch {
      return [];
    }
  },
  text(path) {
    try {
      return readFileSync(path, "utf8");
    } catch {
      return "";
    }
  },
  attempt: () => attemptSession(library, webgpuTarget.session),
});

const deviceFile = /^\/dev\/(dri\/renderD\d+|nvidia\d+|dxg)$/;

/** Names of the files through which GPUs are reached on Linux. */
const deviceFiles = (machine: Machine): readonly string[] =>
  [
    ...machine.list("/dev").map((name) => `/dev/${name}`),
    ...machine.list("/dev/dri").map((name) => `/dev/dri/${name}`),
  ].filter((path) => deviceFile.test(path));

const driverVariables = ["VK_ICD_FILENAMES", "VK_DRIVER_FILES", "VK_ADD_DRIVER_FILES"];

/** The one step that brings a driver; null where nobody can say. */
function driverFix(machine: Machine): string | null {
  if (machine.platform === "win32")
    return "winget upgrade --all, or the GPU maker's driver installer";
  if (machine.platform !== "linux") return null;
  if (!deviceFiles(machine).some((path) => path.includes("nvidia"))) {
    return "sudo apt install libvulkan1 mesa-vulkan-drivers";
  }
  // In containers of NVIDIA's toolkit, Vulkan is one of the capabilities that have to be asked for.
  if ((machine.env.NVIDIA_VISIBLE_DEVICES ?? "") !== "") {
    return "docker run --gpus all -e NVIDIA_DRIVER_CAPABILITIES=all …";
  }
  const about = machine.text("/proc/driver/nvidia/version");
  const version = /Module\s+(?:for \S+\s+)?(\d+)\./.exec(about)?.[1] ?? "<version>";
  return `sudo apt install libvulkan1 libnvidia-gl-${version}`;
}

const makers: Readonly<Record<string, string>> = {
  "0x1002": "AMD",
  "0x8086": "Intel",
  "0x10de": "NVIDIA",
};

/** What the GPUs are called, as far as the system tells. */
function gpuNames(machine: Machine): string {
  const nvidia = machine.list("/proc/driver/nvidia/gpus").flatMap((gpu) => {
    const about = machine.text(`/proc/driver/nvidia/gpus/${gpu}/information`);
    const model = /^Model:\s*(.+)$/m.exec(about)?.[1];
    return model === undefined ? [] : [model.trim()];
  });
  const drm = machine
    .list("/sys/class/drm")
    .filter((name) => name.startsWith("renderD"))
    .flatMap((name) => makers[machine.text(`/sys/class/drm/${name}/device/vendor`).trim()] ?? []);
  const names = nvidia.length > 0 ? nvidia : drm;
  return names.length === 0 ? "a GPU" : [...new Set(names)].join(", ");
}

const emulations: readonly (readonly [file: RegExp, name: string])[] = [
  [/swiftshader/i, "SwiftShader"],
  [/vulkan_lvp/i, "llvmpipe"],
  [/d3d10warp/i, "WARP"],
];

/** Whether what the process had open is a GPU's. */
function isHardware(machine: Machine, opened: readonly string[]): boolean {
  if (machine.platform === "linux") return opened.some((path) => deviceFile.test(path));
  if (machine.platform !== "win32") return true;
  const driver = opened.some((path) => /\\DriverStore\\FileRepository\\/i.test(path));
  return driver || !opened.some((path) => /d3d10warp/i.test(path));
}

const interfaces: Readonly<Record<string, string>> = { darwin: "Metal", win32: "Direct3D 12" };

/** Never throws. */
export async function probeWebGpu(machine: Machine): Promise<Probe> {
  const { platform, env } = machine;
  const named = driverVariables.filter((name) => (env[name] ?? "") !== "");
  if (platform === "linux" && named.length === 0 && deviceFiles(machine).length === 0) {
    const detail =
      "no GPU: there is no /dev/dri/renderD*, /dev/nvidia* or /dev/dxg (containers are given one by --gpus all or --device)";
    return { availability: "absent", detail, fix: null };
  }
  const { error, opened } = await machine.attempt();
  if (error !== null) {
    const reason = error.split("\n")[0]?.replace(/^.*(?=Failed to get)/, "") ?? error;
    return { availability: "absent", detail: reason, fix: driverFix(machine) };
  }
  if (isHardware(machine, opened)) {
    const through = interfaces[platform] ?? "Vulkan";
    return { availability: "ready", detail: `${gpuNames(machine)} through ${through}`, fix: null };
  }
  const emulation = emulations.find(([file]) => opened.some((path) => file.test(path)))?.[1];
  const detail = `only an emulation of a GPU${emulation === undefined ? "" : ` (${emulation})`}`;
  return { availability: "software", detail, fix: driverFix(machine) };
}
