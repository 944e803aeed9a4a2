/** @file Attention and transformer blocks against PyTorch: test/golden/attention.json, made by make-attention.py. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { optimize } from "../../compiler/4-optimize/index.js";
import type { Graph } from "../../compiler/ir/types.js";
import { specFrom } from "../support/from-yaml.js";
import {
  advance,
  run,
  scalarOf,
  stateValues,
  tensor,
  trained,
  type Values,
} from "../support/lowering.js";

interface Numbers {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}
interface Golden {
  /** The layer as a spec says it, called `layer` there. */
  readonly layer: string;
  /** Real steps of each example. */
  readonly lengths: readonly number[];
  readonly x: Numbers;
  readonly memory?: Numbers;
  readonly memory_lengths?: readonly number[];
  readonly target: Numbers;
  readonly weights: Readonly<Record<string, Numbers>>;
  readonly output: Numbers;
  readonly loss: number;
  readonly gradients: Readonly<Record<string, Numbers>>;
  readonly after: Readonly<Record<string, Numbers>>;
}

const text = readFileSync(new URL("../golden/attention.json", import.meta.url), "utf8");
const goldens = Object.entries(JSON.parse(text) as Record<string, Golden>);

const tensors = (all: Readonly<Record<string, Numbers>>): Values =>
  Object.fromEntries(
    Object.entries(all).map(([name, { shape, data }]) => [name, tensor(shape, data)]),
  );

/** As the program's input: every step with a 1 behind it where it is real, else 0. */
function sequence({ shape, data }: Numbers, lengths: readonly number[]): Values[string] {
  const [n, steps, size] = shape as [number, number, number];
  const rows = Array.from({ length: n * steps }, (_, row) => [
    ...data.slice(row * size, (row + 1) * size),
    row % steps < (lengths[Math.floor(row / steps)] as number) ? 1 : 0,
  ]);
  return tensor([n, steps, size + 1], rows.flat());
}

/** The largest difference, relative to the largest of the numbers. */
function distance(actual: Values[string] | undefined, { shape, data }: Numbers): number {
  expect(actual?.shape).toEqual(shape);
  const scale = Math.max(...data.map(Math.abs));
  return Math.max(...data.map((v, i) => Math.abs(v - (actual?.data[i] ?? Number.NaN)))) / scale;
}

const feature = ({ shape: [, steps, size] }: Numbers): string =>
  `{ type: sequence, max_length: ${steps}, channels: ${size} }`;

function programsOf({ layer, x, memory }: Golden, accumulate: number) {
  const more = memory === undefined ? "" : `, memory: ${feature(memory)}`;
  const programs = trained(
    specFrom(`data:
  source: { arrays: true }
  features: { x: ${feature(x)}${more} }
  targets: { y: { type: vector, shape: [2] } }
model:
  layers:
    - { ${layer}, as: layer }
    - flatten
    - dense: 2
train:
  loss: mse
  optimizer: { adam: { epsilon: 1.0e-4 } }
  accumulate: ${accumulate}`),
  );
  const optimized = (graph: Graph): Graph =>
    optimize(graph, { mode: "training", layout: "NCHW", lacking: [] });
  return { ...programs, train: optimized(programs.train) };
}

describe.each(goldens)("%s", (_, golden) => {
  const n = golden.x.shape[0] as number;
  const { memory, memory_lengths = [] } = golden;
  const batch: Values = {
    x: sequence(golden.x, golden.lengths),
    y: tensor(golden.target.shape, golden.target.data),
    ...(memory === undefined ? {} : { memory: sequence(memory, memory_lengths) }),
  };

  it("gives the same outputs and gradients", () => {
    const { train, state, infer } = programsOf(golden, 2);
    const values = { ...stateValues(state), ...tensors(golden.weights), ...batch };
    const output = Object.values(run(infer, values, n))[0];
    expect(distance(output, golden.output)).toBeLessThan(1e-5);
    const results = run(train, values, n);
    expect(Math.abs((results.loss?.data[0] ?? Number.NaN) - golden.loss)).toBeLessThan(1e-5);
    expect(Object.keys(golden.gradients).sort()).toEqual(Object.keys(golden.weights).sort());
    for (const [name, gradient] of Object.entries(golden.gradients)) {
      const found = results[`state:${name}:gradient`];
      expect(distance(found, gradient), name).toBeLessThan(1e-4);
    }
  });

  it("has the same weights after three steps of Adam", () => {
    const { train, state } = programsOf(golden, 1);
    let values: Values = { ...stateValues(state), ...tensors(golden.weights), ...batch };
    for (let step = 1; step <= 3; step++) {
      const scalars = { learning_rate: scalarOf(0.01), step: scalarOf(step) };
      values = advance(values, run(train, { ...values, ...scalars }, n));
    }
    for (const [name, wanted] of Object.entries(golden.after)) {
      expect(distance(values[name], wanted), name).toBeLessThan(1e-4);
    }
  });
});
