/** @file Graphs in tests: written as IR text, run on random numbers, compared. */
import { expect } from "vitest";
import { evaluateGraph } from "../../compiler/ir/evaluate.js";
import { parseGraph } from "../../compiler/ir/parse.js";
import { printGraph } from "../../compiler/ir/print.js";
import { concreteShape } from "../../compiler/ir/shape.js";
import { nodesOf } from "../../compiler/ir/traverse.js";
import type { Graph } from "../../compiler/ir/types.js";
import { inputValues, noise, type Values } from "./lowering.js";
import { type Tolerance, worstDifference } from "./numeric.js";

/** The printed form of IR text, for comparing without minding names and order of attributes. */
export const normal = (text: string): string => printGraph(parseGraph(text));

export const count = (graph: Graph, kind: string): number =>
  nodesOf(graph).filter((node) => node.kind === kind).length;

/** Random inputs, and random numbers for state tensors that are not given. */
export function randomValues(graph: Graph, n: number, state: Values = {}): Values {
  const values: Values = { ...inputValues(graph, n), ...state };
  for (const node of nodesOf(graph)) {
    const [type] = node.types;
    if ((node.kind !== "state" && node.kind !== "input") || type === undefined) continue;
    const name = String(node.attrs.name);
    const random = noise(name, concreteShape(type.shape, n));
    if (type.dtype === "bool") {
      values[name] = { ...random, dtype: "bool", data: random.data.map((v) => Number(v > 0)) };
    }
    values[name] ??= random;
  }
  return values;
}

/** Runs both graphs on the same numbers; all results must agree. */
export function expectSameResults(
  actual: Graph,
  expected: Graph,
  values: Values,
  n: number,
  tolerance: Tolerance = { relative: 1e-9, absolute: 1e-9 },
): void {
  const wanted = evaluateGraph(expected, values, n);
  const got = evaluateGraph(actual, values, n);
  expect(Object.keys(got)).toEqual(Object.keys(wanted));
  for (const [name, tensor] of Object.entries(wanted)) {
    const result = got[name];
    if (result === undefined) throw new Error(`no result '${name}'`);
    const difference = worstDifference(result, tensor, tolerance);
    if (difference !== null) expect.fail(`${name}: ${difference}`);
  }
}
