/** @file Layers that classic image networks need: values and gradients against tfjs-core and by hand. */
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-core/dist/register_all_gradients.js";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { backward } from "../../../compiler/3-differentiate/backward.js";
import { createBuilder } from "../../../compiler/ir/builder.js";
import { evaluateValues } from "../../../compiler/ir/evaluate.js";
import type { LayerContext } from "../../../compiler/layers/define-layer.js";
import { localResponseNorm } from "../../../compiler/layers/norm/local-response-norm.js";
import { complaints, expectClose, noise } from "../../support/lowering.js";
import { runLayers } from "../../support/one-layer.js";
import { image, specOf } from "../../support/spec.js";

beforeAll(async () => {
  tf.enableProdMode(); // no banner
  await tf.setBackend("cpu");
});

const shape: [number, number, number, number] = [2, 2, 3, 7];
const x = noise("x", shape);
const asTf = (data: Float64Array) => tf.tensor4d(Array.from(data), shape);
const input = { n: 2, shape: [2, 3, 7], x: x.data };

describe("local_response_norm", () => {
  // tfjs's depth radius r is a size of 2r + 1; its alpha is the paper's.
  it.each([
    { size: 5, alpha: 1e-4, beta: 0.75, k: 2 },
    { size: 3, alpha: 0.7, beta: 0.5, k: 1 },
    { size: 1, alpha: 2, beta: 1.5, k: 0.3 },
    { size: 15, alpha: 0.1, beta: 0.75, k: 1 },
  ])("is tfjs' with $size channels, and so is its gradient", ({ size, alpha, beta, k }) => {
    const norm = (t: tf.Tensor4D) =>
      tf.localResponseNormalization(t, (size - 1) / 2, k, alpha, beta);
    const fields = JSON.stringify({ size, alpha, beta, k });
    const { output } = runLayers(`- local_response_norm: ${fields}`, input);
    expectClose(output, norm(asTf(x.data)).dataSync(), 2e-5);

    const b = createBuilder();
    const value = b.input("x", "batch", "f32", ["n", 2, 3, 7]);
    const context = { b, x: value, fields: { size, alpha, beta, k }, reject: () => {} };
    const y = localResponseNorm.lower(context as unknown as LayerContext<never>);
    const weights = noise("weights", shape);
    const product = b.mul(y, b.input("weights", "batch", "f32", ["n", 2, 3, 7]));
    const loss = b.sum(product, { axes: [0, 1, 2, 3], keepDims: false });
    const [gradient] = backward(b, loss, [value]);
    if (gradient === undefined || gradient === null) throw new Error("no gradient");
    const [actual] = evaluateValues([gradient], { x, weights }, 2);
    const wanted = tf.grad((t) => tf.sum(tf.mul(norm(t as tf.Tensor4D), asTf(weights.data))));
    expectClose(actual, wanted(asTf(x.data)).dataSync(), 1e-4);
  });

  it("of an even size reaches one channel further down than up, as in PyTorch", () => {
    const { output } = runLayers("- local_response_norm: { size: 2, alpha: 1, beta: 1, k: 1 }", {
      n: 1,
      shape: [1, 1, 3],
      x: [1, 2, 3],
    });
    expectClose(output, [1 / 2, 2 / 6, 3 / 14]);
  });
});

it("avg_pool2d leaves padding out, or counts it as zeros", () => {
  const ones = { n: 1, shape: [2, 2, 1], x: [1, 2, 3, 4] };
  const pool = (more: string) =>
    runLayers(`- avg_pool2d: { size: 3, stride: 1, padding: 1${more} }`, ones).output;
  expectClose(pool(""), [2.5, 2.5, 2.5, 2.5]);
  expectClose(
    pool(", count_padding: true"),
    [10, 10, 10, 10].map((sum) => sum / 9),
  );
});

it("crop2d takes rows and columns away", () => {
  const numbers = { n: 1, shape: [3, 4, 1], x: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11] };
  expectClose(runLayers("- crop2d: 1", numbers).output, [5, 6]);
  expectClose(runLayers("- crop2d: [0, 1]", numbers).output, [1, 2, 5, 6, 9, 10]);
  expectClose(runLayers("- crop2d: [2, 0, 1, 0]", numbers).output, [9, 10, 11]);
});

it("select_channels takes channels in the order listed", () => {
  const numbers = { n: 1, shape: [2, 1, 3], x: [0, 1, 2, 3, 4, 5] };
  expectClose(
    runLayers("- select_channels: [1, 2, 0, 0]", numbers).output,
    [1, 2, 0, 0, 4, 5, 3, 3],
  );
  expectClose(runLayers("- select_channels: [0, 1, 2]", numbers).output, [0, 1, 2, 3, 4, 5]);
});

it.each([
  ["crop2d: [3, 3, 0, 0]", "cannot take 3 + 3 rows and 0 + 0 columns from an input of 6×6"],
  ["crop2d: [0, 0, 5, 1]", "cannot take 0 + 0 rows and 5 + 1 columns from an input of 6×6"],
  ["select_channels: [0, 3]", "has no channel 3: its input has channels 0 to 2"],
])("%s is rejected for what it leaves or lacks", (layer, reason) => {
  const found = complaints(specOf({ features: { x: image(6, 6, 3) }, layers: `- ${layer}` }));
  expect(found.map(({ code }) => code)).toEqual(["shape-mismatch"]);
  expect(found[0]?.message).toContain(reason);
});
