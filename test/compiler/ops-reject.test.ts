/** @file Inputs that do not fit an op: what is said about them. */
import { expect, it } from "vitest";
import { createBuilder, type GraphBuilder } from "../../compiler/ir/builder.js";
import type { Shape, Value } from "../../compiler/ir/types.js";
import { Rejection } from "../../compiler/ops/define-op.js";

const f32 = (b: GraphBuilder, ...shape: Shape): Value =>
  b.input(`f32 ${shape}`, "batch", "f32", shape);
const i32 = (b: GraphBuilder, ...shape: Shape): Value =>
  b.input(`i32 ${shape}`, "batch", "i32", shape);

const window = { strides: [1, 1], pads: [0, 0, 0, 0], layout: "NHWC" } as const;
const conv = { ...window, dilations: [1, 1], groups: 1, activation: "none" } as const;
const matrices = { transposeA: false, transposeB: false, activation: "none" } as const;

const cases: readonly (readonly [says: string, build: (b: GraphBuilder) => unknown])[] = [
  ["shapes [n,3] and [4] do not broadcast", (b) => b.add(f32(b, "n", 3), f32(b, 4))],
  ["an f32 and an i32 tensor do not mix", (b) => b.add(f32(b, 3), i32(b, 3))],
  ["input must be f32, not i32", (b) => b.exp(i32(b, 3))],
  ["input must be bool, not f32", (b) => b.logicalAnd(f32(b, 3), f32(b, 3))],
  ["the condition must be bool, not f32", (b) => b.select(f32(b, 3), f32(b, 3), f32(b, 3))],
  [
    "there is no axis 2: [n,3] has 2 axes, counted from 0",
    (b) => b.sum(f32(b, "n", 3), { axes: [2], keepDims: false }),
  ],
  [
    "axes [1,0] must ascend without repetition",
    (b) => b.sum(f32(b, "n", 3), { axes: [1, 0], keepDims: false }),
  ],
  ["no axes to reduce", (b) => b.mean(f32(b, "n", 3), { axes: [], keepDims: false })],
  [
    "matrices of nx3 and 4x5 do not multiply: 3 columns meet 4 rows",
    (b) => b.matmul(f32(b, "n", 3), f32(b, 4, 5), matrices),
  ],
  [
    "a matrix needs at least 2 axes, but has [4]",
    (b) => b.matmul(f32(b, "n", 4), f32(b, 4), matrices),
  ],
  [
    "the bias must have the shape [5], not [4]",
    (b) => b.matmul(f32(b, "n", 4), f32(b, 4, 5), { ...matrices, bias: f32(b, 4) }),
  ],
  [
    "[n,3,4] has 12n elements, [n,13] has 13n",
    (b) => b.reshape(f32(b, "n", 3, 4), { shape: ["n", 13] }),
  ],
  [
    "perm must name each axis of [n,3] once, not [1,1]",
    (b) => b.transpose(f32(b, "n", 3), { perm: [1, 1] }),
  ],
  ["[n,3] does not broadcast to [n,4]", (b) => b.broadcastTo(f32(b, "n", 3), { shape: ["n", 4] })],
  [
    "2 to 5 is not a range within axis 1 of size 4",
    (b) => b.slice(f32(b, "n", 4), { axes: [1], starts: [2], ends: [5] }),
  ],
  [
    "axis 0 of a slice must be a fixed number, not the batch size (n)",
    (b) => b.slice(f32(b, "n", 4), { axes: [0], starts: [0], ends: [1] }),
  ],
  [
    "shapes [n,2,3] and [n,2,4] differ outside axis 1",
    (b) => b.concat([f32(b, "n", 2, 3), f32(b, "n", 2, 4)], { axis: 1 }),
  ],
  ["indices must be i32, not f32", (b) => b.gather(f32(b, 5, 2), f32(b, "n"), { axis: 0 })],
  [
    "updates need one slice per index, but [3,2] does not begin with [4]",
    (b) => b.scatterAdd(i32(b, 4), f32(b, 3, 2), { rows: 5 }),
  ],
  [
    "kernel 5x5 does not fit an input of 3x3 with padding 0",
    (b) => b.conv2d(f32(b, "n", 3, 3, 1), f32(b, 2, 1, 5, 5), conv),
  ],
  [
    "kernel 3x3 with dilation 2x2 does not fit an input of 3x4 with padding [1,0,0,0]",
    (b) =>
      b.conv2d(f32(b, "n", 3, 4, 1), f32(b, 2, 1, 3, 3), {
        ...{ ...conv, pads: [1, 0, 0, 0], dilations: [2, 2] },
      }),
  ],
  [
    "the filter takes 2 channels, but the input has 3",
    (b) => b.conv2d(f32(b, "n", 8, 8, 3), f32(b, 4, 2, 3, 3), conv),
  ],
  [
    "the filter takes 1 channel in each of 2 groups, but the input has 4",
    (b) => b.conv2d(f32(b, "n", 8, 8, 4), f32(b, 4, 1, 3, 3), { ...conv, groups: 2 }),
  ],
  [
    "3 input channels do not split into 2 groups",
    (b) => b.conv2d(f32(b, "n", 8, 8, 3), f32(b, 4, 1, 3, 3), { ...conv, groups: 2 }),
  ],
  [
    "the input needs 4 axes, but [n,8,8] has 3",
    (b) => b.maxPool2d(f32(b, "n", 8, 8), { ...window, kernel: [2, 2] }),
  ],
  [
    "strides must be whole numbers of at least 1, not 0x1",
    (b) => b.maxPool2d(f32(b, "n", 8, 8, 1), { ...window, kernel: [2, 2], strides: [0, 1] }),
  ],
  [
    "padding 2 must be smaller than the pooling window 2x2",
    (b) => b.maxPool2d(f32(b, "n", 8, 8, 1), { ...window, kernel: [2, 2], pads: [2, 2, 2, 2] }),
  ],
  [
    "the scale must have the shape [3], not [2]",
    (b) => b.batchNormTrain(f32(b, "n", 3), f32(b, 2), f32(b, 3), { axis: 1, epsilon: 1e-3 }),
  ],
  [
    "the targets must have the shape [n,10], not [n,11]",
    (b) => b.softmaxCrossEntropy(f32(b, "n", 10), f32(b, "n", 11)),
  ],
  ["the key must be u32, not f32", (b) => b.randomUniform(f32(b), { shape: ["n"], site: 0 })],
  [
    "3 values do not fill [2,2] (4)",
    (b) => b.constant({ dtype: "f32", shape: [2, 2], value: [1, 2, 3] }),
  ],
  [
    "the gradient must have the shape [3], not [4]",
    (b) => b.applySgd(f32(b, 3), f32(b, 4), f32(b)),
  ],
];

it.each(cases)("says: %s", (says, build) => {
  const b = createBuilder();
  expect(() => build(b)).toThrow(Rejection);
  expect(() => build(b)).toThrow(says);
});

it("names the input at fault", () => {
  const b = createBuilder();
  const attempt = () => b.conv2d(f32(b, "n", 8, 8, 3), f32(b, 4, 2, 3, 3), conv);
  expect(attempt).toThrow(expect.objectContaining({ input: 1 }));
});
