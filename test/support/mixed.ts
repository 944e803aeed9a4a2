/** @file Packages of one spec in several precisions, and their training steps taken by hand. */
import {
  allocate,
  type Engine,
  type HostTensor,
  initialState,
  type ModelDefinition,
  type Program,
  random,
  sizeOf,
} from "@dlc/runtime";
import { emitPackage } from "../../compiler/5-emit/emit-package.js";
import { createEmitter } from "../../compiler/5-emit/typescript.js";
import type { Workspace } from "./emitted.js";
import { compiledFrom } from "./from-yaml.js";

const emitter = createEmitter();
let packages = 0;

/** A spec with `train.precision`, in YAML. */
export const inPrecision = (yaml: string, precision: string): string =>
  yaml
    .replace(/train: \{/, `train: { precision: ${precision},`)
    .replace(/train:\n/, `train:\n  precision: ${precision}\n`);

/** The definition of a spec's package; `precision` becomes the train section's, in YAML. */
export async function definitionOf(
  workspace: Workspace,
  yaml: string,
  precision = "float32",
): Promise<ModelDefinition> {
  const emitted = await emitPackage(compiledFrom(inPrecision(yaml, precision)), { emitter });
  const name = `${emitted.name}-${++packages}`;
  workspace.add({ ...emitted, name });
  const module = await workspace.load(`generated/${name}/index.js`);
  return module.definition as ModelDefinition;
}

/** Class numbers below 2, pixels, tokens below 5, or numbers around 0. */
function drawn(program: Program, name: string, n: number): HostTensor {
  const spec = program.inputs[name];
  if (spec === undefined) throw new Error(`no input ${name}`);
  const shape = spec.shape.map((dim) => (dim === "n" ? n : dim));
  const key = random.keyOf(name);
  const draws: Partial<Record<string, (i: number) => number>> = {
    u8: (i) => Math.floor(256 * random.uniform(i, key)),
    i32: (i) => Math.floor(2 * random.uniform(i, key)),
    f32: (i) => random.normal(i, key),
  };
  const data = allocate(spec.dtype, sizeOf(shape));
  for (let i = 0; i < data.length; i++) data[i] = draws[spec.dtype]?.(i) ?? Number.NaN;
  return { dtype: spec.dtype, shape, data };
}

export interface Taken {
  /** Of every call, in order. */
  readonly outputs: readonly Readonly<Record<string, HostTensor>>[];
  readonly losses: readonly number[];
  /** State after each step. */
  readonly states: readonly Readonly<Record<string, HostTensor>>[];
}

/** Training steps on one batch of random numbers; with phases, all of them in every step. */
export async function takeSteps(
  engine: Engine,
  definition: ModelDefinition,
  steps: number,
  n = 4,
  learningRate = 0.01,
): Promise<Taken> {
  const { train, apply, phases } = definition.programs;
  const updates = phases?.map((phase) => phase.train) ?? (train === undefined ? [] : [train]);
  const state = engine.createState(definition.state, initialState(definition.state, 1));
  const taken = { outputs: [], losses: [], states: [] } as {
    outputs: Readonly<Record<string, HostTensor>>[];
    losses: number[];
    states: Readonly<Record<string, HostTensor>>[];
  };
  for (let step = 1; step <= steps; step++) {
    const scalars = { learning_rate: learningRate, step, random_key: random.derive(7, step) };
    for (const program of updates) {
      const inputs = Object.fromEntries(
        Object.keys(program.inputs).map((name) => [name, drawn(program, name, n)]),
      );
      const outputs = await (await engine.prepare(program, n)).run({ inputs, scalars, state });
      taken.outputs.push(outputs);
      taken.losses.push(outputs.loss?.data[0] ?? Number.NaN);
    }
    if (apply !== undefined) {
      const executable = await engine.prepare(apply, 1);
      taken.outputs.push(await executable.run({ inputs: {}, scalars, state }));
    }
    taken.states.push(await state.read());
  }
  state.dispose();
  return taken;
}
