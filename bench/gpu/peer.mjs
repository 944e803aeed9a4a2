/**
 * @file A process that works on one engine and device, so that a driver that crashes takes nothing else along.
 *
 *     node peer.mjs '{"task": "probe" | "verify" | "train", "engine", "device", …}'
 *
 * Answers are lines of JSON, the last one {error, code} where something fails. "train" says {ready} after its
 * first steps; then each line {seconds} on its input is answered by {times, loss}: milliseconds of each step.
 */
import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { serialize } from "node:v8";
import { engineEntries } from "@dlc/runtime";
import { openTraining } from "./training.mjs";

const task = JSON.parse(process.argv[2]);
const say = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);

async function probe({ engine, device }) {
  const entry = engineEntries.find(({ name }) => name === engine);
  say(await entry.probe(device));
}

/** Three losses, and the whole state after the first step, which is written to `task.out`. */
async function verify() {
  const training = await openTraining(task);
  const losses = await training.one();
  const state = await training.state.read();
  losses.push(...(await training.one()), ...(await training.one()));
  const tensors = Object.entries(state).map(([name, { data }]) => [name, data]);
  writeFileSync(task.out, serialize(Object.fromEntries(tensors)));
  say({ losses });
}

async function train() {
  const start = performance.now();
  const training = await openTraining(task);
  const opened = performance.now();
  const [firstLoss] = await training.step();
  const first = performance.now();
  // Kernels are chosen and memory is found in the first steps.
  while (performance.now() - first < task.warmup * 1000) await training.step();
  say({
    ready: {
      stepsPerCall: training.perCall,
      openMs: opened - start,
      firstStepMs: first - opened,
      firstLoss,
    },
  });
  for await (const line of createInterface({ input: process.stdin })) {
    const { seconds } = JSON.parse(line);
    // Others have run meanwhile: one step to come back.
    await training.step();
    const times = [];
    let loss = Number.NaN;
    const begin = performance.now();
    while (times.length === 0 || performance.now() - begin < seconds * 1000) {
      const before = performance.now();
      const losses = await training.step();
      const each = (performance.now() - before) / losses.length;
      for (const value of losses) {
        times.push(each);
        loss = value;
      }
    }
    say({ times, loss });
  }
}

try {
  await { probe, verify, train }[task.task](task);
  process.exitCode = 0;
} catch (error) {
  say({ error: error?.message ?? String(error), code: error?.code ?? null });
  process.exitCode = 1;
}
