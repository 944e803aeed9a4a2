/** @file What single layers compute, against values by hand and against tfjs-core. */
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import { beforeAll, describe, expect, it } from "vitest";
import {
  type ActivationName,
  activationNames,
} from "../../../compiler/layers/activation/activations.js";
import { expectClose, noise, numbers } from "../../support/lowering.js";
import { type LayerInput, runLayers } from "../../support/one-layer.js";

beforeAll(async () => {
  tf.enableProdMode(); // no banner
  await tf.setBackend("cpu");
});

/** tfjs computes in float32. */
const single = 2e-5;
const random = (name: string, ...shape: number[]): Float64Array => noise(name, shape).data;

describe("batch_norm", () => {
  const input: LayerInput = {
    n: 4,
    shape: [2],
    x: [1, 10, 2, 20, 3, 30, 6, 60],
    state: {
      "batch_norm_1.scale": [2, 1],
      "batch_norm_1.offset": [0, 5],
      "batch_norm_1.mean": [1, 2],
      "batch_norm_1.variance": [4, 9],
    },
  };

  it("normalises with its moving averages in inference", () => {
    const { output } = runLayers("- batch_norm: { epsilon: 0.001 }", input);
    const [a, c] = [Math.sqrt(4.001), Math.sqrt(9.001)];
    const wanted = [1, 10, 2, 20, 3, 30, 6, 60].map((x, i) =>
      i % 2 === 0 ? (2 * (x - 1)) / a : (x - 2) / c + 5,
    );
    expectClose(output, wanted);
  });

  it("normalises with the batch's statistics in training and moves the averages by 1 − momentum", () => {
    const { output, state } = runLayers("- batch_norm: { momentum: 0.9 }", input, true);
    // Means 3 and 30; biased variances (4 + 1 + 0 + 9) / 4 = 3.5 and 350.
    expectClose(output, [
      ...[1, 10, 2, 20, 3, 30, 6, 60].map((x, i) =>
        i % 2 === 0 ? (2 * (x - 3)) / Math.sqrt(3.501) : (x - 30) / Math.sqrt(350.001) + 5,
      ),
    ]);
    expectClose(state["batch_norm_1.mean"], [0.9 * 1 + 0.1 * 3, 0.9 * 2 + 0.1 * 30]);
    expectClose(state["batch_norm_1.variance"], [0.9 * 4 + 0.1 * 3.5, 0.9 * 9 + 0.1 * 350]);
  });
});

it("layer_norm brings every example's last axis to mean 0 and variance 1", () => {
  const { output } = runLayers("- layer_norm: { epsilon: 1e-9 }", {
    n: 2,
    shape: [3],
    x: [1, 2, 3, -5, 0, 5],
    state: { "layer_norm_1.scale": [1, 1, 2], "layer_norm_1.offset": [0, 1, 0] },
  });
  const s = Math.sqrt(3 / 2);
  expectClose(output, [-s, 1, 2 * s, -s, 1, 2 * s], 1e-6);
});

it("group_norm takes its statistics over positions and the channels of a group", () => {
  const x = random("x", 2, 3, 4);
  const { output } = runLayers("- group_norm: 2", {
    n: 2,
    shape: [3, 4],
    x,
    state: { "group_norm_1.scale": [1, 1, 1, 1], "group_norm_1.offset": [0, 0, 0, 0] },
  });
  const wanted = Array.from(x, (value, i) => {
    const [example, channel] = [Math.floor(i / 12), i % 4];
    const group = Array.from(x).filter(
      (_, j) =>
        Math.floor(j / 12) === example && Math.floor((j % 4) / 2) === Math.floor(channel / 2),
    );
    const mean = group.reduce((a, b) => a + b) / 6;
    const variance = group.reduce((a, b) => a + (b - mean) ** 2, 0) / 6;
    return (value - mean) / Math.sqrt(variance + 1e-3);
  });
  expectClose(output, wanted);
});

/** Filters `[out, in, h, w]` as tfjs wants them: `[h, w, in, out]`. */
const filterOf = (data: Float64Array, shape: [number, number, number, number]): tf.Tensor4D =>
  tf.transpose(tf.tensor4d(Array.from(data), shape), [2, 3, 1, 0]);

describe.each([
  { size: 5, kernel: 3, stride: 1 },
  { size: 6, kernel: 3, stride: 2 },
  { size: 7, kernel: 2, stride: 2 },
  { size: 5, kernel: 4, stride: 3 },
] as const)("on $size×$size images with kernel $kernel and stride $stride", (c) => {
  describe.each(["same", "valid"] as const)("and padding %s", (padding) => {
    const x = random("x", 2, c.size, c.size, 4);
    const image = () => tf.tensor4d(Array.from(x), [2, c.size, c.size, 4]);
    const input = { n: 2, shape: [c.size, c.size, 4], x };
    const fields = `kernel: ${c.kernel}, stride: ${c.stride}, padding: ${padding}`;

    it("conv2d is tfjs' conv2d", () => {
      const kernel = random("k", 3, 4, c.kernel, c.kernel);
      const state = { "conv2d_1.kernel": kernel, "conv2d_1.bias": [1, 2, 3] };
      const { output } = runLayers(`- conv2d: { filters: 3, ${fields} }`, { ...input, state });
      const filter = filterOf(kernel, [3, 4, c.kernel, c.kernel]);
      const wanted = tf.add(tf.conv2d(image(), filter, c.stride, padding), [1, 2, 3]);
      expect(output.shape).toEqual(wanted.shape);
      expectClose(output, wanted.dataSync(), single);
    });

    it("depthwise_conv2d is tfjs' depthwiseConv2d", () => {
      const kernel = random("k", 8, 1, c.kernel, c.kernel);
      const { output } = runLayers(
        `- depthwise_conv2d: { ${fields}, multiplier: 2, bias: false }`,
        {
          ...input,
          state: { "depthwise_conv2d_1.kernel": kernel },
        },
      );
      const filter = tf.transpose(
        tf.tensor4d(Array.from(kernel), [4, 2, c.kernel, c.kernel]),
        [2, 3, 0, 1],
      ) as tf.Tensor4D;
      const wanted = tf.depthwiseConv2d(image(), filter, c.stride, padding);
      expectClose(output, wanted.dataSync(), single);
    });

    it("separable_conv2d is tfjs' separableConv2d", () => {
      const depthwise = random("d", 4, 1, c.kernel, c.kernel);
      const pointwise = random("p", 3, 4, 1, 1);
      const { output } = runLayers(`- separable_conv2d: { filters: 3, ${fields}, bias: false }`, {
        ...input,
        state: {
          "separable_conv2d_1.depthwise_kernel": depthwise,
          "separable_conv2d_1.pointwise_kernel": pointwise,
        },
      });
      const wanted = tf.separableConv2d(
        image(),
        tf.transpose(tf.tensor4d(Array.from(depthwise), [4, 1, c.kernel, c.kernel]), [2, 3, 0, 1]),
        filterOf(pointwise, [3, 4, 1, 1]),
        c.stride,
        padding,
      );
      expectClose(output, wanted.dataSync(), single);
    });

    it("transposed_conv2d is tfjs' conv2dTranspose to Keras' output size", () => {
      const kernel = random("k", 4, 3, c.kernel, c.kernel);
      const { output } = runLayers(`- transposed_conv2d: { filters: 3, ${fields}, bias: false }`, {
        ...input,
        state: { "transposed_conv2d_1.kernel": kernel },
      });
      const grown =
        padding === "same"
          ? c.size * c.stride
          : c.size * c.stride + Math.max(c.kernel - c.stride, 0);
      expect(output.shape).toEqual([2, grown, grown, 3]);
      const wanted = tf.conv2dTranspose(
        image(),
        filterOf(kernel, [4, 3, c.kernel, c.kernel]),
        [2, grown, grown, 3],
        c.stride,
        padding,
      );
      expectClose(output, wanted.dataSync(), single);
    });

    it("pools as tfjs does", () => {
      const pool = `size: ${c.kernel}, stride: ${c.stride}, padding: ${padding}`;
      const max = runLayers(`- max_pool2d: { ${pool} }`, input).output;
      expectClose(max, tf.maxPool(image(), c.kernel, c.stride, padding).dataSync(), single);
      const avg = runLayers(`- avg_pool2d: { ${pool} }`, input).output;
      expectClose(avg, tf.avgPool(image(), c.kernel, c.stride, padding).dataSync(), single);
    });
  });
});

it("conv1d is tfjs' conv1d, with dilation", () => {
  const x = random("x", 2, 9, 3);
  const kernel = random("k", 4, 3, 1, 3);
  const { output } = runLayers("- conv1d: { filters: 4, kernel: 3, dilation: 2, padding: same }", {
    n: 2,
    shape: [9, 3],
    x,
    state: { "conv1d_1.kernel": kernel, "conv1d_1.bias": [0, 0, 0, 0] },
  });
  const filter = tf.transpose(tf.tensor3d(Array.from(kernel), [4, 3, 3]), [2, 1, 0]) as tf.Tensor3D;
  const wanted = tf.conv1d(tf.tensor3d(Array.from(x), [2, 9, 3]), filter, 1, "same", "NWC", 2);
  expect(output.shape).toEqual([2, 9, 4]);
  expectClose(output, wanted.dataSync(), single);
});

it("conv2d with groups works within each group of channels", () => {
  const x = random("x", 1, 4, 4, 4);
  const kernel = random("k", 6, 2, 3, 3);
  const { output } = runLayers("- conv2d: { filters: 6, groups: 2, bias: false }", {
    n: 1,
    shape: [4, 4, 4],
    x,
    state: { "conv2d_1.kernel": kernel },
  });
  const image = tf.tensor4d(Array.from(x), [1, 4, 4, 4]);
  const filter = filterOf(kernel, [6, 2, 3, 3]);
  const halves = [0, 1].map((group) =>
    tf.conv2d(
      tf.slice(image, [0, 0, 0, 2 * group], [1, 4, 4, 2]),
      tf.slice(filter, [0, 0, 0, 3 * group], [3, 3, 2, 3]),
      1,
      "valid",
    ),
  );
  expectClose(output, tf.concat(halves, 3).dataSync(), single);
});

describe("activations", () => {
  const x = [-8, -3.5, -1, -0.2, 0, 0.3, 1, 2.5, 5, 9];
  const references: Partial<Record<ActivationName, (v: tf.Tensor1D) => tf.Tensor>> = {
    linear: (v) => v,
    relu: tf.relu,
    leaky_relu: (v) => tf.leakyRelu(v, 0.01),
    elu: tf.elu,
    selu: tf.selu,
    sigmoid: tf.sigmoid,
    tanh: tf.tanh,
    softplus: tf.softplus,
    softmax: (v) => tf.softmax(v),
    log_softmax: (v) => tf.logSoftmax(v),
    relu6: tf.relu6,
    gelu: (v) => tf.mul(tf.mul(v, 0.5), tf.add(tf.erf(tf.div(v, Math.SQRT2)), 1)),
    swish: (v) => tf.mul(v, tf.sigmoid(v)),
    silu: (v) => tf.mul(v, tf.sigmoid(v)),
    mish: (v) => tf.mul(v, tf.tanh(tf.softplus(v))),
    softsign: (v) => tf.div(v, tf.add(tf.abs(v), 1)),
    hard_sigmoid: (v) => tf.div(tf.relu6(tf.add(v, 3)), 6),
    hard_swish: (v) => tf.mul(v, tf.div(tf.relu6(tf.add(v, 3)), 6)),
  };

  it.each(activationNames)("%s is what the literature says, as a layer and as a field", (name) => {
    const wanted = (references[name] as (v: tf.Tensor1D) => tf.Tensor)(tf.tensor1d(x)).dataSync();
    const input = { n: 1, shape: [10], x };
    expectClose(runLayers(`- ${name}`, input).output, wanted, single);
    const identity = Array.from({ length: 100 }, (_, i) => (i % 11 === 0 ? 1 : 0));
    const { output } = runLayers(`- dense: { units: 10, activation: ${name}, bias: false }`, {
      ...input,
      state: { "dense_1.kernel": identity },
    });
    expectClose(output, wanted, single);
  });

  it("prelu has a slope per channel", () => {
    const { output } = runLayers("- prelu", {
      n: 1,
      shape: [2, 2],
      x: [-1, -1, 2, -4],
      state: { "prelu_1.slope": [0.25, 0.5] },
    });
    expectClose(output, [-0.25, -0.5, 2, -2]);
  });

  it("leaky_relu and elu take their parameter", () => {
    const input = { n: 1, shape: [2], x: [-2, 3] };
    expectClose(runLayers("- leaky_relu: 0.3", input).output, [-0.6, 3]);
    expectClose(runLayers("- elu: 2", input).output, [2 * (Math.exp(-2) - 1), 3]);
  });
});

describe("dropout", () => {
  const ones = new Float64Array(20_000).fill(1);
  const input = { n: 20, shape: [1000], x: ones, key: 7 };

  it("keeps the mean and drops the given share in training", () => {
    const values = numbers(runLayers("- dropout: 0.3", input, true).output);
    const dropped = values.filter((v) => v === 0).length / values.length;
    expect(dropped).toBeCloseTo(0.3, 1);
    expect(values.reduce((a, b) => a + b) / values.length).toBeCloseTo(1, 1);
    expect(values.every((v) => v === 0 || Math.abs(v - 1 / 0.7) < 1e-12)).toBe(true);
  });

  it("drops other elements at other sites and under other keys", () => {
    const twice = numbers(runLayers("- dropout: 0.5\n- dropout: 0.5", input, true).output);
    const kept = twice.filter((v) => v !== 0).length / twice.length;
    expect(kept).toBeCloseTo(0.25, 1);
    const first = numbers(runLayers("- dropout: 0.5", input, true).output);
    const second = numbers(runLayers("- dropout: 0.5", { ...input, key: 8 }, true).output);
    const same = first.filter((v, i) => v === second[i]).length / first.length;
    expect(same).toBeCloseTo(0.5, 1);
  });

  it("does nothing in inference or with rate 0", () => {
    expectClose(runLayers("- dropout: 0.3", input).output, ones);
    expectClose(runLayers("- dropout: 0", input, true).output, ones);
  });
});

describe("movement", () => {
  it("flatten goes row by row, channels last", () => {
    const x = random("x", 1, 2, 3, 2);
    const { output } = runLayers("- flatten", { n: 1, shape: [2, 3, 2], x });
    expect(output.shape).toEqual([1, 12]);
    expectClose(output, x);
  });

  it("upsample2d repeats pixels", () => {
    const { output } = runLayers("- upsample2d: [2, 1]", { n: 1, shape: [1, 2, 1], x: [1, 2] });
    expect(output.shape).toEqual([1, 2, 2, 1]);
    expectClose(output, [1, 2, 1, 2]);
  });

  it("zero_pad2d takes one number, two or four", () => {
    const input = { n: 1, shape: [1, 1, 1], x: [5] };
    expect(runLayers("- zero_pad2d: 1", input).output.shape).toEqual([1, 3, 3, 1]);
    expect(runLayers("- zero_pad2d: [1, 2]", input).output.shape).toEqual([1, 3, 5, 1]);
    const { output } = runLayers("- zero_pad2d: [0, 1, 2, 0]", input);
    expect(output.shape).toEqual([1, 2, 3, 1]);
    expectClose(output, [0, 0, 5, 0, 0, 0]);
  });

  it("global pools keep the channels", () => {
    const input = { n: 1, shape: [2, 1, 2], x: [1, 2, 3, 8] };
    expectClose(runLayers("- global_avg_pool2d", input).output, [2, 5]);
    expectClose(runLayers("- global_max_pool2d", input).output, [3, 8]);
  });
});

describe("merging", () => {
  const input = { n: 1, shape: [2], x: [2, -3] };
  const two = (merge: string): string =>
    `- { linear: {}, as: a, from: x }\n- { leaky_relu: 0, as: b, from: x }\n- ${merge}`;

  it("combines inputs element by element", () => {
    expectClose(runLayers(two("add: [a, b]"), input).output, [4, -3]);
    expectClose(runLayers(two("subtract: [a, b]"), input).output, [0, -3]);
    expectClose(runLayers(two("multiply: [a, b]"), input).output, [4, 0]);
    expectClose(runLayers(two("average: [a, b]"), input).output, [2, -1.5]);
    expectClose(runLayers(two("maximum: [a, b]"), input).output, [2, 0]);
    expectClose(runLayers(two("concat: [a, b]"), input).output, [2, -3, 2, 0]);
  });

  it("concat joins along the axis it is given", () => {
    const wide = { n: 1, shape: [1, 2], x: [1, 2] };
    const joined = two("{ concat: { axis: 1 }, from: [a, b] }");
    expect(runLayers(joined, wide).output.shape).toEqual([1, 2, 2]);
  });
});

describe("shortcut", () => {
  it("passes its input on where the shape fits, without a weight", () => {
    const x = random("x", 1, 2, 2, 3);
    expectClose(runLayers("- shortcut: 3", { n: 1, shape: [2, 2, 3], x }).output, x);
  });

  it("projects where channels or stride differ", () => {
    const { output } = runLayers("- shortcut: { filters: 1, stride: 2 }", {
      n: 1,
      shape: [3, 3, 2],
      x: Array.from({ length: 18 }, (_, i) => i),
      state: { "shortcut_1.kernel": [1, 10] },
    });
    expect(output.shape).toEqual([1, 2, 2, 1]);
    // Pixel p of the nine holds 2p and 2p + 1; stride 2 keeps the corners.
    const corners = [0, 2, 6, 8];
    expectClose(
      output,
      corners.map((p) => 2 * p + 10 * (2 * p + 1)),
    );
  });
});

it("embedding looks vectors up by whole numbers", () => {
  const { output } = runLayers("- embedding: { size: 2, vocabulary: 3 }", {
    n: 2,
    shape: [2],
    x: [0, 2, 1, 1],
    state: { "embedding_1.table": [1, 2, 3, 4, 5, 6] },
  });
  expect(output.shape).toEqual([2, 2, 2]);
  expectClose(output, [1, 2, 5, 6, 3, 4, 3, 4]);
});
