/** @file What machine this is: as its own tools say, where they are present. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release, totalmem } from "node:os";
import { promisify } from "node:util";

const run = promisify(execFile);

/** What a program prints; null where it is missing or fails. */
async function output(env, command, ...args) {
  try {
    return (await run(command, args, { env, timeout: 20_000 })).stdout;
  } catch {
    return null;
  }
}

const linesOf = (text, pattern) => text?.split("\n").filter((line) => pattern.test(line)) ?? null;

/** The GPUs as `nvidia-smi --query-gpu=name,driver_version,memory.total,compute_cap --format=csv,noheader` lists them. */
export function parseGpus(text) {
  return text
    .split("\n")
    .map((line) => line.split(",").map((cell) => cell.trim()))
    .filter(([name, driver]) => name !== "" && driver !== undefined)
    .map(([name, driver, memory, computeCapability]) => ({
      name,
      driver,
      memory,
      computeCapability: computeCapability ?? null,
    }));
}

function system() {
  try {
    const text = readFileSync("/etc/os-release", "utf8");
    return /^PRETTY_NAME="?([^"\n]*)/m.exec(text)?.[1] ?? null;
  } catch {
    return null;
  }
}

/** null stands for what could not be found out. */
export async function describeMachine(env) {
  const query = [
    "--query-gpu=name,driver_version,memory.total,compute_cap",
    "--format=csv,noheader",
  ];
  const [gpus, smi, vulkan, pci] = await Promise.all([
    output(env, "nvidia-smi", ...query),
    output(env, "nvidia-smi"),
    output(env, "vulkaninfo", "--summary"),
    output(env, "lspci"),
  ]);
  return {
    gpus: gpus === null ? null : parseGpus(gpus),
    cuda: /CUDA Version: ([\d.]+)/.exec(smi ?? "")?.[1] ?? null,
    vulkan:
      linesOf(vulkan, /deviceName|driverInfo|deviceType/)?.map((line) =>
        line.trim().replace(/\s+=\s+/, ": "),
      ) ?? null,
    pci: linesOf(pci, /VGA|3D|Display/),
    cpu: cpus()[0]?.model.trim() ?? null,
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    load: loadavg()[0],
    system: system(),
    kernel: release(),
    glibc: process.report.getReport().header.glibcVersionRuntime ?? null,
    node: process.version,
  };
}

/** The description in lines, for people. */
export function machineLines(machine) {
  const { gpus, cuda, vulkan, pci } = machine;
  const list = (values) => (values.length === 0 ? "none" : values.join("; "));
  const cards = gpus?.map(({ name, driver, memory }) => `${name}, ${memory}, driver ${driver}`);
  return [
    `GPU (nvidia-smi): ${cards === undefined ? "no such program" : list(cards)}${cuda === null ? "" : `; CUDA ${cuda}`}`,
    `GPU (vulkaninfo): ${vulkan === null ? "no such program" : list(vulkan)}`,
    `GPU (lspci): ${pci === null ? "no such program" : list(pci)}`,
    `CPU: ${machine.cpu}, ${machine.cores} threads usable, ${machine.memoryGiB} GiB, load ${machine.load.toFixed(1)}`,
    `System: ${machine.system ?? "unknown"}, kernel ${machine.kernel}, glibc ${machine.glibc}, node ${machine.node}`,
  ];
}
