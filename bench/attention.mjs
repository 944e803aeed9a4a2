/**
 * @file One layer of multi-head self-attention on batches of 64 sequences of 64 steps of 128 numbers, 4 heads:
 * forward and backward, as dlc generates it and in PyTorch.
 *
 *     node bench/attention.mjs [--threads 2] [--rounds 20] [--steps 5] [--python python3]
 *
 * Build first (`npm run build`). PyTorch takes part where that Python has it. Compare ratios, not times.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { emitPackage } from "../compiler/dist/5-emit/emit-package.js";
import { compile } from "../compiler/dist/pipeline.js";
import { programPeer } from "./peers/program.mjs";
import { pythonPeer } from "./peers/subprocess.mjs";
import { measure } from "./rounds.mjs";

const { values } = parseArgs({
  options: {
    threads: { type: "string", default: String(availableParallelism()) },
    rounds: { type: "string", default: "20" },
    steps: { type: "string", default: "5" },
    python: { type: "string", default: "python3" },
  },
});
const [batch, steps, size, heads] = [64, 64, 128, 4];
const threads = Number(values.threads);

const spec = (causal) => `dlc: 1
name: attention
data:
  source: { arrays: true }
  features: { x: { type: vector, shape: [${steps}, ${size}] } }
  targets: { y: { type: vector, shape: [${steps}, ${size}] } }
model:
  layers:
    - attention: { kind: multi_head, heads: ${heads}, causal: ${causal} }
train: { loss: mse, optimizer: sgd }
`;

async function generated(causal) {
  const folder = mkdtempSync(join(tmpdir(), "dlc-bench-"));
  try {
    writeFileSync(join(folder, "spec.yaml"), spec(causal));
    const { model, diagnostics } = await compile(join(folder, "spec.yaml"), { checkData: false });
    if (model === null) throw new Error(diagnostics.all.map(({ message }) => message).join("\n"));
    for (const [path, text] of (await emitPackage(model)).files) {
      if (path.endsWith(".js") || path === "package.json") writeFileSync(join(folder, path), text);
    }
    const { trainProgram } = await import(pathToFileURL(join(folder, "train.js")).href);
    const shape = [batch, steps, size];
    const noise = (count, scale) =>
      Float32Array.from({ length: count }, () => (Math.random() - 0.5) * scale);
    const tensor = () => ({ dtype: "f32", shape, data: noise(batch * steps * size, 2) });
    const first = Object.entries(model.state).map(([name, { shape: of }]) => [
      name,
      noise(
        of.reduce((a, b) => a * b, 1),
        0.1,
      ),
    ]);
    return await programPeer({
      name: `dlc, generated step${causal ? ", causal" : ""}`,
      ...{ batch, threads, program: trainProgram, specs: model.state },
      inputs: { x: tensor(), y: tensor() },
      first: Object.fromEntries(first),
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const settings = { batch, threads, python: values.python, report: (text) => console.error(text) };
const peers = [
  await generated(false),
  await generated(true),
  await pythonPeer("pytorch_attention.py", settings),
].filter((peer) => peer !== null);
const rounds = { rounds: Number(values.rounds), steps: Number(values.steps) };
const measured = await measure(peers, rounds);
for (const peer of peers) await peer.close();
console.log(
  `[${batch}, ${steps}, ${size}], ${heads} heads, ${threads} threads, ${cpus()[0]?.model}`,
);
console.log(`${"".padEnd(34)}  min ms  median ms`);
for (const { name, min, median } of measured) {
  console.log(name.padEnd(34), min.toFixed(2).padStart(8), median.toFixed(2).padStart(10));
}
