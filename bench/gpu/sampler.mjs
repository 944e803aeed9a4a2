/** @file What the GPUs do meanwhile, as nvidia-smi says four times a second; nothing where it is missing. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { median } from "../rounds.mjs";

/** A line "index, utilisation %, used MiB"; null if it is none. */
export function parseSample(line) {
  const cells = line.split(",").map((cell) => Number(cell.trim()));
  if (cells.length !== 3 || cells.some((cell) => !Number.isFinite(cell))) return null;
  const [gpu, utilisation, memory] = cells;
  return { gpu, utilisation, memory };
}

/** Median utilisation of the GPU that is used most, of samples {gpu, utilisation}; null without samples. */
export function busiest(samples) {
  const gpus = [...new Set(samples.map(({ gpu }) => gpu))];
  const medians = gpus.map((gpu) =>
    median(samples.filter((one) => one.gpu === gpu).map(({ utilisation }) => utilisation)),
  );
  return medians.length === 0 ? null : Math.max(...medians);
}

/** The most that the memory in use grew on one GPU, between two lists of samples; null without them. */
export function growth(before, after) {
  const used = (samples) => new Map(samples.map(({ gpu, memory }) => [gpu, memory]));
  const [first, last] = [used(before), used(after)];
  const grown = [...last]
    .filter(([gpu]) => first.has(gpu))
    .map(([gpu, memory]) => memory - first.get(gpu));
  return grown.length === 0 ? null : Math.max(0, ...grown);
}

/** Starts sampling. `close` ends it. */
export function startSampler(env) {
  const query = ["--query-gpu=index,utilization.gpu,memory.used"];
  const format = ["--format=csv,noheader,nounits", "-lms", "250"];
  const child = spawn("nvidia-smi", [...query, ...format], {
    env,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const samples = [];
  let isRunning = true;
  child.on("error", () => {
    isRunning = false;
  });
  child.on("exit", () => {
    isRunning = false;
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    const sample = parseSample(line);
    if (sample !== null) samples.push({ ...sample, at: performance.now() });
  });
  return {
    /** Those taken from `begin` to `end`, by performance.now(). */
    between: (begin, end) => samples.filter(({ at }) => at >= begin && at <= end),
    /** What is used now: the last sample of each GPU, after a moment in which one comes. */
    async now() {
      if (!isRunning) return [];
      await new Promise((resolve) => setTimeout(resolve, 600));
      const last = new Map(samples.map((sample) => [sample.gpu, sample]));
      return [...last.values()];
    },
    close: () => child.kill(),
  };
}
