/** @file What holds for every layer of the registry. */
import { specialTokenNames } from "@dlc/runtime";
import { describe, expect, it } from "vitest";
import { pytorch } from "../../../compiler/2-lower/initial/pytorch.js";
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
  text,
  vector,
} from "../../support/spec.js";

/** What a layer's example can read, where an image of four channels does not do. */
const inputs: Readonly<Record<string, Features>> = {
  conv1d: { x: vector(10, 4) },
  max_pool1d: { x: vector(10, 4) },
  avg_pool1d: { x: vector(10, 4) },
  global_avg_pool1d: { x: vector(10, 4) },
  global_max_pool1d: { x: vector(10, 4) },
  previous: { translation: text(5) },
  logits: { x: vector(4), translation: text(5) },
  simple_rnn: { x: vector(5, 4) },
  lstm: { x: vector(5, 4) },
  gru: { x: vector(5, 4) },
  attention: { x: vector(5, 4) },
  positions: { x: vector(5, 4) },
  rnn_cell: { x: vector(16) },
  lstm_cell: { x: vector(32) },
  gru_cell: { x: vector(16) },
  reshape: { x: vector(784) },
  embedding: { x: category(["a", "b", "c"], "index") },
  one_hot: { x: category(["a", "b", "c"], "index") },
  crop1d: { x: vector(5, 4) },
};

/** A spec whose model is the layer's example, with linear layers for the inputs it names. */
function exampleSpec(type: string, after: string) {
  const { example } = layers.get(type) as { example: string };
  const [use] = layersOf(`- ${example}`);
  const features = inputs[type] ?? { x: image(6, 6, 4) };
  const others = (use?.from ?? []).filter((name) => features[name] === undefined);
  const before = others.map((name) => `- { linear: {}, as: ${name}, from: x }`);
  return specOf({
    features,
    targets: { y: numeric() },
    layers: [
      ...before,
      `- ${example}${use?.roles ? "\n  from: x" : ""}`,
      afterIds[type] ?? "",
      after,
    ].join("\n"),
    train: { losses: [{ kind: "mse" }] },
  });
}

/** What makes numbers of a layer's ids. */
const afterIds: Readonly<Record<string, string>> = { codes: "- one_hot", previous: "- one_hot" };

/** The vocabulary that examples name. */
const facts = { translation: { vocabulary: [...specialTokenNames, "a", "b"] } };

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
    const { infer, training, state } = lowered(exampleSpec(type, toNumber), facts);
    // Evaluation compares every node's result with its inferred type.
    for (const graph of [infer, training]) {
      if (graph === null) throw new Error("no training graph");
      const results = run(graph, { ...inputValues(graph, 3), ...stateValues(state) }, 3);
      for (const value of Object.values(results)) {
        expect(numbers(value).every(Number.isFinite)).toBe(true);
      }
    }
  });

  it("has weights that PyTorch's layout knows, so that trained ones can be loaded", () => {
    const { state } = lowered(exampleSpec(type, toNumber), facts);
    for (const [name, { layer }] of Object.entries(state)) {
      const tensor = name.slice(layer.length + 1);
      if (!layer.startsWith(type)) continue;
      expect([tensor, pytorch.rules(type, tensor) !== undefined]).toEqual([tensor, true]);
    }
  });

  it("has gradients towards all its weights that agree with central differences", () => {
    const { train, state, model } = trained(exampleSpec(type, toNumber), facts);
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
