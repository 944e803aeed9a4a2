/**
 * @file How long the command line takes, and how much memory: the median of five cold processes each.
 *
 *     node bench/cli.mjs [--runs 5] [--train]
 *
 * Build first (`npm run build`). With --train also the time and peak memory of training models/mnist-cnn.
 * Results go to bench/results.
 */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { median } from "./rounds.mjs";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "5" },
    train: { type: "boolean", default: false },
  },
});
const repository = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "dlc-bench-"));

/** Prints the process's peak memory (kilobytes) and CPU time (microseconds) as it ends. */
const report = `data:text/javascript,${encodeURIComponent(
  'process.on("exit", () => { const u = process.resourceUsage(); process.stderr.write(`\\nusage ${u.maxRSS} ${u.userCPUTime + u.systemCPUTime}\\n`); })',
)}`;

/** One cold run of `dlc`: milliseconds of wall clock and of all cores' work, megabytes at the peak. */
function once(args) {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const dlc = join(repository, "compiler/bin/dlc.js");
    const child = spawn(process.execPath, ["--import", report, dlc, ...args], {
      cwd: repository,
      stdio: ["ignore", "ignore", "pipe"],
    });
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text) => {
      stderr += text;
    });
    child.on("error", reject);
    child.on("close", (code) => {
      const [, memory, cpu] = /\nusage (\d+) (\d+)\n$/.exec(stderr) ?? [];
      if (code !== 0 || memory === undefined) reject(new Error(`dlc ${args[0]}: ${stderr}`));
      const wall = performance.now() - start;
      resolve({ wall, cpu: Number(cpu) / 1000, memory: Number(memory) / 1024 });
    });
  });
}

const head = (name, features) => `dlc: 1
name: ${name}
data:
  source: arrays
  features: { ${features} }
  targets:
    label: { type: category, classes: [a, b, c] }
model:
  layers:
`;
const tail = `    - dense: 3
train: { loss: cross_entropy, optimizer: adam, batch: 32, epochs: 1, metrics: [accuracy] }
`;

/** Specs of 1,000 layers: all dense, and a deep convolutional network. */
function thousandLayers() {
  const dense = "    - dense: { units: 16, activation: relu }\n".repeat(999);
  const block =
    "    - conv2d: { filters: 8, kernel: 3, padding: same }\n    - batch_norm\n    - relu\n";
  const texts = {
    dense: head("dense", "x: { type: vector, shape: [16] }") + dense + tail,
    convolutional:
      head("convolutional", "x: { type: image, shape: [8, 8, 3], scale: unit }") +
      `${block.repeat(332)}    - relu\n    - relu\n    - global_avg_pool2d\n${tail}`,
  };
  return Object.entries(texts).map(([name, text]) => {
    const file = join(folder, `${name}.yaml`);
    writeFileSync(file, text);
    return [`validate, 1,000 ${name} layers`, ["validate", file], "wall ≤ 1 s"];
  });
}

const mnist = "models/mnist-cnn/spec.yaml";
const measurements = [
  ["--help", ["--help"], "wall ≤ 300 ms"],
  ["validate, mnist-cnn", ["validate", mnist], ""],
  ...thousandLayers(),
  ["build, mnist-cnn", ["build", mnist, "--out", join(folder, "out"), "--force"], "wall ≤ 3 s"],
];

const results = [];
try {
  for (const [name, args, bar] of measurements) {
    const runs = [];
    for (let i = 0; i < Number(values.runs); i++) {
      rmSync(join(folder, "out"), { recursive: true, force: true });
      runs.push(await once(args));
    }
    results.push({ name, bar, ...summary(runs) });
  }
  if (values.train) {
    const run = await once(["train", mnist, "--runs", join(folder, "runs"), "--fresh"]);
    results.push({ name: "train, mnist-cnn", bar: "memory ≤ 800 MB", ...summary([run]) });
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function summary(runs) {
  const of = (key) => median(runs.map((run) => run[key]));
  return { wall: of("wall"), cpu: of("cpu"), memory: of("memory") };
}

const about = { cpu: cpus()[0]?.model, cores: availableParallelism(), node: process.version };
console.log(
  `${about.cpu}, ${about.cores} cores, node ${about.node}, load ${loadavg()[0].toFixed(1)}`,
);
console.log(`${"".padEnd(36)}  wall ms   CPU ms  peak MB  bar`);
for (const { name, bar, wall, cpu, memory } of results) {
  const numbers = [wall, cpu, memory].map((value) => value.toFixed(0).padStart(8));
  console.log(`${name.padEnd(36)} ${numbers.join(" ")}  ${bar}`.trimEnd());
}
const out = new URL("./results/", import.meta.url);
mkdirSync(out, { recursive: true });
writeFileSync(new URL("cli.json", out), `${JSON.stringify({ ...about, results }, null, 2)}\n`);
