/** @file Pooling and nearest-neighbour resizing. */
import type { AvgPoolOptions, Ops, Pair, PoolOptions } from "../../../ops.js";
import type { Backend } from "../backend.js";
import type { Tensor, Value } from "../value.js";
import { explicit, frame, fromNhwc, sizesOf, toNhwc } from "./layout.js";

type Kinds = "maxPool2d" | "maxPool2dGrad" | "avgPool2d" | "avgPool2dGrad" | "resizeNearest";

/** Windows side by side: every pixel belongs to one window at most. */
const sideBySide = ({ kernel, strides, pads }: PoolOptions): boolean =>
  kernel[0] === strides[0] && kernel[1] === strides[1] && pads.every((n) => n === 0);

/** Size of the whole window over that of its part inside the image, for each window. */
function shares(size: Pair, output: Pair, { kernel, strides, pads }: PoolOptions): number[] {
  const along = (axis: 0 | 1, index: number): number => {
    const start = index * strides[axis] - pads[axis];
    const inside = Math.min(start + kernel[axis], size[axis]) - Math.max(start, 0);
    return kernel[axis] / inside;
  };
  return Array.from(
    { length: output[0] * output[1] },
    (_, i) => along(0, Math.floor(i / output[1])) * along(1, i % output[1]),
  );
}

/** Repeats every pixel. */
function upsample({ tf }: Backend, x: Tensor, [sh, sw]: Pair): Tensor {
  const [n, h, w, c] = sizesOf(x);
  const tall = sh === 1 ? x : tf.tile(tf.reshape(x, [n * h, 1, w * c]), [1, sh, 1]);
  const wide = sw === 1 ? tall : tf.tile(tf.reshape(tall, [n * h * sh * w, 1, c]), [1, sw, 1]);
  return tf.reshape(wide, [n, h * sh, w * sw, c]);
}

export function poolOps(b: Backend): Pick<Ops<Value>, Kinds> {
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

  return {
    maxPool2d(x, options) {
      const y = b.kernel("MaxPool", { x: toNhwc(x, options.layout) }, attributes(options));
      return fromNhwc(b, y, options.layout);
    },

    maxPool2dGrad(x, y, dy, options) {
      const { layout } = options;
      const inputs = {
        dy: toNhwc(dy, layout),
        input: toNhwc(x, layout),
        output: toNhwc(y, layout),
      };
      return fromNhwc(b, b.kernel("MaxPoolGrad", inputs, attributes(options)), layout);
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
        : tf.mul(dy, tf.tensor(shares(inputSize, [h, w], options), [1, h, w, 1], "float32"));
      // It reads no more than the shape of this.
      const input = b.fill([n, ...inputSize, c], 0);
      const dx = b.kernel("AvgPoolGrad", { dy: weighted, input }, attributes(options));
      return fromNhwc(b, dx, layout);
    },

    resizeNearest: (x, { scale, layout }) =>
      fromNhwc(b, upsample(b, toNhwc(x, layout), scale), layout),
  };
}
