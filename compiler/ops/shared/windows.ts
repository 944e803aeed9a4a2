/** @file Images and the windows that convolution and pooling move over them. */
import type {
  ConvOptions,
  ElementType,
  Layout,
  Pads,
  Pair,
  PoolOptions,
  WindowOptions,
} from "@dlc/runtime";
import type { Dim, TensorType } from "../../ir/types.js";
import { Rejection } from "../define-op.js";
import {
  allFloats,
  expectDtype,
  expectPositive,
  expectRank,
  expectStatic,
  floats,
} from "./expect.js";
import { stridesOf } from "./walk.js";

/** Where the axes of an image stand; the batch is axis 0. */
export const imageAxes = (layout: Layout): { channel: number; height: number; width: number } =>
  layout === "NHWC" ? { channel: 3, height: 1, width: 2 } : { channel: 1, height: 2, width: 3 };

export const imageShape = <D extends Dim>(
  layout: Layout,
  batch: D,
  channels: number,
  [height, width]: Pair,
): readonly (D | number)[] =>
  layout === "NHWC" ? [batch, height, width, channels] : [batch, channels, height, width];

export interface ImageType {
  readonly batch: Dim;
  readonly channels: number;
  readonly size: Pair;
}

/** An image of floats with fixed channels, height and width. */
export function expectImage(
  type: TensorType,
  layout: Layout,
  input: number,
  what: string,
  allowed: readonly ElementType[] = floats,
): ImageType {
  expectDtype(type, allowed, input, what);
  expectRank(type, 4, input, what);
  const axes = imageAxes(layout);
  const at = (axis: number, name: string): number =>
    expectStatic(type.shape[axis], input, `${name} of ${what}`);
  return {
    batch: type.shape[0] ?? 1,
    channels: at(axes.channel, "the channels"),
    size: [at(axes.height, "the height"), at(axes.width, "the width")],
  };
}

const by = (pair: readonly number[]): string => pair.join("x");
const paddingText = (pads: Pads): string =>
  new Set(pads).size === 1 ? `${pads[0]}` : `[${pads.join(",")}]`;

/** How many windows fit along each axis: ⌊(size + padding − extent) / stride⌋ + 1. */
export function windowCounts(
  size: Pair,
  kernel: Pair,
  { strides, pads }: WindowOptions,
  dilations: Pair = [1, 1],
): Pair {
  expectPositive(kernel, "kernel sizes");
  expectPositive(strides, "strides");
  expectPositive(dilations, "dilations");
  if (pads.some((pad) => !Number.isInteger(pad) || pad < 0)) {
    throw new Rejection(`paddings must be whole numbers of at least 0, not [${pads.join(",")}]`);
  }
  const counts = [0, 1].map((axis) => {
    const extent = ((kernel[axis] as number) - 1) * (dilations[axis] as number) + 1;
    const room = (size[axis] as number) + (pads[axis] as number) + (pads[axis + 2] as number);
    return Math.floor((room - extent) / (strides[axis] as number)) + 1;
  }) as [number, number];
  if (counts.every((windows) => windows >= 1)) return counts;
  const dilated = by(dilations) === "1x1" ? "" : ` with dilation ${by(dilations)}`;
  throw new Rejection(
    `kernel ${by(kernel)}${dilated} does not fit an input of ${by(size)} with padding ${paddingText(pads)}`,
    0,
  );
}

/** As windowCounts; no window may lie entirely in the padding, where there is nothing to pool. */
export function poolCounts(size: Pair, options: PoolOptions): Pair {
  const { kernel, pads } = options;
  const [top, left, bottom, right] = pads;
  if (Math.max(top, bottom) >= kernel[0] || Math.max(left, right) >= kernel[1]) {
    throw new Rejection(
      `padding ${paddingText(pads)} must be smaller than the pooling window ${by(kernel)}`,
    );
  }
  return windowCounts(size, kernel, options);
}

export interface FilterType {
  readonly outputs: number;
  readonly inputsPerGroup: number;
  readonly kernel: Pair;
}

/** A filter `[outputs, inputs / groups, height, width]` for images of so many channels. */
export function expectFilter(
  type: TensorType,
  options: ConvOptions,
  channels: number | null,
  input: number,
): FilterType {
  expectDtype(type, allFloats, input, "the filter");
  expectRank(type, 4, input, "the filter");
  const sizes = type.shape.map((dim) => expectStatic(dim, input, "a filter's axis"));
  const [outputs, inputsPerGroup, height, width] = sizes as [number, number, number, number];
  expectGroups(options.groups, channels, outputs);
  if (channels !== null && inputsPerGroup * options.groups !== channels) {
    const groups = options.groups === 1 ? "" : ` in each of ${options.groups} groups`;
    throw new Rejection(
      `the filter takes ${inputsPerGroup} channel${inputsPerGroup === 1 ? "" : "s"}${groups}, but the input has ${channels}`,
      input,
    );
  }
  return { outputs, inputsPerGroup, kernel: [height, width] };
}

export function expectGroups(groups: number, inputs: number | null, outputs: number): void {
  expectPositive([groups], "groups");
  if (inputs !== null && inputs % groups !== 0) {
    throw new Rejection(`${inputs} input channels do not split into ${groups} groups`);
  }
  if (outputs % groups !== 0) {
    throw new Rejection(`${outputs} output channels do not split into ${groups} groups`);
  }
}

export function expectWindows(found: Pair, expected: Pair, input: number, what: string): void {
  if (by(found) === by(expected)) return;
  throw new Rejection(`${what} is ${by(found)}, but the windows give ${by(expected)}`, input);
}

/** Sizes and strides of a concrete image, whatever its layout. */
export interface ImageGeometry {
  readonly batch: number;
  readonly channels: number;
  readonly size: Pair;
  readonly stride: { batch: number; channel: number; height: number; width: number };
}

export function imageGeometry(shape: readonly number[], layout: Layout): ImageGeometry {
  const axes = imageAxes(layout);
  const strides = stridesOf(shape);
  const dim = (axis: number): number => shape[axis] as number;
  const stride = (axis: number): number => strides[axis] as number;
  return {
    batch: dim(0),
    channels: dim(axes.channel),
    size: [dim(axes.height), dim(axes.width)],
    stride: {
      batch: stride(0),
      channel: stride(axes.channel),
      height: stride(axes.height),
      width: stride(axes.width),
    },
  };
}

/** The same window options without what belongs to one op. */
export const convOptions = ({
  strides,
  pads,
  dilations,
  groups,
  layout,
}: ConvOptions): ConvOptions => ({
  strides,
  pads,
  dilations,
  groups,
  layout,
});
export const poolOptions = ({ kernel, strides, pads, layout }: PoolOptions): PoolOptions => ({
  kernel,
  strides,
  pads,
  layout,
});
