/** @file Pooling and nearest-neighbour resizing. */
import type { AvgPoolOptions, Ops, Pair, PoolOptions } from "../../../ops.js";
import { sideBySide, windowShares } from "../../geometry.js";
import type { PoolOp } from "../../op-families.js";
import type { Backend } from "../backend.js";
import type { Tensor, Value } from "../value.js";
import { spread } from "./correlate.js";
import { explicit, frame, fromNhwc, sizesOf, toNhwc, windowParts } from "./layout.js";

/** Padding that is no maximum. */
const lowest = -3.4e38;

/** Repeats every pixel. Rows are joined with themselves: wasm's Tile takes ten times as long. */
function upsample({ tf }: Backend, x: Tensor, [sh, sw]: Pair): Tensor {
  const [n, h, w, c] = sizesOf(x);
  const doubled = (rows: Tensor, count: number): Tensor =>
    count === 1 ? rows : tf.concat(new Array<Tensor>(count).fill(rows), 1);
  const tall = doubled(tf.reshape(x, [n * h, w * c]), sh);
  const wide = doubled(tf.reshape(tall, [n * h * sh * w, c]), sw);
  return tf.reshape(wide, [n, h * sh, w * sw, c]);
}

export function poolOps(b: Backend): Pick<Ops<Value>, PoolOp> {
  const { tf } = b;
  const attributes = ({ kernel, strides, pads }: PoolOptions) => ({
    filterSize: [...kernel],
    strides: [...strides],
    pad: explicit(pads),
  });

  /** Rows and columns that no window reaches get zeros. */
  function growTo(image: Tensor, [height, width]: Pair): Tensor {
    const [, h, w] = sizesOf(image);
    return frame(tf, image, [0, 0, height - h, width - w]);
  }

  /** The gradient to every element that equals the maximum of its window, place by place of the windows. */
  function gradByComparing(x: Tensor, y: Tensor, dy: Tensor, options: PoolOptions): Tensor {
    const { kernel, strides, pads } = options;
    const [top, left] = pads;
    const [, h, w] = sizesOf(x);
    const [, rows, columns] = sizesOf(y);
    if (sideBySide(options)) {
      const used = tf.slice(x, [0, 0, 0, 0], [-1, rows * kernel[0], columns * kernel[1], -1]);
      const chosen = tf.cast(tf.equal(used, upsample(b, y, kernel)), "float32");
      return growTo(tf.mul(chosen, upsample(b, dy, kernel)), [h, w]);
    }
    const padded = frame(tf, x, pads, lowest);
    const parts = windowParts(tf, padded, [1, 2], [rows, columns], {
      kernel,
      strides,
      dilations: [1, 1],
    });
    const gradients = parts.map(({ row, column, part }) => {
      const share = spread(b, tf.mul(tf.cast(tf.equal(part, y), "float32"), dy), strides);
      const [, height, width] = sizesOf(share);
      const [before, ahead] = [row - top, column - left];
      return frame(tf, share, [before, ahead, h - height - before, w - width - ahead]);
    });
    return gradients.reduce((sum, gradient) => tf.add(sum, gradient));
  }

  return {
    maxPool2d(x, options) {
      const y = b.kernel("MaxPool", { x: toNhwc(x, options.layout) }, attributes(options));
      return fromNhwc(b, y, options.layout);
    },

    maxPool2dGrad(x, y, dy, options) {
      const { layout } = options;
      const [input, output, given] = [toNhwc(x, layout), toNhwc(y, layout), toNhwc(dy, layout)];
      const dx =
        b.ways.maxPoolGrad === "kernel"
          ? b.kernel("MaxPoolGrad", { dy: given, input, output }, attributes(options))
          : gradByComparing(input, output, given, options);
      return fromNhwc(b, dx, layout);
    },

    // The kernel divides by the part of a window inside the image; padding that counts is made real.
    avgPool2d(x, options) {
      const image = toNhwc(x, options.layout);
      const y = options.countPadding
        ? b.kernel(
            "AvgPool",
            { x: frame(tf, image, options.pads) },
            attributes({ ...options, pads: [0, 0, 0, 0] }),
          )
        : b.kernel("AvgPool", { x: image }, attributes(options));
      return fromNhwc(b, y, options.layout);
    },

    avgPool2dGrad(dyValue, options: AvgPoolOptions & { readonly inputSize: Pair }) {
      const { kernel, layout, inputSize, countPadding } = options;
      const dy = toNhwc(dyValue, layout);
      const [n, h, w, c] = sizesOf(dy);
      if (sideBySide(options)) {
        const share = tf.mul(dy, 1 / (kernel[0] * kernel[1]));
        return fromNhwc(b, growTo(upsample(b, share, kernel), inputSize), layout);
      }
      // The kernel divides by the whole window.
      const weighted = countPadding
        ? dy
        : tf.mul(dy, tf.tensor(windowShares(inputSize, [h, w], options), [1, h, w, 1], "float32"));
      // It reads no more than the shape of this.
      const input = b.fill([n, ...inputSize, c], 0);
      const dx = b.kernel("AvgPoolGrad", { dy: weighted, input }, attributes(options));
      return fromNhwc(b, dx, layout);
    },

    resizeNearest: (x, { scale, layout }) =>
      fromNhwc(b, upsample(b, toNhwc(x, layout), scale), layout),
  };
}
