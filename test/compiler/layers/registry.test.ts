/** @file What holds for every layer of the registry. */
import { describe, expect, it } from "vitest";
import { layers } from "../../../compiler/layers/index.js";
import {
  advance,
  expectClose,
  inputValues,
  lowered,
  numbers,
  run,
  stateValues,
  trained,
  type Values,
} from "../../support/lowering.js";
import {
  category,
  type Features,
  image,
  layersOf,
  numeric,
  specOf,
  vector,
} from "../../support/spec.js";

/** What a layer's example can read, where an image of four channels does not do. */
const inputs: Readonly<Record<string, Features>> = {
  conv1d: { x: vector(10, 4) },
  max_pool1d: { x: vector(10, 4) },
  avg_pool1d: { x: vector(10, 4) },
  simple_rnn: { x: vector(5, 4) },
  lstm: { x: vector(5, 4) },
  gru: { x: vector(5, 4) },
  rnn_cell: { x: vector(16) },
  lstm_cell: { x: vector(32) },
  gru_cell: { x: vector(16) },
  reshape: { x: vector(784) },
  embedding: { x: category(["a", "b", "c"], "index") },
};

/** A spec whose model is the layer's example, with linear layers for the inputs it names. */
function exampleSpec(type: string, after: string) {
  const { example } = layers.get(type) as { example: string };
  const [use] = layersOf(`- ${example}`);
  const others = (use?.from ?? []).filter((name) => name !== "x");
  const before = others.map((name) => `- { linear: {}, as: ${name}, from: x }`);
  return specOf({
    features: inputs[type] ?? { x: image(6, 6, 4) },
    targets: { y: numeric() },
    layers: [...before, `- ${example}${use?.roles ? "\n  from: x" : ""}`, after].join("\n"),
    train: { losses: [{ kind: "mse" }] },
  });
}

/** Ends any model in one number per example. */
const toNumber = "- flatten\n- dense: { units: 1, activation: tanh }";

describe.each([...layers.keys()])("%s", (type) => {
  it("says what it is", () => {
    const layer = layers.get(type);
    expect(layer?.type).toBe(type);
    expect(layer?.summary).toMatch(/\.$/);
    expect(layer?.shapes).toContain("→");
    for (const field of Object.values(layer?.fields ?? {}) as { description: string }[]) {
      expect(field.description).toMatch(/\.$/);
    }
  });

  it("has an example that lowers and gives the shapes it declares in both modes", () => {
    const { infer, training, state } = lowered(exampleSpec(type, toNumber));
    // Evaluation compares every node's result with its inferred type.
    for (const graph of [infer, training]) {
      if (graph === null) throw new Error("no training graph");
      const results = run(graph, { ...inputValues(graph, 3), ...stateValues(state) }, 3);
      for (const value of Object.values(results)) {
        expect(numbers(value).every(Number.isFinite)).toBe(true);
      }
    }
  });

  it("has gradients towards all its weights that agree with central differences", () => {
    const { train, state, model } = trained(exampleSpec(type, toNumber));
    const values: Values = { ...inputValues(train, 3), ...stateValues(state) };
    const after = advance(values, run(train, values, 3));
    const loss = (name: string, element: number, step: number): number => {
      const weight = values[name] as Values[string];
      const data = Float64Array.from(weight.data);
      data[element] = (data[element] as number) + step;
      const graph = { name: "loss", outputs: train.outputs.filter((o) => o.name === "loss") };
      return numbers(run(graph, { ...values, [name]: { ...weight, data } }, 3).loss)[0] as number;
    };
    for (const { name } of model.weights) {
      const [old, next] = [numbers(values[name]), numbers(after[name])];
      // Plain gradient descent with learning rate 1: the step is the gradient.
      for (const element of [0, old.length - 1]) {
        const h = 1e-5;
        const numeric = (loss(name, element, h) - loss(name, element, -h)) / (2 * h);
        expectClose([(old[element] as number) - (next[element] as number)], [numeric], 1e-5);
      }
    }
  });
});
