/** @file Lowers test specs and runs the graphs in float64. */
import { type FittedFacts, random, type StateSpec } from "@dlc/runtime";
import { expect } from "vitest";
import type { ResolvedSpec } from "../../compiler/1-load/resolved-spec.js";
import { lowerModel } from "../../compiler/2-lower/lower-model.js";
import type { LoweredModel } from "../../compiler/2-lower/lowered-model.js";
import {
  type TrainingPrograms,
  trainingPrograms,
} from "../../compiler/3-differentiate/training-step.js";
import type { Diagnostic } from "../../compiler/diagnostics/diagnostic.js";
import { Diagnostics } from "../../compiler/diagnostics/report.js";
import { evaluateGraph } from "../../compiler/ir/evaluate.js";
import { concreteShape } from "../../compiler/ir/shape.js";
import { nodesOf } from "../../compiler/ir/traverse.js";
import type { Graph } from "../../compiler/ir/types.js";
import type { ReferenceTensor } from "../../compiler/ops/define-op.js";

export type Values = Record<string, ReferenceTensor>;

/** Lowers a spec that must be free of errors. */
export function lowered(spec: ResolvedSpec, facts: FittedFacts = {}): LoweredModel {
  const diagnostics = new Diagnostics();
  const model = lowerModel(spec, facts, diagnostics);
  expect(diagnostics.all).toEqual([]);
  return model as LoweredModel;
}

/** Lowers and differentiates a spec that must be free of errors and warnings. */
export function trained(
  spec: ResolvedSpec,
  facts: FittedFacts = {},
): TrainingPrograms & { readonly model: LoweredModel } {
  const diagnostics = new Diagnostics();
  const model = lowered(spec, facts);
  const programs = trainingPrograms(model, spec.train as never, diagnostics);
  expect(diagnostics.all).toEqual([]);
  return { ...(programs as TrainingPrograms), model };
}

/** The diagnostics of lowering (and, if that succeeds, of differentiating) a spec. */
export function complaints(spec: ResolvedSpec, facts: FittedFacts = {}): readonly Diagnostic[] {
  const diagnostics = new Diagnostics();
  const model = lowerModel(spec, facts, diagnostics);
  if (model !== null && spec.train !== null) trainingPrograms(model, spec.train, diagnostics);
  return diagnostics.all;
}

export const tensor = (
  shape: readonly number[],
  data: readonly number[] | Float64Array,
  dtype: ReferenceTensor["dtype"] = "f32",
): ReferenceTensor => ({ dtype, shape, data: Float64Array.from(data) });

export const scalarOf = (value: number, dtype: ReferenceTensor["dtype"] = "f32"): ReferenceTensor =>
  tensor([], [value], dtype);

const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Normally distributed numbers, the same for the same name. */
export function noise(name: string, shape: readonly number[], scale = 0.5): ReferenceTensor {
  const key = random.keyOf(name);
  return tensor(
    shape,
    Array.from({ length: size(shape) }, (_, i) => scale * random.normal(i, key)),
  );
}

/** Random weights; slots, averages and accumulators as their initialisers say. */
export function stateValues(state: Readonly<Record<string, StateSpec>>): Values {
  const values: Values = {};
  for (const [name, { shape, role, init }] of Object.entries(state)) {
    const buffer = role === "buffer" && init.kind === "ones";
    values[name] =
      role === "weight"
        ? noise(name, shape)
        : tensor(shape, new Float64Array(size(shape)).fill(buffer ? 1 : 0));
    if (init.kind === "copy") values[name] = values[init.of ?? ""] as ReferenceTensor;
  }
  return values;
}

/** Random batch inputs and scalars for all that a graph reads; category inputs hold small indices. */
export function inputValues(graph: Graph, n: number, classes = 2): Values {
  const values: Values = {};
  for (const node of nodesOf(graph)) {
    const type = node.types[0];
    if (node.kind !== "input" || type === undefined) continue;
    const name = String(node.attrs.name);
    const shape = concreteShape(type.shape, n);
    if (type.dtype === "i32") {
      const key = random.keyOf(name);
      const indices = Array.from({ length: size(shape) }, (_, i) =>
        Math.floor(random.uniform(i, key) * classes),
      );
      values[name] = tensor(shape, indices, "i32");
    } else if (type.dtype === "u8") {
      const pixels = noise(name, shape, 60).data.map((v) =>
        Math.min(255, Math.max(0, Math.round(128 + v))),
      );
      values[name] = tensor(shape, pixels, "u8");
    } else if (node.attrs.role === "scalar") {
      values[name] = scalarOf(type.dtype === "u32" ? 12345 : 1, type.dtype);
    } else values[name] = noise(name, shape, 1);
  }
  return values;
}

export const run = (graph: Graph, values: Values, n: number): Values =>
  evaluateGraph(graph, values, n);

/** Elements as plain numbers. */
export const numbers = (value: ReferenceTensor | undefined): number[] => [...(value?.data ?? [])];

/** Compares element by element, within a relative or absolute tolerance. */
export function expectClose(
  actual: ReferenceTensor | readonly number[] | undefined,
  wanted: ArrayLike<number>,
  tolerance = 1e-9,
): void {
  const values = Array.isArray(actual) ? (actual as number[]) : numbers(actual as ReferenceTensor);
  expect(values.length).toBe(wanted.length);
  values.forEach((value, i) => {
    const want = wanted[i] as number;
    const off = Math.abs(value - want) / Math.max(1, Math.abs(want));
    if (!(off <= tolerance)) expect.fail(`element ${i} is ${value}, not ${want}`);
  });
}

/** New state values named without their "state:" prefix, over the old ones. */
export function advance(values: Values, results: Values): Values {
  const next = { ...values };
  for (const [name, value] of Object.entries(results)) {
    if (name.startsWith("state:")) next[name.slice("state:".length)] = value;
  }
  return next;
}
