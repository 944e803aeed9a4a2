/**
 * @file An oracle that shares no code with dlc: values and gradients equal those of tfjs's kernels
 * and `tf.grads` on its cpu backend (float32, hence the tolerance).
 */
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-core/dist/register_all_gradients.js";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, it } from "vitest";
import { backward } from "../../compiler/3-differentiate/backward.js";
import { createBuilder, type GraphBuilder } from "../../compiler/ir/builder.js";
import { evaluateValues } from "../../compiler/ir/evaluate.js";
import { shapeOf, type Value } from "../../compiler/ir/types.js";
import type { OpSample, ReferenceTensor } from "../../compiler/ops/define-op.js";
import { worstDifference } from "../support/numeric.js";
import { draw } from "../support/op-samples.js";
import { compareFamily, families } from "../support/tfjs-families.js";

const n = 4;
const tolerance = { relative: 1e-4, absolute: 1e-5 };

beforeAll(async () => {
  await tf.setBackend("cpu");
  await tf.ready();
});

interface Comparison {
  readonly inputs: readonly OpSample["inputs"][number][];
  readonly ours: (b: GraphBuilder, xs: readonly Value[]) => Value;
  readonly theirs: (...xs: tf.Tensor[]) => tf.Tensor;
}

const toReference = (x: tf.Tensor): ReferenceTensor => ({
  dtype: "f32",
  shape: x.shape,
  data: Float64Array.from(x.dataSync()),
});

/** Compares the result, and the gradients of Σ weights · result towards every input. */
function compare({ inputs, ours, theirs }: Comparison): void {
  const tensors = inputs.map((sample, i) => draw(sample, 1000 + i, n));
  const b = createBuilder();
  const names = inputs.map((_, i) => `x${i}`);
  const values = inputs.map(({ shape }, i) => b.input(names[i]!, "batch", "f32", shape));
  const y = ours(b, values);
  const weights = draw({ shape: shapeOf(y) }, 999, n);
  const axes = shapeOf(y).map((_, axis) => axis);
  const product = b.mul(y, b.input("weights", "batch", "f32", shapeOf(y)));
  const loss = b.sum(product, { axes, keepDims: false });
  const gradients = backward(b, loss, values).map((gradient) => gradient!);
  const provided = Object.fromEntries(tensors.map((tensor, i) => [names[i]!, tensor]));
  const actual = evaluateValues([y, ...gradients], { ...provided, weights }, n);

  const toTf = ({ data, shape }: ReferenceTensor) => tf.tensor([...data], [...shape]);
  const arguments_ = tensors.map(toTf);
  const expected = [
    theirs(...arguments_),
    ...tf.grads((...xs) => tf.sum(tf.mul(theirs(...xs), toTf(weights))))(arguments_),
  ].map(toReference);
  for (const [i, tensor] of expected.entries()) {
    const what = i === 0 ? "the value" : `the gradient of input ${i - 1}`;
    expect(worstDifference(actual[i]!, tensor, tolerance), what).toBeNull();
    expect(
      tensor.data.some((v) => Math.abs(v) > 1e-3),
      `${what} is not all zero`,
    ).toBe(true);
  }
}

const plainMatmul = { transposeA: false, transposeB: false, activation: "none" } as const;
const nhwc = { layout: "NHWC", dilations: [1, 1], groups: 1, activation: "none" } as const;
const distribution = { shape: ["n", 5], range: [0.1, 1], normalise: true } as const;
const lastAxis = (x: Value): number => shapeOf(x).length - 1;

const comparisons: Readonly<Record<string, Comparison>> = {
  "matrix product": {
    inputs: [{ shape: ["n", 5] }, { shape: [5, 3] }],
    ours: (b, [x, y]) => b.matmul(x!, y!, plainMatmul),
    theirs: (x, y) => tf.matMul(x!, y!),
  },
  "batched matrix product with both operands transposed": {
    inputs: [{ shape: ["n", 5, 2] }, { shape: ["n", 3, 5] }],
    ours: (b, [x, y]) => b.matmul(x!, y!, { ...plainMatmul, transposeA: true, transposeB: true }),
    theirs: (x, y) => tf.matMul(x!, y!, true, true),
  },
  "convolution with stride 2 and same padding of an even size": {
    inputs: [{ shape: ["n", 6, 8, 2] }, { shape: [3, 2, 3, 3] }],
    ours: (b, [x, filter]) =>
      b.conv2d(x!, filter!, { ...nhwc, strides: [2, 2], pads: [0, 0, 1, 1] }),
    theirs: (x, filter) => tf.conv2d(x as tf.Tensor4D, hwio(filter!), [2, 2], "same"),
  },
  "convolution with dilation": {
    inputs: [{ shape: ["n", 7, 6, 2] }, { shape: [3, 2, 3, 2] }],
    ours: (b, [x, filter]) =>
      b.conv2d(x!, filter!, { ...nhwc, dilations: [2, 3], strides: [1, 1], pads: [0, 0, 0, 0] }),
    // tfjs has no gradient for dilated kernels: zeros are put between the elements instead.
    theirs: (x, filter) => {
      const apart = tf.reshape(filter!, [3, 2, 3, 1, 2, 1]);
      const spread = tf.pad(apart, [
        [0, 0],
        [0, 0],
        [0, 0],
        [0, 1],
        [0, 0],
        [0, 2],
      ]);
      const kernel = tf.slice(tf.reshape(spread, [3, 2, 6, 6]), [0, 0, 0, 0], [3, 2, 5, 4]);
      return tf.conv2d(x as tf.Tensor4D, hwio(kernel), [1, 1], "valid");
    },
  },
  "convolution in channels-first layout": {
    inputs: [{ shape: ["n", 2, 5, 6] }, { shape: [3, 2, 3, 3] }],
    ours: (b, [x, filter]) =>
      b.conv2d(x!, filter!, { ...nhwc, layout: "NCHW", strides: [2, 1], pads: [1, 1, 1, 1] }),
    // tfjs's cpu gradients know NHWC only.
    theirs: (x, filter) => {
      const image = tf.transpose(x as tf.Tensor4D, [0, 2, 3, 1]);
      const padded = tf.pad(image, [
        [0, 0],
        [1, 1],
        [1, 1],
        [0, 0],
      ]);
      return tf.transpose(tf.conv2d(padded, hwio(filter!), [2, 1], "valid"), [0, 3, 1, 2]);
    },
  },
  "depthwise convolution as groups, two outputs per channel": {
    inputs: [{ shape: ["n", 5, 5, 3] }, { shape: [6, 1, 3, 3] }],
    ours: (b, [x, filter]) =>
      b.conv2d(x!, filter!, { ...nhwc, groups: 3, strides: [1, 1], pads: [1, 1, 1, 1] }),
    theirs: (x, filter) => {
      // [channel · multiplier, 1, kh, kw] → [kh, kw, channel, multiplier]
      const split = tf.reshape(filter!, [3, 2, 3, 3]);
      const kernel = tf.transpose(split, [2, 3, 0, 1]) as tf.Tensor4D;
      return tf.depthwiseConv2d(x as tf.Tensor4D, kernel, [1, 1], "same");
    },
  },
  "transposed convolution": {
    inputs: [{ shape: ["n", 3, 3, 2] }, { shape: [2, 4, 3, 3] }],
    ours: (b, [x, filter]) =>
      b.conv2dInputGrad(x!, filter!, {
        ...{ layout: "NHWC", dilations: [1, 1], groups: 1 },
        ...{ strides: [2, 2], pads: [0, 0, 1, 1], inputSize: [6, 6] },
      }),
    theirs: (x, filter) =>
      tf.conv2dTranspose(x as tf.Tensor4D, hwio(filter!), [n, 6, 6, 4], [2, 2], "same"),
  },
  "max pooling with overlapping windows and same padding": {
    inputs: [{ shape: ["n", 6, 6, 2], distinct: true, range: [-3, -1] }],
    ours: (b, [x]) =>
      b.maxPool2d(x!, { kernel: [3, 3], strides: [2, 2], pads: [0, 0, 1, 1], layout: "NHWC" }),
    theirs: (x) => tf.maxPool(x as tf.Tensor4D, [3, 3], [2, 2], "same"),
  },
  "average pooling that leaves padding out": {
    inputs: [{ shape: ["n", 5, 6, 2] }],
    ours: (b, [x]) =>
      b.avgPool2d(x!, {
        ...{ kernel: [2, 2], strides: [1, 1], pads: [0, 0, 1, 1], layout: "NHWC" },
        countPadding: false,
      }),
    // tfjs's gradient for padded pooling divides by the whole window, unlike its value: so the
    // mean is taken with the padding and corrected for its share.
    theirs: (x) => {
      const mean = (image: tf.Tensor): tf.Tensor => {
        const padded = tf.pad(image as tf.Tensor4D, [
          [0, 0],
          [0, 1],
          [0, 1],
          [0, 0],
        ]);
        return tf.avgPool(padded, [2, 2], [1, 1], "valid");
      };
      return tf.div(mean(x!), mean(tf.onesLike(x!)));
    },
  },
  "enlargement by repeated pixels": {
    inputs: [{ shape: ["n", 3, 2, 2] }],
    ours: (b, [x]) => b.resizeNearest(x!, { scale: [2, 3], layout: "NHWC" }),
    // Not resizeNearestNeighbor: its gradient on cpu is wrong from the second image of a batch on.
    theirs: (x) => {
      const rows = tf.tile(tf.reshape(x!, [n * 3, 1, 4]), [1, 2, 1]);
      return tf.reshape(tf.tile(tf.reshape(rows, [n * 12, 1, 2]), [1, 3, 1]), [n, 6, 6, 2]);
    },
  },
  softmax: {
    inputs: [{ shape: ["n", 5] }],
    ours: (b, [x]) => b.softmax(x!, { axis: 1 }),
    theirs: (x) => tf.softmax(x!),
  },
  "softmax cross entropy": {
    inputs: [{ shape: ["n", 5] }, distribution],
    ours: (b, [x, t]) => b.softmaxCrossEntropy(x!, t!),
    theirs: (x, t) => tf.neg(tf.sum(tf.mul(t!, tf.logSoftmax(x!)), -1)),
  },
  "sigmoid cross entropy": {
    inputs: [{ shape: ["n", 3] }, { shape: ["n", 3], range: [0, 1] }],
    ours: (b, [x, t]) => b.sigmoidCrossEntropy(x!, t!),
    theirs: (x, t) => {
      const p = tf.sigmoid(x!);
      return tf.neg(tf.add(tf.mul(t!, tf.log(p)), tf.mul(tf.sub(1, t!), tf.log(tf.sub(1, p)))));
    },
  },
  "batch normalisation by the batch's statistics": {
    inputs: [{ shape: ["n", 3, 3, 2] }, { shape: [2] }, { shape: [2] }],
    ours: (b, [x, scale, offset]) =>
      b.batchNormTrain(x!, scale!, offset!, { axis: 3, epsilon: 1e-3 })[0],
    theirs: (x, scale, offset) => {
      const { mean, variance } = tf.moments(x!, [0, 1, 2]);
      const centred = tf.div(tf.sub(x!, mean), tf.sqrt(tf.add(variance, 1e-3)));
      return tf.add(tf.mul(centred, scale!), offset!);
    },
  },
  "batch normalisation by given statistics": {
    inputs: [
      { shape: ["n", 2, 2, 3] },
      { shape: [3] },
      { shape: [3] },
      { shape: [3], range: [0.5, 2] },
      { shape: [3] },
    ],
    ours: (b, [x, scale, offset, variance, mean]) =>
      b.batchNorm(x!, scale!, offset!, mean!, variance!, { axis: 3, epsilon: 1e-3 }),
    theirs: (x, scale, offset, variance, mean) =>
      tf.batchNorm(
        x as tf.Tensor4D,
        vector(mean!),
        vector(variance!),
        vector(offset!),
        vector(scale!),
        1e-3,
      ),
  },
  "rows chosen by index": {
    inputs: [{ shape: [5, 3] }],
    ours: (b, [x]) =>
      b.gather(x!, b.constant({ dtype: "i32", shape: [4], value: [4, 0, 4, 2] }), { axis: 0 }),
    theirs: (x) => tf.gather(x!, tf.tensor1d([4, 0, 4, 2], "int32")),
  },
  "tanh of sigmoid plus softplus, divided": {
    inputs: [{ shape: ["n", 3] }, { shape: [3], range: [0.5, 2] }],
    ours: (b, [x, y]) => b.div(b.tanh(b.add(b.sigmoid(x!), b.softplus(x!))), y!),
    theirs: (x, y) => tf.div(tf.tanh(tf.add(tf.sigmoid(x!), tf.softplus(x!))), y!),
  },
  "error function, powers and roots": {
    inputs: [
      { shape: ["n", 3], range: [0.3, 1.5] },
      { shape: ["n", 1], range: [0.5, 3] },
    ],
    ours: (b, [x, y]) => b.add(b.erf(x!), b.mul(b.pow(x!, y!), b.rsqrt(y!))),
    theirs: (x, y) => tf.add(tf.erf(x!), tf.mul(tf.pow(x!, y!), tf.rsqrt(y!))),
  },
  "mean, maximum and sum over axes": {
    inputs: [{ shape: ["n", 3, 4], distinct: true }],
    ours: (b, [x]) => {
      const mean = b.mean(x!, { axes: [0, 2], keepDims: false });
      const max = b.max(x!, { axes: [2], keepDims: false });
      return b.add(b.mul(max, mean), b.sum(x!, { axes: [lastAxis(x!)], keepDims: false }));
    },
    theirs: (x) => tf.add(tf.mul(tf.max(x!, 2), tf.mean(x!, [0, 2])), tf.sum(x!, 2)),
  },
  "slice, pad, transpose, reverse and concat": {
    inputs: [{ shape: ["n", 3, 4] }],
    ours: (b, [x]) => {
      const part = b.slice(x!, { axes: [1, 2], starts: [1, 0], ends: [3, 3] });
      const padded = b.pad(part, { before: [0, 1, 0], after: [0, 0, 1], value: 2 });
      const joined = b.concat([padded, x!], { axis: 2 });
      return b.reverse(b.transpose(joined, { perm: [2, 0, 1] }), { axes: [0] });
    },
    theirs: (x) => {
      const part = tf.slice(x!, [0, 1, 0], [n, 2, 3]);
      const padded = tf.pad(
        part,
        [
          [0, 0],
          [1, 0],
          [0, 1],
        ],
        2,
      );
      return tf.reverse(tf.transpose(tf.concat([padded, x!], 2), [2, 0, 1]), 0);
    },
  },
  "a multi-layer perceptron with cross entropy": {
    inputs: [
      { shape: ["n", 6] },
      { shape: [6, 8] },
      { shape: [8] },
      { shape: [8, 8] },
      { shape: [8] },
      { shape: [8, 5] },
      distribution,
    ],
    ours: (b, [x, w1, b1, w2, b2, w3, t]) => {
      const first = b.relu(b.add(b.matmul(x!, w1!, plainMatmul), b1!));
      const second = b.matmul(first, w2!, { ...plainMatmul, bias: b2!, activation: "tanh" });
      const losses = b.softmaxCrossEntropy(b.matmul(second, w3!, plainMatmul), t!);
      return b.mean(losses, { axes: [0], keepDims: false });
    },
    theirs: (x, w1, b1, w2, b2, w3, t) => {
      const first = tf.relu(tf.add(tf.matMul(x!, w1!), b1!));
      const second = tf.tanh(tf.add(tf.matMul(first, w2!), b2!));
      return crossEntropy(tf.matMul(second, w3!), t!);
    },
  },
  "a convolutional network: conv, pool, conv, dense, cross entropy": {
    inputs: [
      { shape: ["n", 10, 10, 1] },
      { shape: [4, 1, 3, 3] },
      { shape: [4] },
      { shape: [6, 4, 3, 3] },
      { shape: [6] },
      { shape: [24, 5] },
      { shape: [5] },
      distribution,
    ],
    ours: (b, [x, f1, b1, f2, b2, w, bias, t]) => {
      const valid = { ...nhwc, strides: [1, 1], pads: [0, 0, 0, 0] } as const;
      const first = b.relu(b.add(b.conv2d(x!, f1!, valid), b1!));
      const pool = { kernel: [2, 2], strides: [2, 2], pads: [0, 0, 0, 0], layout: "NHWC" } as const;
      const pooled = b.maxPool2d(first, pool);
      const second = b.conv2d(pooled, f2!, { ...valid, bias: b2!, activation: "relu" });
      const flat = b.reshape(second, { shape: ["n", 24] });
      const logits = b.add(b.matmul(flat, w!, plainMatmul), bias!);
      const losses = b.softmaxCrossEntropy(logits, t!);
      return b.mean(losses, { axes: [0], keepDims: false });
    },
    theirs: (x, f1, b1, f2, b2, w, bias, t) => {
      const first = tf.relu(tf.add(tf.conv2d(x as tf.Tensor4D, hwio(f1!), 1, "valid"), b1!));
      const pooled = tf.maxPool(first as tf.Tensor4D, 2, 2, "valid");
      const second = tf.relu(tf.add(tf.conv2d(pooled, hwio(f2!), 1, "valid"), b2!));
      return crossEntropy(tf.add(tf.matMul(tf.reshape(second, [n, 24]), w!), bias!), t!);
    },
  },
};

/** [out, in, h, w] → tfjs's [h, w, in, out]. */
const hwio = (filter: tf.Tensor): tf.Tensor4D => tf.transpose(filter as tf.Tensor4D, [2, 3, 1, 0]);
const vector = (x: tf.Tensor): tf.Tensor1D => tf.reshape(x, [-1]);
const crossEntropy = (logits: tf.Tensor, t: tf.Tensor): tf.Tensor =>
  tf.mean(tf.neg(tf.sum(tf.mul(t, tf.logSoftmax(logits)), -1)));

it.each(Object.keys(comparisons))("agrees with tfjs about %s", (name) => {
  tf.tidy(() => compare(comparisons[name]!));
});

it.each(Object.entries(families))("agrees with tfjs about %s", (_, family) => {
  tf.tidy(() => compareFamily(family));
});
