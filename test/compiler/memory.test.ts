/** @file A model that does not fit into memory is told of before anything is allocated. */
import { expect, it } from "vitest";
import { bytes, magnitude } from "../../compiler/diagnostics/sizes.js";
import type { Memory } from "../../compiler/memory.js";
import { compile } from "../../compiler/pipeline.js";
import { workFolder, write } from "../support/cli.js";

const folder = workFolder();
const spec = write(
  folder,
  "spec.yaml",
  `dlc: 1
name: sample
data:
  source: { arrays: true }
  features: { x: { type: vector, shape: [100] } }
  targets: { y: { type: category, classes: [a, b] } }
model:
  layers:
    - dense: 1000
    - dense: 2
train: { loss: cross_entropy, optimizer: sgd, batch: 10 }
`,
);
/** Weights and biases of both layers. */
const stateBytes = 4 * (100_000 + 1000 + 2000 + 2);

async function found(memory: Memory, until?: "differentiate"): Promise<string[]> {
  const { diagnostics, model } = await compile(spec, {
    memory,
    ...(until === undefined ? {} : { until }),
  });
  expect(model === null).toBe(diagnostics.hasErrors || until !== undefined);
  return diagnostics.all.map(({ code, message }) => `${code}: ${message}`);
}

it("is an error where it is about to run", async () => {
  const [told, ...others] = await found({ bytes: 300_000, enforced: true });
  expect(others).toEqual([]);
  expect(told).toBe(
    "model-too-large: the model with layer 'dense_1' needs 412.0 kB of memory, this machine has 300.0 kB: dense_1.kernel [100,1000], 400.0 kB",
  );
});

it("counts the values of a step, too", async () => {
  const [told] = await found({ bytes: stateBytes + 1000, enforced: true });
  expect(told).toMatch(/^model-too-large: /);
  expect(await found({ bytes: 10 * stateBytes, enforced: true })).toEqual([]);
});

it("is a warning where it is only checked or built", async () => {
  for (const until of [undefined, "differentiate"] as const) {
    const [told, ...others] = await found({ bytes: 300_000, enforced: false }, until);
    expect(others).toEqual([]);
    expect(told).toMatch(/^memory-short: with batches of 10 the model takes about .* [kM]B/);
  }
});

it("writes sizes that can be read, however large", () => {
  expect([0, 999, 1000, 1_234_567, 4e21].map(bytes)).toEqual([
    "0 B",
    "999 B",
    "1.0 kB",
    "1.2 MB",
    "4.0e+3 EB",
  ]);
  expect([7, 1_234_567, 5e15].map(magnitude)).toEqual(["7", "1.23 M", "5.00 P"]);
});
