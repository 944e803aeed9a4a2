/** @file Discrete choices: Gumbel-softmax, codes and one-hot vectors. */
import { describe, expect, it } from "vitest";
import { blamedIn, expectTrueGradients, specFrom, uniforms } from "../support/from-yaml.js";
import {
  expectClose,
  inputValues,
  lowered,
  numbers,
  run,
  stateValues,
  trained,
} from "../support/lowering.js";
import { runLayers } from "../support/one-layer.js";

const scores = [0, Math.log(2), Math.log(3)];
const shares = [1 / 6, 1 / 3, 1 / 2];
const draws = 6000;
const repeated = {
  n: draws / 20,
  shape: [20, 3],
  x: Array.from({ length: draws }, () => scores).flat(),
  key: 11,
};
const training = true;

const rowsOf = (values: readonly number[]): number[][] =>
  Array.from({ length: values.length / 3 }, (_, i) => values.slice(3 * i, 3 * i + 3));

/** How often each class is the largest. */
function frequencies(rows: readonly number[][]): number[] {
  return [0, 1, 2].map(
    (k) => rows.filter((row) => row[k] === Math.max(...row)).length / rows.length,
  );
}

describe("gumbel_softmax", () => {
  it.each([0.2, 1, 5])("draws each class as often as its scores say, at temperature %d", (t) => {
    const { output } = runLayers(`- gumbel_softmax: ${t}`, repeated, training);
    const rows = rowsOf(numbers(output));
    for (const row of rows) expect(row.reduce((a, b) => a + b)).toBeCloseTo(1, 9);
    frequencies(rows).forEach((frequency, k) => {
      // Three standard deviations of a share of 6000 draws.
      expect(Math.abs(frequency - (shares[k] as number))).toBeLessThan(0.02);
    });
  });

  it("is nearer to one class the lower its temperature", () => {
    const largest = [0.1, 1, 10].map((t) => {
      const { output } = runLayers(`- gumbel_softmax: ${t}`, repeated, training);
      const rows = rowsOf(numbers(output));
      return rows.reduce((sum, row) => sum + Math.max(...row), 0) / rows.length;
    });
    expect(largest[0]).toBeGreaterThan(0.9);
    expect(largest[0]).toBeGreaterThan(largest[1] as number);
    expect(largest[1]).toBeGreaterThan(largest[2] as number);
    expect(largest[2]).toBeLessThan(0.45);
  });

  it("has differences of Gumbel numbers between classes", () => {
    // Log shares · temperature differ by the scores plus a logistic number: mean 0, variance π²/3.
    const { output } = runLayers(
      "- gumbel_softmax: 1",
      { ...repeated, x: repeated.x.map(() => 0) },
      training,
    );
    const differences = rowsOf(numbers(output)).map(([a = 0, b = 0]) => Math.log(a / b));
    const mean = differences.reduce((a, b) => a + b) / draws;
    const variance = differences.reduce((sum, d) => sum + (d - mean) ** 2, 0) / draws;
    expect(Math.abs(mean)).toBeLessThan(0.08);
    expect(Math.abs(variance - Math.PI ** 2 / 3)).toBeLessThan(0.25);
  });

  it("gives the class that it drew alone when hard", () => {
    const soft = runLayers("- gumbel_softmax: 0.7", repeated, training);
    const hard = runLayers(
      "- gumbel_softmax: { temperature: 0.7, hard: true }",
      repeated,
      training,
    );
    const expected = rowsOf(numbers(soft.output)).map((row) =>
      row.map((v) => Number(v === Math.max(...row))),
    );
    expectClose(hard.output, expected.flat(), 1e-12);
  });

  it.each([
    [1, 2],
    [3, 1],
    [5, 0.5],
    [9, 0.5],
  ])("changes its temperature with the updates: at number %d it is %d", (step, temperature) => {
    const layer = "- gumbel_softmax: { temperature: { from: 2, to: 0.5, steps: 4 } }";
    const { output } = runLayers(layer, { ...repeated, step }, training);
    const fixed = runLayers(`- gumbel_softmax: ${temperature}`, repeated, training);
    expectClose(output, numbers(fixed.output), 1e-12);
  });

  it("gives the most probable class after training, and draws nothing", () => {
    for (const hard of [false, true]) {
      const layer = `- gumbel_softmax: { temperature: { from: 1, to: 0.1, steps: 9 }, hard: ${hard} }`;
      const { key: _, ...still } = repeated;
      const { output } = runLayers(layer, still);
      expect(numbers(output)).toEqual(Array.from({ length: draws }, () => [0, 0, 1]).flat());
    }
  });

  const model = (hard: boolean, loss: string): string => `
data: { source: { arrays: true }, features: { x: { type: vector, shape: [4] } }, targets: {} }
model:
  layers:
    - { dense: 6, as: scores }
    - reshape: [2, 3]
    - gumbel_softmax: { temperature: { from: 1, to: 0.5, steps: 10 }, hard: ${hard} }
    - flatten
    - { dense: 4, as: output }
train: { optimizer: { sgd: { learning_rate: 1 } }, loss: ${loss} }`;

  it("has gradients that agree with central differences", () => {
    const { train, state } = trained(specFrom(model(false, "{ mse: { target: x } }")));
    const values = { ...inputValues(train, 3), ...stateValues(state) };
    expect(expectTrueGradients(train, values, 3, 1e-6)).toHaveLength(4);
  });

  it("passes the gradients of the shares through a hard choice", () => {
    // The loss is linear in the choice, so its gradient there does not depend on the choice.
    const gradients = [false, true].map((hard) => {
      const { train, state } = trained(specFrom(model(hard, "{ wasserstein: { target: 1 } }")));
      const results = run(train, { ...inputValues(train, 3), ...stateValues(state) }, 3);
      return numbers(results["state:scores.kernel"]);
    });
    expectClose(
      { dtype: "f32", shape: [4, 6], data: Float64Array.from(gradients[1] ?? []) },
      gradients[0] ?? [],
      1e-12,
    );
    const initial = numbers(
      stateValues(trained(specFrom(model(true, "{ wasserstein: { target: 1 } }"))).state)[
        "scores.kernel"
      ],
    );
    expect(gradients[1]).not.toEqual(initial);
  });
});

describe("codes", () => {
  it("are the numbers of the largest scores, which one_hot makes vectors of", () => {
    const x = uniforms("codes", [2, 3, 3, 5]).data;
    const layers = "- codes\n- flatten\n- reshape: [3, 3]\n- one_hot";
    const { output } = runLayers(layers, { n: 2, shape: [3, 3, 5], x });
    expect(output.shape).toEqual([2, 3, 3, 5]);
    const rows = Array.from({ length: 18 }, (_, i) => [...x.slice(5 * i, 5 * i + 5)]);
    const expected = rows.flatMap((row) => row.map((v) => Number(v === Math.max(...row))));
    expect(numbers(output)).toEqual(expected);
  });

  it("know how many there are, also in another shape", () => {
    const spec = specFrom(`
data: { source: { arrays: true }, features: { x: { type: vector, shape: [2, 2, 7] } }, targets: { y: { type: number } } }
model: { layers: [codes, flatten, { embedding: 3 }, flatten, { dense: 1 }] }
train: { loss: mse }`);
    expect(lowered(spec).state["embedding_1.table"]?.shape).toEqual([7, 3]);
  });

  it("pass no gradient: what only leads to codes is not trained by their loss", () => {
    expect(
      blamedIn(`
data: { source: { arrays: true }, features: { x: { type: vector, shape: [4] } }, targets: { y: { type: number } } }
model: { layers: [{ dense: 3 }, codes, one_hot, { dense: 1 }] }
train: { loss: mse }`),
    ).toEqual([["weight-without-gradient", "{ dense: 3 }"]]);
  });
});

describe("one_hot", () => {
  it("needs ids", () => {
    const yaml = (feature: string): string => `
data: { source: { arrays: true }, features: { x: ${feature} }, targets: { y: { type: number } } }
model: { layers: [one_hot, { dense: 1 }] }
train: { loss: mse }`;
    expect(blamedIn(yaml("{ type: vector, shape: [4] }"))).toEqual([["shape-mismatch", "one_hot"]]);
    const index = "{ type: category, classes: [a, b, c], encode: index }";
    expect(blamedIn(yaml(index))).toEqual([]);
  });
});
