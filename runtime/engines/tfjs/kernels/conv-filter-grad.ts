/**
 * @file The gradient of a convolution towards its filter:
 * dW[o,c,i,j] = Σ over images and pixels of dy[n,·,o] · x[n,· shifted by (i,j),c].
 */
import type { ConvOptions, Pair } from "../../../ops.js";
import type { Backend } from "../backend.js";
import type { Tensor } from "../value.js";
import { explicit, frame, sizesOf, tapsOf } from "./layout.js";
import { product } from "./linear.js";
import { columnSums } from "./reduce.js";

type Geometry = Pick<ConvOptions, "strides" | "pads" | "dilations">;
type Gradient = (x: Tensor, dy: Tensor) => Tensor;

interface Problem {
  readonly b: Backend;
  /** [n, h, w, c], without the padding. */
  readonly x: Tensor;
  /** [n, height, width, o] */
  readonly dy: Tensor;
  readonly kernel: Pair;
  readonly geometry: Geometry;
}

/** For every tap the part of a padded tensor that it meets, strided like dy; h and w at the given axes. */
function partsOf(
  { b, dy, kernel, geometry }: Problem,
  padded: Tensor,
  h: number,
  w: number,
): Tensor[] {
  const { tf } = b;
  const [, height, width] = sizesOf(dy);
  const { strides, dilations } = geometry;
  return tapsOf(kernel).map(({ row, column }) => {
    const begin = padded.shape.map(() => 0);
    const end = [...padded.shape];
    const step = padded.shape.map(() => 1);
    const along = (axis: number, start: number, count: number, stride: number): void => {
      begin[axis] = start;
      end[axis] = start + (count - 1) * stride + 1;
      step[axis] = stride;
    };
    along(h, row * dilations[0], height, strides[0]);
    along(w, column * dilations[1], width, strides[1]);
    const size = end.map((stop, axis) => stop - (begin[axis] as number));
    return step.every((stride) => stride === 1)
      ? tf.slice(padded, begin, size)
      : tf.stridedSlice(padded, begin, end, step);
  });
}

/** The taps' parts of x below each other as rows, [taps · c, pixels], times dy, [pixels, o]. */
function byColumns(problem: Problem): Tensor {
  const { b, x, dy, kernel, geometry } = problem;
  const { tf } = b;
  const [n, height, width, o] = sizesOf(dy);
  const c = x.shape[3] as number;
  const pixels = n * height * width;
  // Channels first, so that a tap's part is a copy of rows and the product needs no transposed operand.
  const padded = tf.transpose(frame(tf, x, geometry.pads), [3, 0, 1, 2]);
  const parts = partsOf(problem, padded, 2, 3).map((part) => tf.reshape(part, [c, pixels]));
  const columns = tf.concat(parts, 0);
  const sum = product(
    b,
    tf.reshape(columns, [1, parts.length * c, pixels]),
    tf.reshape(dy, [1, pixels, o]),
  );
  return tf.transpose(tf.reshape(sum, [...kernel, c, o]), [3, 2, 0, 1]);
}

function byKernel({ b, x, dy, kernel, geometry }: Problem): Tensor {
  const [c, o] = [x.shape[3] as number, dy.shape[3] as number];
  const sum = b.kernel(
    "Conv2DBackpropFilter",
    { x, dy },
    {
      strides: [...geometry.strides],
      pad: explicit(geometry.pads),
      dataFormat: "NHWC",
      filterShape: [...kernel, c, o],
    },
  );
  return b.tf.transpose(sum, [3, 2, 0, 1]);
}

/** [kh·kw, c, m] or [kh, kw, c, m] as a filter [c·m, 1, kh, kw]. */
function asDepthwise({ tf }: Backend, sums: Tensor, [kh, kw]: Pair, c: number, m: number): Tensor {
  const turned = tf.transpose(tf.reshape(sums, [kh * kw, c * m]), [1, 0]);
  return tf.reshape(turned, [c * m, 1, kh, kw]);
}

/** Depthwise: every tap's part times dy, summed over the pixels. */
function byProducts(problem: Problem): Tensor {
  const { b, x, dy, kernel, geometry } = problem;
  const { tf } = b;
  const [n, height, width, o] = sizesOf(dy);
  const c = x.shape[3] as number;
  const pixels = n * height * width;
  const sums = partsOf(problem, frame(tf, x, geometry.pads), 1, 2).map((part) => {
    const products =
      o === c
        ? tf.mul(part, dy)
        : tf.mul(tf.reshape(part, [pixels, c, 1]), tf.reshape(dy, [pixels, c, o / c]));
    return columnSums(b, tf.reshape(products, [pixels, o]));
  });
  return asDepthwise(b, tf.stack(sums), kernel, c, o / c);
}

function depthwiseByKernel({ b, x, dy, kernel, geometry }: Problem): Tensor {
  const [c, m] = [x.shape[3] as number, (dy.shape[3] as number) / (x.shape[3] as number)];
  const sums = b.kernel(
    "DepthwiseConv2dNativeBackpropFilter",
    { x, dy },
    {
      strides: [...geometry.strides],
      pad: explicit(geometry.pads),
      dilations: [1, 1],
      filterShape: [...kernel, c, m],
    },
  );
  return asDepthwise(b, sums, kernel, c, m);
}

/** The way for a geometry: kernels know no dilations. */
export function filterGradient(
  b: Backend,
  kernel: Pair,
  geometry: Geometry,
  depthwise: boolean,
): Gradient {
  const dense = geometry.dilations[0] === 1 && geometry.dilations[1] === 1;
  const way = depthwise
    ? dense && b.ways.depthwiseFilterGrad === "kernel"
      ? depthwiseByKernel
      : byProducts
    : dense && b.ways.filterGrad === "kernel"
      ? byKernel
      : byColumns;
  return (x, dy) => way({ b, x, dy, kernel, geometry });
}
