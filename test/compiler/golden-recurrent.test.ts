/** @file Recurrent layers against PyTorch: test/golden/recurrent.json, made by make-recurrent.py. */
import { readFileSync } from "node:fs";
import type { FeatureSpec } from "@dlc/runtime";
import { describe, expect, it } from "vitest";
import { optimize } from "../../compiler/4-optimize/index.js";
import type { Graph } from "../../compiler/ir/types.js";
import { advance, run, scalarOf, tensor, trained, type Values } from "../support/lowering.js";
import { specOf, vector } from "../support/spec.js";

interface Numbers {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}
interface Golden {
  readonly kind: string;
  readonly sequence: boolean;
  readonly bidirectional: boolean;
  readonly x: Numbers;
  readonly state?: Numbers;
  /** Of examples of different lengths: behind them stands padding. */
  readonly lengths?: readonly number[];
  readonly target: Numbers;
  readonly weights: Readonly<Record<string, Numbers>>;
  readonly output: Numbers;
  readonly loss: number;
  readonly gradients: Readonly<Record<string, Numbers>>;
  readonly after: Readonly<Record<string, Numbers>>;
}

const text = readFileSync(new URL("../golden/recurrent.json", import.meta.url), "utf8");
const goldens = Object.entries(JSON.parse(text) as Record<string, Golden>);

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

/** A column of `[n, …]` numbers: where examples have lengths, a sequence. */
function columnOf({ lengths }: Golden, { shape }: Numbers): FeatureSpec {
  const [, length = 1, channels] = shape;
  if (lengths === undefined || channels === undefined) return vector(...shape.slice(1));
  return { type: "sequence", column: "c", length, channels, scale: "none", truncate: false };
}

/** Its batch; a sequence has a last channel that says where its steps are. */
function batchOf(golden: Golden, { shape, data }: Numbers): Values[string] {
  const [n = 1, length = 1, channels = 1] = shape;
  const { lengths } = golden;
  if (lengths === undefined || columnOf(golden, { shape, data }).type !== "sequence") {
    return tensor(shape, data);
  }
  const rows = Array.from({ length: n * length }, (_, i) => [
    ...data.slice(i * channels, (i + 1) * channels),
    Number(i % length < (lengths[Math.floor(i / length)] ?? 0)),
  ]);
  return tensor([n, length, channels + 1], rows.flat());
}

function programsOf(golden: Golden, accumulate: number) {
  const { kind, sequence, bidirectional, x, state, target } = golden;
  const from = state === undefined ? "x" : "{ input: x, state: state }";
  const fields = `{ units: 5, return: ${sequence ? "sequence" : "last"}, bidirectional: ${bidirectional} }`;
  const programs = trained(
    specOf({
      features: {
        x: columnOf(golden, x),
        ...(state === undefined ? {} : { state: vector(...state.shape.slice(1)) }),
        y: columnOf(golden, target),
      },
      layers: `- ${kind}: ${fields}\n  as: layer\n  from: ${from}\n- dense: 2`,
      train: {
        losses: [{ kind: "mse", target: "y" }],
        optimizer: { kind: "adam", epsilon: 1e-8 },
        accumulate,
      },
    }),
  );
  const optimized = (graph: Graph): Graph =>
    optimize(graph, { mode: "training", layout: "NCHW", lacking: [] });
  return { ...programs, train: optimized(programs.train) };
}

describe.each(goldens)("%s", (_, golden) => {
  const n = golden.x.shape[0] as number;
  const batch: Values = {
    x: batchOf(golden, golden.x),
    y: batchOf(golden, golden.target),
    ...(golden.state === undefined ? {} : { state: tensor(golden.state.shape, golden.state.data) }),
  };
  const zeros = (state: Readonly<Record<string, { shape: readonly number[] }>>): Values =>
    Object.fromEntries(
      Object.entries(state).map(([name, { shape }]) => [
        name,
        tensor(shape, new Float64Array(shape.reduce((a, d) => a * d, 1))),
      ]),
    );

  it("gives the same outputs and gradients", () => {
    const { train, state, infer } = programsOf(golden, 2);
    const values = { ...zeros(state), ...tensors(golden.weights), ...batch };
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
    let values: Values = { ...zeros(state), ...tensors(golden.weights), ...batch };
    for (let step = 1; step <= 3; step++) {
      const scalars = { learning_rate: scalarOf(0.01), step: scalarOf(step) };
      values = advance(values, run(train, { ...values, ...scalars }, n));
    }
    for (const [name, wanted] of Object.entries(golden.after)) {
      expect(distance(values[name], wanted), name).toBeLessThan(1e-4);
    }
  });
});
