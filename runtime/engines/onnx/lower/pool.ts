/** @file Pooling and nearest-neighbour resizing. */
import type { Ops, Pair, PoolOptions } from "../../../ops.js";
import { sizeOf } from "../../../tensor.js";
import { dim, sideBySide, windowCounts } from "../../geometry.js";
import type { PoolOp } from "../../op-families.js";
import type { Handle } from "../graph.js";
import { type Primitives, windowedSize } from "../primitives.js";
import {
  blockedMaxPool,
  blockedUpsample,
  fromBlocked,
  padImage,
  sliceImage,
  twinOf,
} from "./blocked.js";
import { fromNchw, sizesOf, toNchw } from "./layout.js";

type Twin = Handle | null;

export function poolOps(p: Primitives): Pick<Ops<Handle>, PoolOp> {
  const window = ({ kernel, strides, pads }: PoolOptions) => ({
    kernel_shape: kernel,
    strides,
    pads,
  });
  /** Zeros below and to the right, up to the given shape. */
  const growTo = (x: Handle, shape: readonly number[]): Handle =>
    padImage(
      p,
      x,
      [0, 0, 0, 0],
      shape.map((size, axis) => size - dim(x.shape, axis)),
    );
  function pooledShape(x: Handle, options: PoolOptions): number[] {
    const [n, c, h, w] = sizesOf(x);
    return [n, c, ...windowedSize([h, w], options.kernel, options)];
  }

  /**
   * Measured for [64,32,30,30], 2×2 windows, forward and backward: 3.0 ms, against 4.6 ms with
   * MaxPool's Indices and MaxUnpool, 3.7 with Where, 9.0 with Expand for Resize. Every element that
   * equals the maximum gets the gradient.
   */
  function gradOfSeparateWindows(x: Handle, y: Handle, dy: Handle, kernel: Pair): Handle {
    const [, , rows, columns] = sizesOf(y);
    // Rows and columns that no window reaches.
    const used = sliceImage(p, x, [
      { axis: 2, start: 0, end: rows * kernel[0] },
      { axis: 3, start: 0, end: columns * kernel[1] },
    ]);
    if (p.target.manyCores) {
      // [n, c, rows, kh, columns, kw]: y and dy broadcast instead of being laid out.
      const [n, c] = sizesOf(x);
      const windows = p.reshape(used, [n, c, rows, kernel[0], columns, kernel[1]]);
      const each = (t: Handle): Handle => p.reshape(t, [n, c, rows, 1, columns, 1]);
      const hits = p.cast(p.binary("Equal", windows, each(y), "bool"), dy.dtype);
      return growTo(p.reshape(p.mul(hits, each(dy)), used.shape), sizesOf(x));
    }
    const spread = (
      image: Handle,
      upsample: (t: Handle, scale: Pair) => Handle,
      ys: Handle,
      dys: Handle,
    ) =>
      p.mul(
        p.cast(p.binary("Equal", image, upsample(ys, kernel), "bool"), dys.dtype),
        upsample(dys, kernel),
      );
    const [ut, yt, dt] = [used, y, dy].map((t) => twinOf(p, t)) as [Twin, Twin, Twin];
    const dx =
      ut !== null && yt !== null && dt !== null
        ? fromBlocked(
            p,
            spread(ut, (t, scale) => blockedUpsample(p, t, scale), yt, dt),
          )
        : spread(used, p.upsample, y, dy);
    return growTo(dx, sizesOf(x));
  }

  /**
   * Without indices: a convolution with filters of a single one each lays the taps of every window side by side;
   * its adjoint brings their shares of dy back. Zeros of the padding that equal the maximum get a share
   * that falls outside the image. Every element that equals the maximum gets the gradient.
   */
  function gradByTaps(x: Handle, y: Handle, dy: Handle, options: PoolOptions): Handle {
    const { kernel, strides, pads } = options;
    const [n, c, h, w] = sizesOf(x);
    const [, , rows, columns] = sizesOf(y);
    const taps = kernel[0] * kernel[1];
    const single = Array.from({ length: taps * taps }, (_, i) =>
      Math.floor(i / taps) === i % taps ? 1 : 0,
    );
    const filter = p.constant(x.dtype, [taps, 1, ...kernel], single);
    const geometry = { strides, pads, dilations: [1, 1], groups: 1 } as const;
    const spread = p.conv(p.reshape(x, [n * c, 1, h, w]), filter, null, geometry);
    const plane = [n * c, 1, rows, columns];
    const hits = p.cast(p.binary("Equal", spread, p.reshape(y, plane), "bool"), dy.dtype);
    const shares = p.mul(hits, p.reshape(dy, plane));
    return p.reshape(p.convTranspose(shares, filter, geometry, [h, w]), x.shape);
  }

  /** Measured for 3×3 windows at stride 2: 9.3 ms, against 10.6 (parity compares) and 59 (shifts). */
  function gradOfOverlappingWindows(x: Handle, dy: Handle, options: PoolOptions): Handle {
    const shape = pooledShape(x, options);
    const [, indices] = p.graph.node("MaxPool", [x], window(options), [
      { dtype: x.dtype, shape },
      { dtype: "i64", shape },
    ]) as readonly [Handle, Handle];
    const flat = p.node(
      "ScatterElements",
      [
        p.constant("f32", [sizeOf(x.shape)], 0),
        p.reshape(indices, [sizeOf(shape)]),
        p.reshape(p.cast(dy, "f32"), [sizeOf(shape)]),
      ],
      [sizeOf(x.shape)],
      { axis: 0, reduction: "add" },
    );
    return p.cast(p.reshape(flat, x.shape), x.dtype);
  }

  return {
    maxPool2d(x, options) {
      const image = toNchw(p, x, options.layout);
      const twin = twinOf(p, image);
      if (twin !== null) {
        const y = blockedMaxPool(p, twin, pooledShape(image, options), window(options));
        return fromNchw(p, y, options.layout);
      }
      // Without Indices: MaxPool takes 4.5 to 7 times as long when it has to return them.
      const y = p.node("MaxPool", [image], pooledShape(image, options), window(options));
      return fromNchw(p, y, options.layout);
    },
    maxPool2dGrad(x, y, dy, options) {
      const [xc, yc, dyc] = [x, y, dy].map((t) => toNchw(p, t, options.layout)) as [
        Handle,
        Handle,
        Handle,
      ];
      const dx = sideBySide(options)
        ? gradOfSeparateWindows(xc, yc, dyc, options.kernel)
        : p.target.has.maxPoolIndices
          ? gradOfOverlappingWindows(xc, dyc, options)
          : gradByTaps(xc, yc, dyc, options);
      return fromNchw(p, dx, options.layout);
    },
    avgPool2d(x, options) {
      const image = toNchw(p, x, options.layout);
      const y = p.node("AveragePool", [image], pooledShape(image, options), {
        ...window(options),
        count_include_pad: options.countPadding ? 1 : 0,
      });
      return fromNchw(p, y, options.layout);
    },
    avgPool2dGrad(dy, options) {
      const { kernel, strides, pads, inputSize } = options;
      const image = toNchw(p, dy, options.layout);
      const [n, c, h, w] = sizesOf(image);
      const counts = p.constant("f32", [h, w], windowCounts(inputSize, [h, w], options));
      const shares = p.div(image, counts);
      if (sideBySide(options)) {
        return fromNchw(
          p,
          growTo(p.upsample(shares, kernel), [n, c, ...inputSize]),
          options.layout,
        );
      }
      const ones = p.constant("f32", [1, 1, ...kernel], 1);
      const geometry = { strides, pads, dilations: [1, 1] as const, groups: 1 };
      const planes = p.convTranspose(
        p.reshape(shares, [n * c, 1, h, w]),
        ones,
        geometry,
        inputSize,
      );
      return fromNchw(p, p.reshape(planes, [n, c, ...inputSize]), options.layout);
    },
    resizeNearest: (x, { scale, layout }) =>
      fromNchw(p, p.upsample(toNchw(p, x, layout), scale), layout),
  };
}
