/**
 * @file The gradient of a convolution towards its filter: the op whose lowering decides how fast a
 * network trains. dW[o,c,i,j] = Σ over images and pixels of dy[n,o,·] · x[n,c,· shifted by (i,j)].
 *
 * Writing it as a Conv of transposed tensors (the textbook form) reaches 3 to 40 % of the speed of a
 * matrix product; each variant here is a few large matrix products in an order that MLAS likes
 * (no transposed left operand). Milliseconds in comments: 2 threads, float32.
 */
import type { Pair } from "../../../ops.js";
import { dim } from "../../geometry.js";
import type { Handle } from "../graph.js";
import type { ConvGeometry, Primitives } from "../primitives.js";
import { channelsLast } from "./blocked.js";
import { sizesOf } from "./layout.js";
import { reduceInStages, sumOverFirst } from "./reduce.js";

export type FilterGradVariant =
  | "batched"
  | "merged"
  | "columns"
  | "pixels"
  | "shifted"
  | "grouped"
  | "depthwise";

interface Problem {
  readonly p: Primitives;
  /** [n, c, h, w], without the padding. */
  readonly x: Handle;
  /** [n, o, height, width] */
  readonly dy: Handle;
  readonly kernel: Pair;
  readonly geometry: ConvGeometry;
}

/** Variants that are right for any convolution with one group, and with several. */
export const filterGradVariants: Readonly<
  Record<"single" | "groups", readonly FilterGradVariant[]>
> = {
  single: ["batched", "merged", "columns", "pixels", "shifted", "grouped"],
  groups: ["grouped"],
};

/** What decides the choice: sizes of the filter and of the output plane. */
export interface FilterGradShape {
  readonly outChannels: number;
  /** Input channels of one group. */
  readonly inChannels: number;
  readonly kernel: Pair;
  /** Pixels of dy in one image. */
  readonly pixels: number;
  readonly unitStride: boolean;
  readonly groups: number;
}

/** Picks the fastest variant known for a shape, on a target with few cores or many. */
export function chooseFilterGrad(shape: FilterGradShape, manyCores = false): FilterGradVariant {
  const { outChannels, inChannels, kernel, pixels, unitStride, groups } = shape;
  if (groups > 1) return inChannels === 1 && outChannels === groups ? "depthwise" : "grouped";
  if (manyCores) return "merged";
  // 1×1, 64→64 at 32×32, batch 32: 1.4 against 2.4 (pixels) and 9.5 (textbook).
  if (kernel[0] * kernel[1] === 1) return "batched";
  // First layer, 3→32 at 30×30, batch 64: 1.0 against 2.2 (shifted) and 2.6 (pixels).
  if (inChannels <= 8) return "columns";
  // 3×3 stride 2, 64→128 at 16×16: 6.3 (pixels) against 8.5 (shifted).
  // 3×3, 256→256 at 8×8: 7.6 (pixels) against 10.5 (shifted); 64→64 at 4×4: 0.54 against 0.94;
  // 64→64 at 32×32: 12.8 (pixels) against 10.7 (shifted).
  return unitStride && pixels >= 512 && inChannels <= 128 ? "shifted" : "pixels";
}

/** Elements of the shifted pixels of all taps up to which they are laid side by side: 64 MiB. */
const largestColumns = 2 ** 24;
/** Elements of results that fill a device of many cores: 512 tiles of 32×32. */
const enoughResults = 2 ** 19;

/** Into how many parts of whole images a product with `results` elements is split. */
function partsOf(images: number, results: number): number {
  let parts = Math.min(images, Math.ceil(enoughResults / results));
  while (images % parts !== 0) parts--;
  return parts;
}

/** Every tap of the kernel: the part of x that it meets, strided like dy. */
function taps<T>({ dy, kernel, geometry }: Problem, part: (rows: Tap, columns: Tap) => T): T[] {
  const [, , height, width] = sizesOf(dy);
  const tap = (offset: number, count: number, stride: number): Tap => ({
    start: offset,
    end: offset + (count - 1) * stride + 1,
    step: stride,
  });
  const { strides, dilations } = geometry;
  const results: T[] = [];
  for (let i = 0; i < kernel[0]; i++) {
    for (let j = 0; j < kernel[1]; j++) {
      results.push(
        part(tap(i * dilations[0], height, strides[0]), tap(j * dilations[1], width, strides[1])),
      );
    }
  }
  return results;
}
interface Tap {
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

/** The parts of x [n, c, height, width] that each tap meets, as [n, c, pixels]. */
function planes(problem: Problem): Handle[] {
  const { p, dy, geometry } = problem;
  const [top, left, bottom, right] = geometry.pads;
  const x = p.pad(problem.x, [0, 0, top, left], [0, 0, bottom, right]);
  const [n, c] = sizesOf(x);
  const [, , height, width] = sizesOf(dy);
  return taps(problem, (rows, columns) =>
    p.reshape(
      p.slice(x, [
        { axis: 2, ...rows },
        { axis: 3, ...columns },
      ]),
      [n, c, height * width],
    ),
  );
}

/** dy as [n, o, pixels]. */
function rowsOf({ p, dy }: Problem): Handle {
  const [n, o, height, width] = sizesOf(dy);
  return p.reshape(dy, [n, o, height * width]);
}

/** Puts matrices [o, c], one per tap, together as [o, c, kh, kw]. */
function stackTaps({ p, kernel }: Problem, matrices: readonly Handle[]): Handle {
  const columns = matrices.map((matrix) => p.reshape(matrix, [...matrix.shape, 1]));
  const [o, c] = [dim(columns[0]?.shape ?? [], 0), dim(columns[0]?.shape ?? [], 1)];
  return p.reshape(p.concat(columns, 2), [o, c, ...kernel]);
}

const variants: Readonly<Record<FilterGradVariant, (problem: Problem) => Handle>> = {
  /** 1×1: one batched product, summed over the images. */
  batched: (problem) => {
    const { p } = problem;
    const matrices = planes(problem).map((plane) =>
      sumOverFirst(p, p.matmul(rowsOf(problem), plane, false, true)),
    );
    return stackTaps(problem, matrices);
  },

  /**
   * For many cores: products of dy [parts, o, images·pixels] with the shifted pixels of all taps [parts, images·pixels,
   * taps·c], summed over the parts. As many parts as fill the device; neither operand has to be turned
   * but for one transpose of each. Where the pixels of all taps would be too large, tap by tap.
   */
  merged: (problem) => {
    const { p, x, dy, kernel, geometry } = problem;
    const [n, o, height, width] = sizesOf(dy);
    const c = dim(x.shape, 1);
    const [top, leftmost, bottom, right] = geometry.pads;
    const image = p.pad(channelsLast(p, x), [0, top, leftmost, 0], [0, bottom, right, 0]);
    const shifted = taps(problem, (down, across) =>
      p.slice(image, [
        { axis: 1, ...down },
        { axis: 2, ...across },
      ]),
    );
    const together = n * height * width * c * shifted.length <= largestColumns;
    const blocks = together ? [p.concat(shifted, 3)] : shifted;
    const sums = blocks.map((block) => {
      const across = dim(block.shape, 3);
      const parts = partsOf(n, o * across);
      const depth = (n / parts) * height * width;
      const left = p.transpose(p.reshape(dy, [parts, n / parts, o, height * width]), [0, 2, 1, 3]);
      const product = p.matmul(
        p.reshape(left, [parts, o, depth]),
        p.reshape(block, [parts, depth, across]),
      );
      return p.reshape(p.reduce("ReduceSum", product, [0], false), [o, across / c, c]);
    });
    return p.reshape(p.transpose(p.concat(sums, 1), [0, 2, 1]), [o, c, ...kernel]);
  },

  /** Few input channels: the taps side by side as channels (im2col), one batched product. */
  columns: (problem) => {
    const { p, x, dy, kernel } = problem;
    const [c, o] = [dim(x.shape, 1), dim(dy.shape, 1)];
    const count = kernel[0] * kernel[1];
    const product = p.matmul(rowsOf(problem), p.concat(planes(problem), 1), false, true);
    const sum = p.reshape(sumOverFirst(p, product), [o, count, c]);
    return p.reshape(p.transpose(sum, [0, 2, 1]), [o, c, ...kernel]);
  },

  /** dyᵀ [o, images·pixels] times the shifted pixels [images·pixels, c], one product per tap. */
  pixels: (problem) => {
    const { p, x, dy, geometry } = problem;
    const [n, o, height, width] = sizesOf(dy);
    const left = p.reshape(p.transpose(dy, [1, 0, 2, 3]), [o, n * height * width]);
    const [top, leftmost, bottom, right] = geometry.pads;
    const rows = p.pad(channelsLast(p, x), [0, top, leftmost, 0], [0, bottom, right, 0]);
    const c = dim(x.shape, 1);
    const matrices = taps(problem, (down, across) => {
      const part = p.slice(rows, [
        { axis: 1, ...down },
        { axis: 2, ...across },
      ]);
      return p.matmul(left, p.reshape(part, [n * height * width, c]));
    });
    return stackTaps(problem, matrices);
  },

  /** Large planes: one batched product per tap without moving anything, summed over the images. */
  shifted: (problem) => variants.batched(problem),

  /** Groups become a batch axis of the products. */
  grouped: (problem) => {
    const { p, x, dy, kernel, geometry } = problem;
    const [n, c] = sizesOf(x);
    const [, o, height, width] = sizesOf(dy);
    const g = geometry.groups;
    const left = p.reshape(dy, [n, g, o / g, height * width]);
    const matrices = planes(problem).map((plane) => {
      const product = p.matmul(left, p.reshape(plane, [n, g, c / g, height * width]), false, true);
      return p.reshape(sumOverFirst(p, product), [o, c / g, 1]);
    });
    return p.reshape(p.concat(matrices, 2), [o, c / g, ...kernel]);
  },

  /** Best of four tried: per tap an elementwise product and a two-stage sum (7.5; Conv 9.2). */
  depthwise: (problem) => {
    const { p, dy, kernel } = problem;
    const o = dim(dy.shape, 1);
    const left = rowsOf(problem);
    const sums = planes(problem).map((plane) =>
      p.reshape(
        p.cast(
          reduceInStages(p, "ReduceSum", p.cast(p.mul(left, plane), "f32"), {
            axes: [0, 2],
            keepDims: false,
          }),
          dy.dtype,
        ),
        [o, 1, 1],
      ),
    );
    return p.reshape(p.concat(sums, 2), [o, 1, ...kernel]);
  },
};

/** The filter gradient [o, c / groups, kh, kw] of NCHW tensors, computed the given way. */
export function filterGradientBy(
  variant: FilterGradVariant,
  p: Primitives,
  x: Handle,
  dy: Handle,
  kernel: Pair,
  geometry: ConvGeometry,
): Handle {
  return variants[variant]({ p, x, dy, kernel, geometry });
}

export function filterGradient(
  p: Primitives,
  x: Handle,
  dy: Handle,
  kernel: Pair,
  geometry: ConvGeometry,
): Handle {
  const [, o, height, width] = sizesOf(dy);
  const shape: FilterGradShape = {
    outChannels: o,
    inChannels: dim(x.shape, 1) / geometry.groups,
    kernel,
    pixels: height * width,
    unitStride: geometry.strides[0] === 1 && geometry.strides[1] === 1,
    groups: geometry.groups,
  };
  const variant = chooseFilterGrad(shape, p.target.manyCores);
  return filterGradientBy(variant, p, x, dy, kernel, geometry);
}
