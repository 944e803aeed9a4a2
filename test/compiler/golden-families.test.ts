/** @file Whole models against PyTorch: test/golden/{cnn,generative,text}.json and the scripts that make them. */
import { readFileSync } from "node:fs";
import { type FittedFacts, specialTokenNames } from "@dlc/runtime";
import { describe, expect, it } from "vitest";
import type { ResolvedSpec } from "../../compiler/1-load/resolved-spec.js";
import { phasePrograms } from "../../compiler/3-differentiate/phase-programs.js";
import { optimize } from "../../compiler/4-optimize/index.js";
import { Diagnostics } from "../../compiler/diagnostics/report.js";
import { nodesOf } from "../../compiler/ir/traverse.js";
import type { Graph } from "../../compiler/ir/types.js";
import { specFrom } from "../support/from-yaml.js";
import {
  advance,
  lowered,
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
type Tensors = Readonly<Record<string, Numbers>>;

/** See `make` in test/golden/golden.py. */
interface Golden {
  /** Without its optimizer; it ends within `train`. */
  readonly spec: string;
  readonly optimizer: string;
  readonly rate: number;
  /** Of texts: tokens beside the special ones. */
  readonly vocabularies?: Readonly<Record<string, readonly string[]>>;
  readonly batch: Tensors;
  readonly weights: Tensors;
  /** The first step of each phase, from the weights; a model without phases has one named "". */
  readonly first: readonly {
    readonly phase: string;
    readonly key: number;
    readonly losses: Readonly<Record<string, number>>;
    readonly gradients: Tensors;
  }[];
  /** The heads of the model at the weights. */
  readonly predicted?: Tensors;
  /** Random keys of the steps that lead to `after`: every phase in turn. */
  readonly keys: readonly number[];
  readonly after: Tensors;
}

const read = (name: string): [string, Golden][] =>
  Object.entries(
    JSON.parse(readFileSync(new URL(`../golden/${name}.json`, import.meta.url), "utf8")),
  );
const goldens = ["cnn"].flatMap(read);

const tensors = (all: Tensors): Values =>
  Object.fromEntries(
    Object.entries(all).map(([name, { shape, data }]) => [name, tensor(shape, data)]),
  );

/** The largest difference, relative to the largest of the numbers. */
function distance(actual: Values[string] | undefined, { shape, data }: Numbers): number {
  expect(actual?.shape).toEqual(shape);
  const scale = Math.max(...data.map(Math.abs));
  return Math.max(...data.map((v, i) => Math.abs(v - (actual?.data[i] ?? Number.NaN)))) / scale;
}

/** The training step of a phase and what it starts from; `""` without phases. */
interface Step {
  readonly phase: string;
  readonly train: Graph;
}

const optimized = (graph: Graph): Graph =>
  optimize(graph, { mode: "training", layout: "NCHW", lacking: [] });

function stepsOf(spec: ResolvedSpec, facts: FittedFacts) {
  const model = lowered(spec, facts);
  if (model.phases === undefined) {
    const { train, state } = trained(spec, facts);
    return { model, state, steps: [{ phase: "", train: optimized(train) }] as readonly Step[] };
  }
  const diagnostics = new Diagnostics();
  const programs = phasePrograms(model, spec.train as never, (same) => same, diagnostics);
  expect(diagnostics.all).toEqual([]);
  const { phases, state } = programs as NonNullable<typeof programs>;
  const steps: readonly Step[] = phases.map(({ use, train }) => ({
    phase: use.name,
    train: optimized(train),
  }));
  return { model, state, steps };
}

function factsOf({ vocabularies = {}, batch }: Golden): FittedFacts {
  return Object.fromEntries(
    Object.entries(vocabularies).map(([name, tokens]) => [
      name,
      { vocabulary: [...specialTokenNames, ...tokens], length: batch[name]?.shape[1] ?? 0 },
    ]),
  );
}

describe.each(goldens)("%s", (_, golden) => {
  const facts = factsOf(golden);
  const n = Object.values(golden.batch)[0]?.shape[0] as number;
  const programsWith = (optimizer: string) =>
    stepsOf(specFrom(`${golden.spec}\n  optimizer: ${optimizer}\n`), facts);

  /** The batch and the scalars that a graph reads. */
  const inputsOf = (graph: Graph, key: number, rate: number, step: number): Values => {
    const scalars: Values = {
      random_key: scalarOf(key, "u32"),
      learning_rate: scalarOf(rate),
      step: scalarOf(step),
    };
    return Object.fromEntries(
      nodesOf(graph).flatMap(({ kind, attrs, types }) => {
        if (kind !== "input") return [];
        const name = String(attrs.name);
        const given = golden.batch[name];
        if (given === undefined) return [[name, scalars[name] as Values[string]]];
        return [[name, tensor(given.shape, given.data, types[0]?.dtype)]];
      }),
    );
  };

  it("has the same losses, gradients and predictions", () => {
    // A step of plain gradient descent with rate 1 is the gradient.
    const { model, state, steps } = programsWith("sgd");
    const start = { ...stateValues(state), ...tensors(golden.weights) };
    expect(Object.keys(start).sort()).toEqual(Object.keys(golden.weights).sort());
    expect(steps.map(({ phase }) => phase)).toEqual(golden.first.map(({ phase }) => phase));
    for (const [at, { key, losses, gradients }] of golden.first.entries()) {
      const { train } = steps[at] as Step;
      const results = run(train, { ...start, ...inputsOf(train, key, 1, 1) }, n);
      for (const [name, loss] of Object.entries(losses)) {
        const found = results[name]?.data[0] ?? Number.NaN;
        expect(Math.abs(found - loss) / Math.max(1, Math.abs(loss)), name).toBeLessThan(1e-5);
      }
      for (const [name, gradient] of Object.entries(gradients)) {
        const { shape, data } = golden.weights[name] as Numbers;
        const moved = results[`state:${name}`];
        const found = data.map((v, i) => v - (moved?.data[i] ?? Number.NaN));
        expect(distance(tensor(shape, found), gradient), name).toBeLessThan(1e-4);
      }
    }
    const { predicted } = golden;
    if (predicted === undefined) return;
    const heads = run(model.infer, { ...start, ...inputsOf(model.infer, 1, 0, 1) }, n);
    expect(Object.keys(heads).sort()).toEqual(Object.keys(predicted).sort());
    for (const [name, wanted] of Object.entries(predicted)) {
      expect(distance(heads[name], wanted), name).toBeLessThan(1e-5);
    }
  });

  it("has the same weights after three steps", () => {
    const { state, steps } = programsWith(golden.optimizer);
    let values: Values = { ...stateValues(state), ...tensors(golden.weights) };
    for (const [at, key] of golden.keys.entries()) {
      const { train } = steps[at % steps.length] as Step;
      const step = Math.floor(at / steps.length) + 1;
      values = advance(
        values,
        run(train, { ...values, ...inputsOf(train, key, golden.rate, step) }, n),
      );
    }
    for (const [name, wanted] of Object.entries(golden.after)) {
      expect(distance(values[name], wanted), name).toBeLessThan(1e-4);
    }
  });
});
