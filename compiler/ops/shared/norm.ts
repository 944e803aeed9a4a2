/** @file What the batch-norm ops share: per-channel shape rules and reference statistics. */
import type { NormOptions } from "@dlc/runtime";
import { type Shape, shapeOf, type TensorType, type Value } from "../../ir/types.js";
import { type Builder, type OpSample, type ReferenceTensor, Rejection } from "../define-op.js";
import { expectAxis, expectDtype, expectShape, floats } from "./expect.js";
import { number, otherAxes, perChannel } from "./gradients.js";
import { count } from "./walk.js";

/** The shape of per-channel tensors, `[channels]`, after checking all of them. */
export function channelShape(
  x: TensorType,
  vectors: Readonly<Record<string, readonly [type: TensorType, input: number]>>,
  { axis, epsilon }: NormOptions,
  input = 0,
): Shape {
  expectDtype(x, floats, input);
  expectAxis(axis, x.shape, input);
  if (!(epsilon >= 0)) throw new Rejection(`epsilon ${epsilon} must not be negative`);
  const shape = x.shape.slice(axis, axis + 1);
  for (const [name, [type, position]] of Object.entries(vectors)) {
    expectDtype(type, floats, position, `the ${name}`);
    expectShape(type, shape, position, `the ${name}`);
  }
  return shape;
}

/** 1 / sqrt(variance + epsilon), per channel. */
export const inverseDeviation = (b: Builder, variance: Value, { epsilon }: NormOptions): Value =>
  b.rsqrt(b.add(variance, number(b, epsilon)));

/** (x − mean) / deviation, where `inverse` is 1 / deviation; both per channel. */
export const normalised = (
  b: Builder,
  x: Value,
  mean: Value,
  inverse: Value,
  { axis }: NormOptions,
): Value => b.mul(b.sub(x, perChannel(b, mean, x, axis)), perChannel(b, inverse, x, axis));

/** Sum of a tensor like x per channel. */
export const channelSum = (b: Builder, value: Value, { axis }: NormOptions): Value =>
  b.sum(value, { axes: otherAxes(value, axis), keepDims: false });

/** f32 scalar: how many elements of x belong to one channel. */
export const elementsPerChannel = (b: Builder, x: Value, { axis }: NormOptions): Value =>
  b.size({ shape: otherAxes(x, axis).map((i) => shapeOf(x)[i] ?? 1) });

/** The channel of the element at a position of x. */
export function channelOf(x: ReferenceTensor, axis: number): (position: number) => number {
  const inner = count(x.shape.slice(axis + 1));
  const channels = x.shape[axis] as number;
  return (position) => Math.floor(position / inner) % channels;
}

/** Mean per channel of `f` over x. */
export function channelMean(
  x: ReferenceTensor,
  axis: number,
  f: (value: number, channel: number, position: number) => number,
): Float64Array {
  const channel = channelOf(x, axis);
  const result = new Float64Array(x.shape[axis] as number);
  const share = result.length / x.data.length;
  x.data.forEach((value, i) => {
    const c = channel(i);
    result[c] = (result[c] as number) + f(value, c, i) * share;
  });
  return result;
}

/** Mean and biased variance per channel. */
export function statistics(x: ReferenceTensor, axis: number): [Float64Array, Float64Array] {
  const mean = channelMean(x, axis, (v) => v);
  return [mean, channelMean(x, axis, (v, c) => (v - (mean[c] as number)) ** 2)];
}

/** Vectors, images in both layouts, and a channel axis in the middle. */
export const normSamples = (
  sample: (x: Shape, channels: number, options: NormOptions) => OpSample,
): readonly OpSample[] => [
  sample(["n", 4], 4, { axis: 1, epsilon: 1e-3 }),
  sample(["n", 2, 3, 2], 2, { axis: 3, epsilon: 1e-5 }),
  sample(["n", 3, 2, 2], 3, { axis: 1, epsilon: 0.1 }),
];
