/** @file Geometries that the pooling ops are tried with, in both layouts. */
import type { Layout, Pair, PoolOptions } from "@dlc/runtime";
import type { OpSample } from "../define-op.js";
import { imageShape, windowCounts } from "./windows.js";

interface Geometry {
  readonly size: Pair;
  readonly kernel: Pair;
  readonly strides: Pair;
  readonly pads: readonly [number, number, number, number];
}

const geometries: readonly Geometry[] = [
  { size: [4, 4], kernel: [2, 2], strides: [2, 2], pads: [0, 0, 0, 0] },
  // Overlapping windows with asymmetric padding.
  { size: [5, 4], kernel: [3, 2], strides: [2, 1], pads: [1, 0, 2, 1] },
  // The last row and column are outside every window.
  { size: [5, 5], kernel: [2, 2], strides: [2, 2], pads: [0, 0, 0, 0] },
  // Gaps between windows.
  { size: [5, 4], kernel: [1, 2], strides: [2, 3], pads: [0, 1, 0, 0] },
];

export interface PoolShapes {
  readonly x: readonly (number | "n")[];
  readonly y: readonly (number | "n")[];
  readonly size: Pair;
  readonly options: PoolOptions;
}

const channels = 2;

/** A sample from each geometry in each layout. */
export const poolSamples = (sample: (shapes: PoolShapes) => OpSample): readonly OpSample[] =>
  (["NHWC", "NCHW"] as const).flatMap((layout: Layout) =>
    geometries.map(({ size, ...window }) => {
      const options: PoolOptions = { ...window, layout };
      const counts = windowCounts(size, window.kernel, options);
      return sample({
        x: imageShape<number | "n">(layout, "n", channels, size),
        y: imageShape<number | "n">(layout, "n", channels, counts),
        size,
        options,
      });
    }),
  );
