/** @file Geometries that the three convolution ops are tried with, in both layouts. */
import type { ConvOptions, Layout, Pair } from "@dlc/runtime";
import type { OpSample } from "../define-op.js";
import { imageShape, windowCounts } from "./windows.js";

interface Geometry {
  readonly size: Pair;
  readonly channels: number;
  readonly outputs: number;
  readonly kernel: Pair;
  readonly options: Omit<ConvOptions, "layout">;
}

const plain = { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], groups: 1 } as const;

const geometries: readonly Geometry[] = [
  { size: [5, 4], channels: 2, outputs: 3, kernel: [3, 3], options: plain },
  {
    // "Same" padding of an even size with stride 2 is asymmetric; the last row is never reached.
    size: [6, 5],
    channels: 2,
    outputs: 2,
    kernel: [3, 2],
    options: { ...plain, strides: [2, 2], pads: [0, 0, 1, 1] },
  },
  {
    size: [7, 6],
    channels: 1,
    outputs: 2,
    kernel: [3, 2],
    options: { ...plain, strides: [1, 2], pads: [2, 1, 1, 0], dilations: [2, 3] },
  },
  {
    size: [4, 4],
    channels: 4,
    outputs: 6,
    kernel: [2, 2],
    options: { ...plain, strides: [2, 1], pads: [1, 1, 0, 0], groups: 2 },
  },
  {
    // Depthwise with two outputs per channel.
    size: [4, 5],
    channels: 3,
    outputs: 6,
    kernel: [3, 3],
    options: { ...plain, pads: [1, 1, 1, 1], groups: 3 },
  },
  { size: [3, 2], channels: 3, outputs: 2, kernel: [1, 1], options: { ...plain, strides: [2, 2] } },
];

export interface ConvShapes {
  readonly x: readonly (number | "n")[];
  readonly filter: readonly number[];
  readonly y: readonly (number | "n")[];
  readonly size: Pair;
  readonly kernel: Pair;
  readonly options: ConvOptions;
}

/** A sample from each geometry in each layout. */
export const convSamples = (sample: (shapes: ConvShapes) => OpSample): readonly OpSample[] =>
  (["NHWC", "NCHW"] as const).flatMap((layout: Layout) =>
    geometries.map(({ size, channels, outputs, kernel, options }) =>
      sample({
        x: imageShape(layout, "n", channels, size) as readonly (number | "n")[],
        filter: [outputs, channels / options.groups, ...kernel],
        y: imageShape(
          layout,
          "n",
          outputs,
          windowCounts(size, kernel, { ...options, layout }, options.dilations),
        ) as readonly (number | "n")[],
        size,
        kernel,
        options: { ...options, layout },
      }),
    ),
  );
