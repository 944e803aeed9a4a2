/**
 * @file Every model in `models/`: the training program of its generated package takes the same first
 * three steps on every engine as by the ops' own definitions in float64, and predicts the same.
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type Engine,
  type HostTensor,
  initialState,
  type ModelDefinition,
  type Program,
  random,
  type StateSpec,
} from "@dlc/runtime";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createEagerEngine } from "../support/eager-engine.js";
import { startTestEngine, testEngines } from "../support/engines.js";
import { loadDefinition, sampleInputs } from "../support/model-inputs.js";

const folder = fileURLToPath(new URL("../../models/", import.meta.url));
const models = readdirSync(folder).filter((name) => existsSync(join(folder, name, "spec.yaml")));

let engines: readonly (readonly [title: string, Engine])[] = [];
beforeAll(async () => {
  engines = await Promise.all(
    testEngines.map(async (title) => [title, await startTestEngine(title)] as const),
  );
});
afterAll(() => Promise.all(engines.map(([, engine]) => engine.dispose())));

/** Examples: enough for statistics over the batch, few enough for the reference. */
const n = 3;

interface Steps {
  readonly losses: readonly number[];
  readonly slots: Readonly<Record<string, HostTensor>>;
  readonly predictions: Readonly<Record<string, HostTensor>>;
}

async function take(engine: Engine, definition: ModelDefinition, steps: number): Promise<Steps> {
  const { train, apply, infer, phases } = definition.programs;
  // In order: one update of a single-phase model, or the phases' updates.
  const updates = phases?.map((phase) => phase.train) ?? (train === undefined ? [] : [train]);
  if (updates.length === 0) throw new Error("the model does not train");
  const specs: Readonly<Record<string, StateSpec>> = definition.state;
  const state = engine.createState(specs, initialState(specs, 1));
  const inputs = (program: Program): Record<string, HostTensor> =>
    sampleInputs(definition, program, n);
  const losses: number[] = [];
  // After one update from zero these are the gradients, times a number, or their squares.
  const slotNames = Object.keys(specs).filter(
    (name) => specs[name]?.role === "slot" && specs[name].dtype === "f32" && name.includes(":"),
  );
  let slots: Readonly<Record<string, HostTensor>> = {};
  for (let step = 1; step <= steps; step++) {
    const scalars = { learning_rate: 0.001, step, random_key: random.derive(7, step) };
    for (const update of updates) {
      const program = await engine.prepare(update, n);
      const { loss } = await program.run({ inputs: inputs(update), scalars, state });
      losses.push(loss?.data[0] ?? Number.NaN);
    }
    if (apply !== undefined) {
      await (await engine.prepare(apply, n)).run({ inputs: {}, scalars, state });
    }
    if (step === 1) slots = await state.read(slotNames);
  }
  const predictions = await (await engine.prepare(infer, n)).run({
    inputs: inputs(infer),
    scalars: { random_key: random.derive(9, 0) },
    state,
  });
  return { losses, slots, predictions };
}

const largestOf = ({ data }: HostTensor): number =>
  Array.from(data).reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);

/** Largest difference, relative to the largest value of the wanted tensor, or to `atLeast`. */
function distance(given: HostTensor | undefined, wanted: HostTensor, atLeast = 1e-6): number {
  const pairs = Array.from(
    wanted.data,
    (value, i) => [given?.data[i] ?? Number.NaN, value] as const,
  );
  const largest = Math.max(atLeast, largestOf(wanted));
  return pairs.reduce((worst, [a, b]) => Math.max(worst, Math.abs(a - b) / largest), 0);
}

it.each(models)("%s", { timeout: 120_000 }, async (name) => {
  const definition = await loadDefinition(join(folder, name, "spec.yaml"));
  const wanted = await take(createEagerEngine(), definition, 3);
  expect(Object.keys(wanted.slots).length).toBeGreaterThan(0);
  for (const [title, engine] of engines) {
    const given = await take(engine, definition, 3);
    given.losses.forEach((loss, i) => {
      expect(Math.abs(loss / (wanted.losses[i] ?? Number.NaN) - 1), title).toBeLessThan(1e-4);
    });
    // What is rounding alone (the bias before a batch norm has no gradient) is small beside other gradients.
    const largest = Math.max(...Object.values(wanted.slots).map(largestOf));
    for (const [key, tensor] of Object.entries(wanted.slots)) {
      const found = [title, key, distance(given.slots[key], tensor, 1e-3 * largest)];
      expect(found).toEqual([title, key, expect.closeTo(0, 3)]);
    }
    for (const [key, tensor] of Object.entries(wanted.predictions)) {
      const found = [title, key, distance(given.predictions[key], tensor)];
      expect(found).toEqual([title, key, expect.closeTo(0, 3)]);
    }
  }
});
