/**
 * @file One training step of models/cifar10-cnn, measured against peers in one run, in turn.
 *
 *     node bench/step.mjs [--batch 64] [--threads 2] [--rounds 20] [--steps 5] [--python python3]
 *
 * Build first (`npm run build`). The tensorflow engine takes part where it is installed, PyTorch and Keras where
 * that Python has them. Absolute times depend on the machine and its mood; compare the ratios. Results go to
 * bench/results.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { parseArgs } from "node:util";
import { handTuned } from "./peers/hand-tuned.mjs";
import { naive } from "./peers/naive.mjs";
import { generatedOn, generatedProgram } from "./peers/program.mjs";
import { pythonPeer } from "./peers/subprocess.mjs";
import { measure } from "./rounds.mjs";

const { values } = parseArgs({
  options: {
    batch: { type: "string", default: "64" },
    threads: { type: "string", default: String(availableParallelism()) },
    rounds: { type: "string", default: "20" },
    steps: { type: "string", default: "5" },
    python: { type: "string", default: "python3" },
  },
});
const [batch, threads] = [Number(values.batch), Number(values.threads)];
const settings = { batch, threads, python: values.python, report: (text) => console.error(text) };

const reference = await handTuned(settings);
const peers = [
  await generatedProgram(settings),
  reference,
  await naive(settings),
  await generatedOn("tensorflow:cpu", settings),
  await pythonPeer("pytorch_peer.py", settings),
  await pythonPeer("keras_peer.py", settings),
].filter((peer) => peer !== null);

const rounds = { rounds: Number(values.rounds), steps: Number(values.steps) };
const measured = await measure(peers, rounds);
for (const peer of peers) await peer.close();

const base = measured[peers.indexOf(reference)];
const results = measured.map((result) => ({
  ...result,
  ratioOfMin: result.min / base.min,
  ratioOfMedian: result.median / base.median,
}));
console.log(`batch ${batch}, ${threads} threads, ${cpus()[0]?.model}`);
console.log(`${"".padEnd(34)}  min ms  median ms  ÷ hand-tuned (min, median)`);
for (const { name, min, median, ratioOfMin, ratioOfMedian } of results) {
  const numbers = [min.toFixed(2).padStart(8), median.toFixed(2).padStart(10)];
  const ratios = [ratioOfMin.toFixed(2).padStart(10), ratioOfMedian.toFixed(2).padStart(8)];
  console.log(name.padEnd(34), ...numbers, ...ratios);
}
const folder = new URL("./results/", import.meta.url);
mkdirSync(folder, { recursive: true });
const about = { batch, threads, cpu: cpus()[0]?.model, node: process.version, ...rounds };
writeFileSync(new URL("step.json", folder), `${JSON.stringify({ ...about, results }, null, 2)}\n`);
