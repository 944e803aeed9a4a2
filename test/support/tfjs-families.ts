/**
 * @file Whole models as dlc's specs and as tfjs's kernels: for comparing losses and gradients of every weight.
 * tfjs computes in float32, hence the tolerance.
 */
import { type FittedFacts, random, specialTokenNames } from "@dlc/runtime";
import * as tf from "@tensorflow/tfjs-core";
import { expect } from "vitest";
import { specFrom, uniforms } from "./from-yaml.js";
import { noise, run, scalarOf, stateValues, tensor, trained, type Values } from "./lowering.js";
import { worstDifference } from "./numeric.js";

const n = 3;
const tolerance = { relative: 1e-4, absolute: 1e-5 };

const toTf = ({ data, shape }: Values[string]) => tf.tensor([...data], [...shape]);

interface Family {
  /** Up to its optimiser. */
  readonly spec: string;
  readonly facts?: FittedFacts;
  readonly batch: Values;
  /** The loss, of the weights by name. */
  readonly theirs: (
    w: (name: string) => tf.Tensor,
    batch: (name: string) => tf.Tensor,
  ) => tf.Tensor;
}

const key = 77;

/** The normal numbers that a program's first two sites make (Box & Muller 1958). */
function normals(shape: readonly number[]): tf.Tensor {
  const [u, v] = [0, 1].map((site) => random.siteKey(key, site)) as [number, number];
  const count = shape.reduce((a, b) => a * b, 1);
  const data = Array.from(
    { length: count },
    (_, i) =>
      Math.sqrt(-2 * Math.log(1 - random.uniform(i, u))) *
      Math.cos(2 * Math.PI * random.uniform(i, v)),
  );
  return tf.tensor(data, [...shape]);
}

const meanOfSums = (x: tf.Tensor): tf.Tensor => tf.mean(tf.sum(x, 1));

const steps = 4;
const texts = [4, 6, 5, 4, 6, 0, 0, 0, 5, 4, 0, 0];

export const families: Readonly<Record<string, Family>> = {
  "a variational autoencoder": {
    spec: `data: { source: { arrays: true }, features: { x: { type: vector, shape: [5], scale: none } }, targets: {} }
networks:
  decoder: { layers: [{ dense: { units: 4, activation: tanh } }, dense: 5] }
model:
  layers:
    - { dense: { units: 4, activation: elu }, as: hidden }
    - { dense: 2, from: hidden, as: mean }
    - { dense: 2, from: hidden, as: log_variance }
    - { sample_normal: [mean, log_variance], as: z }
    - { use: decoder, from: z, as: reconstruction }
train:
  losses:
    - binary_cross_entropy: { output: reconstruction, target: x, reduce: sum }
    - kl_divergence: { mean: mean, log_variance: log_variance }`,
    batch: { x: uniforms("pixels", [n, 5]) },
    theirs(w, batch) {
      const dense = (at: string, x: tf.Tensor): tf.Tensor =>
        tf.add(tf.matMul(x, w(`${at}.kernel`)), w(`${at}.bias`));
      const hidden = tf.elu(dense("hidden", batch("x")));
      const mean = dense("mean", hidden);
      const logVariance = dense("log_variance", hidden);
      const z = tf.add(mean, tf.mul(tf.exp(tf.div(logVariance, 2)), normals([n, 2])));
      const p = tf.sigmoid(dense("decoder.dense_2", tf.tanh(dense("decoder.dense_1", z))));
      const x = batch("x");
      const likelihood = tf.add(tf.mul(x, tf.log(p)), tf.mul(tf.sub(1, x), tf.log(tf.sub(1, p))));
      const spread = tf.sub(tf.sub(tf.exp(logVariance), logVariance), 1);
      const divergence = tf.div(tf.add(tf.square(mean), spread), 2);
      return tf.sub(meanOfSums(divergence), meanOfSums(likelihood));
    },
  },
  "a GRU that reads texts of different lengths": {
    spec: `data:
  source: { arrays: true }
  features: { text: { type: text, max_length: ${steps} } }
  targets: { y: { type: vector, shape: [2] } }
model:
  layers: [{ embedding: 3 }, { gru: 4 }, { dense: 2 }]
train:
  loss: mse`,
    facts: { text: { vocabulary: [...specialTokenNames, "a", "b", "c"], length: steps } },
    batch: { text: tensor([n, steps], texts, "i32"), y: noise("y", [n, 2]) },
    theirs(w, batch) {
      let h: tf.Tensor = tf.zeros([n, 4]);
      for (let step = 0; step < steps; step++) {
        const ids = texts.filter((_, i) => i % steps === step);
        const x = tf.gather(w("embedding_1.table"), tf.tensor1d(ids, "int32"));
        const [xr, xz, xc] = tf.split(
          tf.add(tf.matMul(x, w("gru_1.kernel")), w("gru_1.bias")),
          3,
          1,
        );
        const recurrent = tf.matMul(h, w("gru_1.recurrent_kernel"));
        const [hr, hz, hc] = tf.split(tf.add(recurrent, w("gru_1.recurrent_bias")), 3, 1);
        const [r, z] = [tf.sigmoid(tf.add(xr!, hr!)), tf.sigmoid(tf.add(xz!, hz!))];
        const candidate = tf.tanh(tf.add(xc!, tf.mul(r, hc!)));
        const next = tf.add(tf.mul(tf.sub(1, z), candidate), tf.mul(z, h));
        // Padding leaves the state as it is.
        const there = tf.tensor2d(ids.map((id) => [Number(id > 0)]));
        h = tf.add(tf.mul(there, next), tf.mul(tf.sub(1, there), h));
      }
      const output = tf.add(tf.matMul(h, w("dense_1.kernel")), w("dense_1.bias"));
      return tf.mean(tf.square(tf.sub(output, batch("y"))));
    },
  },
};

/** Compares the loss, and the gradient of every weight. */
export function compareFamily({ spec, facts, batch, theirs }: Family): void {
  // A step of plain gradient descent with rate 1 is the gradient.
  const { train, state } = trained(specFrom(`${spec}\n  optimizer: sgd\n`), facts);
  const weights = stateValues(state);
  const scalars = { random_key: scalarOf(key, "u32"), learning_rate: scalarOf(1) };
  const results = run(train, { ...weights, ...batch, ...scalars }, n);
  tf.tidy(() => {
    const names = Object.keys(weights);
    const { value, grads } = tf.valueAndGrads((...own) =>
      theirs(
        (wanted) => own[names.indexOf(wanted)] as tf.Tensor,
        (wanted) => toTf(batch[wanted] as Values[string]),
      ),
    )(Object.values(weights).map(toTf));
    expect(results.loss?.data[0]).toBeCloseTo(value.dataSync()[0] as number, 4);
    for (const [i, gradient] of grads.entries()) {
      const weight = names[i] as string;
      const before = weights[weight] as Values[string];
      const after = results[`state:${weight}`] as Values[string];
      const found = { ...before, data: before.data.map((v, at) => v - (after.data[at] as number)) };
      const wanted = { ...before, data: Float64Array.from(gradient.dataSync()) };
      expect(worstDifference(found, wanted, tolerance), weight).toBeNull();
      expect(Math.max(...wanted.data.map(Math.abs)), weight).toBeGreaterThan(1e-3);
    }
  });
}
