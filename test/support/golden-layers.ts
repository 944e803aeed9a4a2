/** @file One layer against numbers that PyTorch computed: outputs, loss, gradients, and three steps of Adam. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { optimize } from "../../compiler/4-optimize/index.js";
import type { Graph } from "../../compiler/ir/types.js";
import {
  advance,
  run,
  scalarOf,
  stateValues,
  tensor,
  type trained,
  type Values,
} from "./lowering.js";

export interface Numbers {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}
/** What a golden file says of one layer, besides its inputs. */
export interface GoldenLayer {
  readonly x: Numbers;
  readonly weights: Readonly<Record<string, Numbers>>;
  readonly output: Numbers;
  readonly loss: number;
  readonly gradients: Readonly<Record<string, Numbers>>;
  readonly after: Readonly<Record<string, Numbers>>;
}
type Programs = ReturnType<typeof trained>;

const tensors = (all: Readonly<Record<string, Numbers>>): Values =>
  Object.fromEntries(
    Object.entries(all).map(([name, { shape, data }]) => [name, tensor(shape, data)]),
  );

/** The largest difference, relative to the largest of the numbers. */
function distance(actual: Values[string] | undefined, { shape, data }: Numbers): number {
  expect(actual?.shape).toEqual(shape);
  const scale = Math.max(...data.map(Math.abs));
  return Math.max(...data.map((v, i) => Math.abs(v - (actual?.data[i] ?? Number.NaN)))) / scale;
}

/** `[n, steps, size]` numbers as a program's input: each step with a 1 behind it where it is real, else 0. */
export function masked({ shape, data }: Numbers, lengths: readonly number[]): Values[string] {
  const [n, steps, size] = shape as [number, number, number];
  const rows = Array.from({ length: n * steps }, (_, row) => [
    ...data.slice(row * size, (row + 1) * size),
    Number(row % steps < (lengths[Math.floor(row / steps)] ?? 0)),
  ]);
  return tensor([n, steps, size + 1], rows.flat());
}

/**
 * Tests of every layer in `test/golden/<file>`. `programsOf` compiles a model with the layer whose gradients are
 * summed over so many batches before an update; `batchOf` gives its inputs.
 */
export function testGoldenLayers<G extends GoldenLayer>(
  file: string,
  programsOf: (golden: G, accumulate: number) => Programs,
  batchOf: (golden: G) => Values,
): void {
  const text = readFileSync(new URL(`../golden/${file}`, import.meta.url), "utf8");
  const goldens = Object.entries(JSON.parse(text) as Record<string, G>);
  const optimized = (graph: Graph): Graph =>
    optimize(graph, { mode: "training", layout: "NCHW", lacking: [] });

  describe.each(goldens)("%s", (_, golden) => {
    const n = golden.x.shape[0] as number;
    const start = ({ state }: Programs): Values => ({
      ...stateValues(state),
      ...tensors(golden.weights),
      ...batchOf(golden),
    });

    it("gives the same outputs and gradients", () => {
      const programs = programsOf(golden, 2);
      const values = start(programs);
      const output = Object.values(run(programs.infer, values, n))[0];
      expect(distance(output, golden.output)).toBeLessThan(1e-5);
      const results = run(optimized(programs.train), values, n);
      expect(Math.abs((results.loss?.data[0] ?? Number.NaN) - golden.loss)).toBeLessThan(1e-5);
      expect(Object.keys(golden.gradients).sort()).toEqual(Object.keys(golden.weights).sort());
      for (const [name, gradient] of Object.entries(golden.gradients)) {
        const found = results[`state:${name}:gradient`];
        expect(distance(found, gradient), name).toBeLessThan(1e-4);
      }
    });

    it("has the same weights after three steps of Adam", () => {
      const programs = programsOf(golden, 1);
      const train = optimized(programs.train);
      let values = start(programs);
      for (let step = 1; step <= 3; step++) {
        const scalars = { learning_rate: scalarOf(0.01), step: scalarOf(step) };
        values = advance(values, run(train, { ...values, ...scalars }, n));
      }
      for (const [name, wanted] of Object.entries(golden.after)) {
        expect(distance(values[name], wanted), name).toBeLessThan(1e-4);
      }
    });
  });
}
