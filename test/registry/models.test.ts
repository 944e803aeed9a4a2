/**
 * @file Every model in `models/`: the training program of its generated package takes the same first
 * three steps on every engine as by the ops' own definitions in float64, and predicts the same.
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  allocate,
  type Engine,
  type HostTensor,
  initialState,
  type ModelDefinition,
  type Program,
  random,
  type StateSpec,
  sizeOf,
  specialTokenNames,
  specialTokens,
} from "@dlc/runtime";
import { afterAll, beforeAll, expect, it } from "vitest";
import { emitPackage } from "../../compiler/5-emit/emit-package.js";
import { compile } from "../../compiler/pipeline.js";
import { createEagerEngine } from "../support/eager-engine.js";
import { createWorkspace } from "../support/emitted.js";
import { startTestEngine, testEngines } from "../support/engines.js";

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

/** Ids of a text's tokens: the first example is as long as it may be, and none is empty. */
function tokens(definition: ModelDefinition, name: string, length: number) {
  const ordinary = (definition.facts[name]?.vocabulary?.length ?? 0) - specialTokenNames.length;
  const key = random.keyOf(name);
  return (i: number): number => {
    const row = Math.floor(i / length);
    const end = row === 0 ? length : 1 + Math.floor(length * random.uniform(row, key));
    return i % length < end
      ? specialTokenNames.length + Math.floor(ordinary * random.uniform(i, key))
      : specialTokens.pad;
  };
}

/** Numbers that fit an input: pixels, class numbers, tokens, or numbers around 0. */
function drawn(definition: ModelDefinition, name: string, program: Program): HostTensor {
  const spec = program.inputs[name];
  if (spec === undefined) throw new Error(`no input ${name}`);
  const shape = spec.shape.map((dim) => (dim === "n" ? n : dim));
  const key = random.keyOf(name);
  const feature = definition.data?.targets[name] ?? definition.data?.features[name];
  const classes = feature?.type === "category" ? (feature.classes?.length ?? 2) : 0;
  const draws = {
    u8: (i: number) => Math.floor(256 * random.uniform(i, key)),
    i32:
      feature?.type === "text"
        ? tokens(definition, name, feature.length)
        : (i: number) => Math.floor(classes * random.uniform(i, key)),
    f32: (i: number) => random.normal(i, key),
  };
  const dtype = spec.dtype as keyof typeof draws;
  const data = allocate(dtype, sizeOf(shape));
  for (let i = 0; i < data.length; i++) data[i] = draws[dtype](i);
  return { dtype, shape, data };
}

interface Steps {
  readonly losses: readonly number[];
  readonly state: Readonly<Record<string, HostTensor>>;
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
    Object.fromEntries(
      Object.keys(program.inputs).map((name) => [name, drawn(definition, name, program)]),
    );
  const losses: number[] = [];
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
  }
  const predictions = await (await engine.prepare(infer, n)).run({
    inputs: inputs(infer),
    scalars: { random_key: random.derive(9, 0) },
    state,
  });
  return { losses, state: await state.read(), predictions };
}

/** Largest difference, relative to the largest value of the wanted tensor. */
function distance(given: HostTensor | undefined, wanted: HostTensor): number {
  const pairs = Array.from(
    wanted.data,
    (value, i) => [given?.data[i] ?? Number.NaN, value] as const,
  );
  const largest = Math.max(1e-6, ...pairs.map(([, value]) => Math.abs(value)));
  return Math.max(...pairs.map(([a, b]) => Math.abs(a - b) / largest));
}

it.each(models)("%s", { timeout: 120_000 }, async (name) => {
  const { model } = await compile(join(folder, name, "spec.yaml"), { checkData: false });
  if (model === null) throw new Error(`${name} does not compile`);
  const workspace = createWorkspace();
  workspace.add(await emitPackage(model));
  const path = `generated/${model.spec.name}/index.js`;
  const { definition } = (await workspace.load(path)) as { definition: ModelDefinition };
  const wanted = await take(createEagerEngine(), definition, 3);
  for (const [title, engine] of engines) {
    const given = await take(engine, definition, 3);
    given.losses.forEach((loss, i) => {
      expect(Math.abs(loss / (wanted.losses[i] ?? Number.NaN) - 1), title).toBeLessThan(1e-4);
    });
    for (const [key, tensor] of Object.entries(wanted.predictions)) {
      const found = [title, key, distance(given.predictions[key], tensor)];
      expect(found).toEqual([title, key, expect.closeTo(0, 3)]);
    }
  }
});
