/** @file Sampling, noise and the loss of a variational autoencoder. */
import { describe, expect, it } from "vitest";
import { compiledFrom, expectTrueGradients, specFrom, uniforms } from "../support/from-yaml.js";
import {
  expectClose,
  inputValues,
  lowered,
  numbers,
  run,
  stateValues,
  tensor,
  trained,
} from "../support/lowering.js";
import { runLayers } from "../support/one-layer.js";

const vae = `
data: { source: { arrays: true }, features: { x: { type: vector, shape: [4] } }, targets: {} }
networks:
  decoder: { layers: [{ dense: { units: 3, activation: tanh } }, dense: 4] }
model:
  layers:
    - { dense: 2, from: x, as: mean }
    - { dense: 2, from: x, as: log_variance }
    - { sample_normal: {}, from: [mean, log_variance], as: z }
    - { use: decoder, from: z, as: reconstruction }
train:
  optimizer: { sgd: { learning_rate: 1 } }
  losses:
    - mse: { output: reconstruction, target: x, reduce: sum }
    - kl_divergence: { mean: mean, log_variance: log_variance, weight: 0.5 }
generate: { from: z, network: decoder }
`;
const n = 3;

describe("the loss of a VAE", () => {
  it("has the KL divergence to the standard normal, summed over dimensions", () => {
    const { evaluate, state } = lowered(specFrom(vae));
    const values = { ...inputValues(evaluate as never, 1), ...stateValues(state) };
    const zeros = tensor([4, 2], new Float64Array(8));
    const given = {
      ...values,
      "mean.kernel": zeros,
      "log_variance.kernel": zeros,
      "mean.bias": tensor([2], [1, -2]),
      "log_variance.bias": tensor([2], [Math.log(4), 0]),
    };
    const results = run(evaluate as never, given, 1);
    // ½(1 + 4 − 1 − ln 4) + ½(4 + 1 − 1 − 0)
    const kl = 0.5 * (4 - Math.log(4)) + 2;
    expectClose(results["loss.kl_divergence"], [kl], 1e-12);
    const [mse] = numbers(results["loss.mse"]);
    expectClose(results.loss, [(mse as number) + 0.5 * kl], 1e-12);
  });

  it("is 0 for the standard normal itself", () => {
    const { evaluate, state } = lowered(specFrom(vae));
    const values = { ...inputValues(evaluate as never, n), ...stateValues(state) };
    for (const name of ["mean.kernel", "mean.bias", "log_variance.kernel", "log_variance.bias"]) {
      const { shape, data } = values[name] as (typeof values)[string];
      values[name] = tensor(shape, new Float64Array(data.length));
    }
    expectClose(run(evaluate as never, values, n)["loss.kl_divergence"], [0]);
  });

  it("has gradients that agree with central differences", () => {
    const { train, state } = trained(specFrom(vae));
    const values = { ...inputValues(train, n), ...stateValues(state) };
    expect(expectTrueGradients(train, values, n, 1e-6)).toHaveLength(8);
  });
});

describe("generation", () => {
  it("draws from the standard normal in the place of the sample, without the encoder", () => {
    const { programs, generate } = compiledFrom(vae);
    const names = new Set<string>();
    const graph = programs.generate as never;
    const { state } = lowered(specFrom(vae));
    const values = { ...stateValues(state), ...inputValues(graph, 4) };
    for (const name of Object.keys(values)) names.add(name);
    expect(generate?.head).toMatchObject({ name: "reconstruction", kind: "value", shape: [4] });
    expect(generate?.given).toEqual([]);
    const all = numbers(run(graph, values, 4).reconstruction);
    expect(all).toHaveLength(16);
    // Only the decoder's weights are read.
    const withoutEncoder = Object.fromEntries(
      Object.entries(values).filter(([name]) => !/^(mean|log_variance)\./.test(name)),
    );
    expectClose(run(graph, withoutEncoder, 4).reconstruction, all);
  });
});

/** Mean and variance of the elements. */
function moments(values: readonly number[]): [number, number] {
  const mean = values.reduce((a, b) => a + b) / values.length;
  return [mean, values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length];
}

describe("random layers", () => {
  const zeros = { n: 20, shape: [1000], x: new Float64Array(20_000), key: 7 };

  it("sample_normal has the mean and the variance it is given", () => {
    const layers = `
- { add: [x, x], as: mean }
- { sample_normal: [mean, mean], as: sample }`;
    for (const training of [false, true]) {
      const [mean, variance] = moments(numbers(runLayers(layers, zeros, training).output));
      expect(mean).toBeCloseTo(0, 1);
      expect(variance).toBeCloseTo(1, 1);
    }
    const shifted = { ...zeros, x: new Float64Array(20_000).fill(Math.log(2)) };
    const [mean, variance] = moments(numbers(runLayers("- sample_normal: [x, x]", shifted).output));
    expect(mean).toBeCloseTo(Math.log(2), 1);
    expect(variance).toBeCloseTo(2, 0);
  });

  it("normal numbers have no outliers and look normal at one and two deviations", () => {
    const values = numbers(runLayers("- { gaussian_noise: 1 }", zeros, true).output);
    const within = (limit: number): number =>
      values.filter((v) => Math.abs(v) < limit).length / values.length;
    expect(within(1)).toBeCloseTo(0.683, 1);
    expect(within(2)).toBeCloseTo(0.954, 1);
    expect(within(6)).toBe(1);
    const pairs = values.slice(1).reduce((sum, v, i) => sum + v * (values[i] as number), 0);
    expect(Math.abs(pairs / values.length)).toBeLessThan(0.03);
  });

  it("gaussian_noise and masking_noise act in training only", () => {
    const ones = { ...zeros, x: new Float64Array(20_000).fill(1) };
    expectClose(runLayers("- gaussian_noise: 0.5", ones).output, ones.x);
    expectClose(runLayers("- masking_noise: 0.3", ones).output, ones.x);
    const [, variance] = moments(numbers(runLayers("- gaussian_noise: 0.5", ones, true).output));
    expect(variance).toBeCloseTo(0.25, 1);
    const masked = numbers(runLayers("- masking_noise: 0.3", ones, true).output);
    expect(moments(masked)[0]).toBeCloseTo(0.7, 1);
    expect(masked.every((v) => v === 0 || v === 1)).toBe(true);
  });

  it("noise gives rows of the size and distribution asked for, in every mode", () => {
    const layers = (noise: string): string =>
      `- { noise: ${noise}, as: z }\n- { multiply: [z, x] }`;
    const ones = { ...zeros, x: new Float64Array(20_000).fill(1) };
    const uniform = numbers(
      runLayers(layers("{ size: 1000, distribution: uniform }"), ones).output,
    );
    expect(Math.max(...uniform)).toBeLessThan(1);
    expect(Math.min(...uniform)).toBeLessThan(-0.99);
    const [mean, variance] = moments(numbers(runLayers(layers("[1000]"), ones, true).output));
    expect(mean).toBeCloseTo(0, 1);
    expect(variance).toBeCloseTo(1, 1);
  });

  it("interpolate gives one random point per example on the line between the inputs", () => {
    const layers = "- { add: [x, x], as: twice }\n- interpolate: [x, twice]";
    const x = uniforms("x", [20, 1000]).data;
    const { output } = runLayers(layers, { ...zeros, x: x.map((v) => v + 1) });
    const shares = numbers(output).map((v, i) => v / ((x[i] as number) + 1) - 1);
    for (let row = 0; row < 20; row++) {
      const own = shares.slice(row * 1000, (row + 1) * 1000);
      const [mean, variance] = moments(own);
      expect(variance).toBeLessThan(1e-12);
      expect(mean).toBeGreaterThanOrEqual(0);
      expect(mean).toBeLessThanOrEqual(1);
    }
    const firsts = shares.filter((_, i) => i % 1000 === 0);
    expect(new Set(firsts.map((v) => v.toFixed(6))).size).toBe(20);
  });
});
