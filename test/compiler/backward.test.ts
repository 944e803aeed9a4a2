/** @file Differentiating whole graphs; the rules of single ops are tested in registry/ops.test.ts. */
import { describe, expect, it } from "vitest";
import { backward, MissingGradient } from "../../compiler/3-differentiate/backward.js";
import { createBuilder, type GraphBuilder } from "../../compiler/ir/builder.js";
import { evaluateValues, type ReferenceValues } from "../../compiler/ir/evaluate.js";
import { noOrigin, type Origin } from "../../compiler/ir/origin.js";
import { reachable } from "../../compiler/ir/traverse.js";
import { type Shape, shapeOf, type Value } from "../../compiler/ir/types.js";
import { centralDifferences, worstDifference } from "../support/numeric.js";
import { draw } from "../support/op-samples.js";

const n = 3;
const total = (b: GraphBuilder, x: Value): Value =>
  b.sum(x, { axes: shapeOf(x).map((_, axis) => axis), keepDims: false });
const read = (value: Value, values: ReferenceValues): number[] => [
  ...evaluateValues([value], values, n)[0]!.data,
];
const vector = (...data: number[]) =>
  ({ dtype: "f32", shape: [data.length], data: Float64Array.from(data) }) as const;

const scalar = (value: number) =>
  ({ dtype: "f32", shape: [], data: Float64Array.of(value) }) as const;

it("applies the chain rule through several ops", () => {
  const b = createBuilder();
  const x = b.input("x", "batch", "f32", [2]);
  const [gradient] = backward(b, total(b, b.exp(b.square(x))), [x]);
  const [first, second] = read(gradient!, { x: vector(0.5, -1) });
  expect(first).toBeCloseTo(2 * 0.5 * Math.exp(0.25), 12);
  expect(second).toBeCloseTo(-2 * Math.E, 12);
});

it("adds up the contributions of all uses of a value", () => {
  const b = createBuilder();
  const x = b.input("x", "batch", "f32", [2]);
  // x² + 3x + x·x·x, where x is used six times
  const three = b.constant({ dtype: "f32", shape: [], value: 3 });
  const cube = b.mul(x, b.mul(x, x));
  const [gradient] = backward(b, total(b, b.add(b.add(b.square(x), b.mul(three, x)), cube)), [x]);
  expect(read(gradient!, { x: vector(2, -1) })).toEqual([2 * 2 + 3 + 3 * 4, -2 + 3 + 3]);
});

it("gives null for what the loss does not depend on", () => {
  const b = createBuilder();
  const [x, unused] = [b.input("x", "batch", "f32", [2]), b.input("unused", "batch", "f32", [2])];
  b.square(unused);
  const [gradient, none] = backward(b, total(b, x), [x, unused]);
  expect(gradient).not.toBeNull();
  expect(none).toBeNull();
});

it("gives one for the loss itself", () => {
  const b = createBuilder();
  const loss = b.input("x", "scalar", "f32", []);
  expect(read(backward(b, loss, [loss])[0]!, {})).toEqual([1]);
});

it("gives gradients of inner values along with those of inputs", () => {
  const b = createBuilder();
  const x = b.input("x", "batch", "f32", [2]);
  const inner = b.square(x);
  const [dx, dInner] = backward(b, total(b, b.mul(inner, inner)), [x, inner]);
  expect(read(dx!, { x: vector(1, 2) })).toEqual([4, 32]);
  expect(read(dInner!, { x: vector(1, 2) })).toEqual([2, 8]);
});

it("does not pass a stopGradient, but takes other ways around it", () => {
  const b = createBuilder();
  const x = b.input("x", "batch", "f32", [1]);
  const [stopped] = backward(b, total(b, b.stopGradient(b.square(x))), [x]);
  expect(stopped).toBeNull();
  const [around] = backward(b, total(b, b.mul(x, b.stopGradient(b.square(x)))), [x]);
  expect(read(around!, { x: vector(3) })).toEqual([9]);
});

it("takes no gradient through comparisons, indices and casts to whole numbers", () => {
  const b = createBuilder();
  const x = b.input("x", "batch", "f32", [2, 3]);
  const mask = b.cast(b.greater(x, b.constant({ dtype: "f32", shape: [], value: 0 })), {
    dtype: "f32",
  });
  const best = b.oneHot(b.argMax(x, { axis: 1 }), { depth: 3, on: 1, off: 0 });
  const whole = b.cast(b.cast(x, { dtype: "i32" }), { dtype: "f32" });
  expect(backward(b, total(b, b.add(b.add(mask, best), whole)), [x])).toEqual([null]);
});

it("shares the gradient of a maximum among elements that tie", () => {
  const b = createBuilder();
  const x = b.input("x", "batch", "f32", [4]);
  const [gradient] = backward(b, b.max(x, { axes: [0], keepDims: false }), [x]);
  expect(read(gradient!, { x: vector(7, 1, 7, 7) })).toEqual([1 / 3, 0, 1 / 3, 1 / 3]);
});

describe("an op without a gradient", () => {
  const build = () => {
    const b = createBuilder();
    const [p, g] = [b.state("p", "f32", [2]), b.input("g", "batch", "f32", [2])];
    const lr = b.input("learning_rate", "scalar", "f32", []);
    const updated = b.applySgd(p, g, lr);
    return { b, p, g, updated };
  };

  it("is an error with the node and the reason where a gradient is needed through it", () => {
    const { b, g, updated } = build();
    const attempt = () => backward(b, total(b, updated), [g]);
    expect(attempt).toThrow(MissingGradient);
    expect(attempt).toThrow(
      expect.objectContaining({ node: updated.node, reason: expect.stringContaining("update") }),
    );
  });

  it("is no error where none is needed through it", () => {
    const { b, updated } = build();
    const x = b.input("x", "batch", "f32", [2]);
    const [gradient] = backward(b, total(b, b.mul(updated, x)), [x]);
    const values = { p: vector(5, 6), g: vector(1, 2), learning_rate: scalar(0.5) };
    expect(read(gradient!, values)).toEqual([4.5, 5]);
  });
});

it("rejects a loss that is not an f32 scalar", () => {
  const b = createBuilder();
  const x = b.input("x", "batch", "f32", [2]);
  expect(() => backward(b, x, [x])).toThrow("scalar");
});

it("gives the nodes it makes the origin of the forward node, in the backward phase", () => {
  const b = createBuilder();
  const origin = (layer: string): Origin => ({ ...noOrigin, layer });
  const x = b.input("x", "batch", "f32", [2]);
  b.origin = origin("first");
  const inner = b.exp(x);
  b.origin = origin("second");
  const loss = total(b, b.tanh(inner));
  b.origin = origin("afterwards");
  const forward = new Set(reachable([loss]));
  const [gradient] = backward(b, loss, [x]);
  expect(b.origin.layer).toBe("afterwards");
  const made = reachable([gradient!]).filter((node) => !forward.has(node));
  expect(made.length).toBeGreaterThan(2);
  expect(new Set(made.map((node) => node.origin.phase))).toEqual(new Set(["backward"]));
  expect(new Set(made.map((node) => node.origin.layer))).toEqual(new Set(["first", "second"]));
});

it("restores the origin when it fails", () => {
  const b = createBuilder();
  const x = b.input("x", "batch", "f32", []);
  b.origin = { ...noOrigin, layer: "mine" };
  expect(() => backward(b, b.applySgd(x, x, x), [x])).toThrow(MissingGradient);
  expect(b.origin.layer).toBe("mine");
});

/** A small network: two convolutions with pooling, batch norm by hand, a dense layer, cross entropy. */
function network() {
  const b = createBuilder();
  const values: Record<string, ReturnType<typeof draw>> = {};
  let key = 1;
  const input = (name: string, shape: Shape, extra: object = {}): Value => {
    values[name] = draw({ shape, range: [-1, 1], ...extra }, key++, n);
    return b.input(name, "batch", "f32", shape);
  };
  const image = input("image", ["n", 6, 6, 2]);
  const targets = input("targets", ["n", 3], { range: [0.1, 1], normalise: true });
  const weights = [
    input("filter1", [3, 2, 3, 3]),
    input("bias1", [3]),
    input("filter2", [3, 1, 2, 2]),
    input("kernel", [12, 3]),
  ] as const;
  const window = {
    strides: [1, 1],
    layout: "NHWC",
    dilations: [1, 1],
    activation: "none",
  } as const;
  const options = { ...window, pads: [1, 1, 1, 1], groups: 1 } as const;
  const first = b.tanh(b.add(b.conv2d(image, weights[0], options), weights[1]));
  const pool = { kernel: [2, 2], strides: [2, 2], pads: [0, 0, 0, 0], layout: "NHWC" } as const;
  const pooled = b.maxPool2d(first, pool);
  const depthwise = { ...window, pads: [0, 0, 0, 0], groups: 3 } as const;
  const second = b.sigmoid(b.conv2d(pooled, weights[2], depthwise));
  const smooth = b.avgPool2d(second, {
    ...{ kernel: [2, 2], strides: [1, 1], pads: [0, 1, 1, 0], layout: "NHWC" },
    countPadding: false,
  });
  const flat = b.reshape(smooth, { shape: ["n", 12] });
  const logits = b.matmul(flat, weights[3], {
    ...{ transposeA: false, transposeB: false },
    activation: "none",
  });
  const losses = b.softmaxCrossEntropy(logits, targets);
  const loss = b.mean(losses, { axes: [0], keepDims: false });
  return { b, image, weights, loss, values };
}

const names = ["image", "filter1", "bias1", "filter2", "kernel"];
const scalarOf =
  (scalar: Value) =>
  (values: ReferenceValues): number =>
    evaluateValues([scalar], values, n)[0]!.data[0]!;

it("differentiates a convolutional network", () => {
  const { b, image, weights, loss, values } = network();
  const gradients = backward(b, loss, [image, ...weights]);
  for (const [i, name] of names.entries()) {
    const numeric = centralDifferences(scalarOf(loss), values, name);
    const [analytic] = evaluateValues([gradients[i]!], values, n);
    expect(numeric.data.some((v) => Math.abs(v) > 1e-3)).toBe(true);
    const problem = worstDifference(analytic!, numeric, { relative: 1e-6, absolute: 1e-9 });
    expect(problem, name).toBeNull();
  }
});

it("differentiates its own result: a penalty on a convolutional network's input gradient", () => {
  const { b, image, weights, loss, values } = network();
  const [slope] = backward(b, loss, [image]);
  const penalty = total(b, b.square(slope!));
  const gradients = backward(b, penalty, [image, ...weights]);
  for (const [i, name] of names.entries()) {
    const numeric = centralDifferences(scalarOf(penalty), values, name);
    const [analytic] = evaluateValues([gradients[i]!], values, n);
    expect(numeric.data.some((v) => Math.abs(v) > 1e-4)).toBe(true);
    const problem = worstDifference(analytic!, numeric, { relative: 1e-5, absolute: 1e-9 });
    expect(problem, name).toBeNull();
  }
});
