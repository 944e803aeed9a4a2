/** @file Specs from YAML text through loading, for tests of what only the language can say. */
import { random } from "@dlc/runtime";
import { expect } from "vitest";
import { loadSpec } from "../../compiler/1-load/load-spec.js";
import type { ResolvedSpec } from "../../compiler/1-load/resolved-spec.js";
import type { CompiledModel } from "../../compiler/compiled-model.js";
import type { Diagnostic } from "../../compiler/diagnostics/diagnostic.js";
import type { Graph } from "../../compiler/ir/types.js";
import { compileSpec } from "../../compiler/pipeline.js";
import { numbers, run, tensor, type Values } from "./lowering.js";

const file = "/example/spec.yaml";

const load = (yaml: string) => loadSpec(file, { read: () => `dlc: 1\nname: example\n${yaml}` });

/** The resolved spec of a text (without `dlc` and `name`) that must be free of errors and warnings. */
export function specFrom(yaml: string): ResolvedSpec {
  const { spec, diagnostics } = load(yaml);
  expect(diagnostics.all).toEqual([]);
  return spec as ResolvedSpec;
}

/** What loading and compiling a text reports. */
export function reportsOf(yaml: string): readonly Diagnostic[] {
  const { spec, diagnostics, sources } = load(yaml);
  if (spec !== null) compileSpec(spec, {}, sources, diagnostics);
  return diagnostics.all;
}

/** The text at the place of each report, by code. */
export function blamedIn(yaml: string): readonly (readonly [code: string, text: string])[] {
  const text = `dlc: 1\nname: example\n${yaml}`;
  return reportsOf(yaml).map(({ code, span }) => [
    code,
    span === null ? "" : text.slice(span.start, span.end),
  ]);
}

/** The compiled model of a text that must be free of errors and warnings. */
export function compiledFrom(yaml: string): CompiledModel {
  const { spec, diagnostics, sources } = load(yaml);
  expect(diagnostics.all).toEqual([]);
  const model = compileSpec(spec as ResolvedSpec, {}, sources, diagnostics);
  expect(diagnostics.all).toEqual([]);
  return model as CompiledModel;
}

/**
 * A step of plain gradient descent with rate 1 is the gradient: it must agree with central
 * differences of the graph's loss, for some elements of every weight that the graph updates.
 */
export function expectTrueGradients(graph: Graph, values: Values, n: number, tolerance: number) {
  const results = run(graph, values, n);
  const loss: Graph = { name: "loss", outputs: graph.outputs.filter((o) => o.name === "loss") };
  const names = graph.outputs.flatMap(({ name, role }) =>
    role === "state" && !/\.(mean|variance)$/.test(name) ? [name] : [],
  );
  for (const name of names) {
    const weight = values[name] as Values[string];
    const step = numbers(results[`state:${name}`]).map(
      (next, i) => (weight.data[i] as number) - next,
    );
    for (const i of [0, Math.floor(step.length / 2), step.length - 1]) {
      const at = (h: number): number => {
        const data = Float64Array.from(weight.data);
        data[i] = (data[i] as number) + h;
        return numbers(run(loss, { ...values, [name]: { ...weight, data } }, n).loss)[0] as number;
      };
      const h = 1e-5;
      const numeric = (at(h) - at(-h)) / (2 * h);
      const off = Math.abs((step[i] as number) - numeric) / Math.max(1, Math.abs(numeric));
      if (!(off <= tolerance)) expect.fail(`${name}[${i}]: ${step[i]}, not ${numeric}`);
    }
  }
  return names;
}

/** Numbers in [0, 1) of a shape. */
export const uniforms = (name: string, shape: readonly number[]): Values[string] =>
  tensor(
    shape,
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) =>
      random.uniform(i, random.keyOf(name)),
    ),
  );
