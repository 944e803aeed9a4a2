/** @file How ops treat images `[n, height, width, channels]` when their axes are permuted. */
import type { OpKind } from "@dlc/runtime";
import type { Attributes, Node } from "../ir/types.js";
import { elementwiseOps, permute } from "./match.js";

/** Axis i of an NCHW image is axis `toChannelsFirst[i]` of the NHWC image. */
export const toChannelsFirst = [0, 3, 1, 2] as const;
export const toChannelsLast = [0, 2, 3, 1] as const;

/** Where an axis of the NHWC image is in the NCHW image. */
const moved = (axis: number): number => toChannelsFirst.indexOf(axis as 0 | 1 | 2 | 3);

/** Ops with a `layout` attribute: which of their inputs are images, and whether the result is one. */
export const spatialOps: Partial<Record<OpKind, { images: readonly number[]; image: boolean }>> = {
  conv2d: { images: [0], image: true },
  conv2dInputGrad: { images: [0], image: true },
  conv2dFilterGrad: { images: [0, 1], image: false },
  maxPool2d: { images: [0], image: true },
  maxPool2dGrad: { images: [0, 1, 2], image: true },
  avgPool2d: { images: [0], image: true },
  avgPool2dGrad: { images: [0], image: true },
  resizeNearest: { images: [0], image: true },
};

export interface Carried {
  /** Inputs that are permuted with the image. */
  readonly images: readonly number[];
  readonly attrs: Attributes;
  /** Results that come out permuted; the others are as before. */
  readonly imageResults: readonly number[];
}

type Carry = (node: Node) => Carried | null;

const all = (node: Node): number[] => node.inputs.map((_, i) => i);
const numbers = (value: unknown): readonly number[] => value as readonly number[];

const withAxis =
  (images: (node: Node) => readonly number[]): Carry =>
  (node) => ({
    images: images(node),
    attrs: { ...node.attrs, axis: moved(Number(node.attrs.axis)) },
    imageResults: [0],
  });

const elementwise: Carry = (node) => ({ images: all(node), attrs: node.attrs, imageResults: [0] });

/** Reductions: without `keepDims` the axes that are left must stay in their order. */
const reduction: Carry = (node) => {
  const axes = numbers(node.attrs.axes);
  const keepDims = node.attrs.keepDims === true;
  const left = toChannelsFirst.filter((axis) => !axes.includes(axis));
  if (!keepDims && left.some((axis, i) => i > 0 && axis < (left[i - 1] ?? 0))) return null;
  const attrs = { ...node.attrs, axes: axes.map(moved).sort((p, q) => p - q) };
  return { images: [0], attrs, imageResults: keepDims ? [0] : [] };
};

const argMax: Carry = (node) => {
  const axis = Number(node.attrs.axis);
  // Without the channels, or without everything that the channels would jump over.
  if (axis !== 3) return null;
  return { images: [0], attrs: { ...node.attrs, axis: moved(axis) }, imageResults: [] };
};

const slice: Carry = (node) => {
  const [starts, ends] = [numbers(node.attrs.starts), numbers(node.attrs.ends)];
  const entries = numbers(node.attrs.axes)
    .map((axis, i) => ({ axis: moved(axis), start: starts[i] ?? 0, end: ends[i] ?? 0 }))
    .sort((p, q) => p.axis - q.axis);
  const attrs = {
    axes: entries.map((entry) => entry.axis),
    starts: entries.map((entry) => entry.start),
    ends: entries.map((entry) => entry.end),
  };
  return { images: [0], attrs, imageResults: [0] };
};

const pad: Carry = (node) => ({
  images: [0],
  attrs: {
    ...node.attrs,
    before: permute(numbers(node.attrs.before), toChannelsFirst),
    after: permute(numbers(node.attrs.after), toChannelsFirst),
  },
  imageResults: [0],
});

const reverse: Carry = (node) => ({
  images: [0],
  attrs: {
    axes: numbers(node.attrs.axes)
      .map(moved)
      .sort((p, q) => p - q),
  },
  imageResults: [0],
});

const broadcastTo: Carry = (node) => ({
  images: [0],
  attrs: { shape: permute(node.attrs.shape as readonly (number | string)[], toChannelsFirst) },
  imageResults: [0],
});

/**
 * Ops that work in either layout: given a node over NHWC images, what its counterpart over NCHW
 * images looks like (null: there is none). An op that is not listed is computed channels-last.
 */
export const carriers: Partial<Record<OpKind, Carry>> = {
  ...(Object.fromEntries(elementwiseOps.map((kind) => [kind, elementwise])) as Partial<
    Record<OpKind, Carry>
  >),
  sum: reduction,
  mean: reduction,
  max: reduction,
  min: reduction,
  argMax,
  slice,
  pad,
  reverse,
  broadcastTo,
  concat: withAxis(all),
  softmax: withAxis(() => [0]),
  logSoftmax: withAxis(() => [0]),
  batchNorm: withAxis(() => [0]),
  batchNormTrain: withAxis(() => [0]),
  batchNormTrainGrad: withAxis(() => [0, 1]),
};
