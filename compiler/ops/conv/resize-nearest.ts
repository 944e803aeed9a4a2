/** @file Enlargement of images by repeating pixels. */
import type { Layout, Pair } from "@dlc/runtime";
import { shapeOf } from "../../ir/types.js";
import { defineOp } from "../define-op.js";
import { allFloats, expectPositive } from "../shared/expect.js";
import { scale as times } from "../shared/gradients.js";
import { count } from "../shared/walk.js";
import { expectImage, imageAxes, imageGeometry, imageShape } from "../shared/windows.js";

const enlarged = (size: Pair, scale: Pair): Pair => [size[0] * scale[0], size[1] * scale[1]];

export const resizeNearest = defineOp({
  kind: "resizeNearest",
  summary: "Repeats every pixel along each spatial axis.",
  inputs: ["x"],
  infer: ([x], { scale, layout }) => {
    const { batch, channels, size } = expectImage(x, layout, 0, "the input", allFloats);
    expectPositive(scale, "scales");
    return [{ dtype: x.dtype, shape: imageShape(layout, batch, channels, enlarged(size, scale)) }];
  },
  // The sum of every block of repeated pixels: their mean, times their number.
  gradient: {
    backward: ({ b, attrs: { scale, layout }, grad }) => {
      const window = { kernel: scale, strides: scale, pads: [0, 0, 0, 0] } as const;
      const means = b.avgPool2d(grad, { ...window, layout, countPadding: true });
      return [times(b, means, scale[0] * scale[1])];
    },
  },
  // Every pixel gets an axis of repetitions in both directions.
  expand: (b, [x], { scale, layout }) => {
    const axes = imageAxes(layout);
    const apart = shapeOf(x).flatMap((dim, axis) =>
      axis === axes.height || axis === axes.width ? [dim, 1] : [dim],
    );
    const repeated = shapeOf(x).flatMap((dim, axis) => {
      if (axis === axes.height) return [dim, scale[0]];
      return axis === axes.width ? [dim, scale[1]] : [dim];
    });
    const size = enlarged([shapeOf(x)[axes.height], shapeOf(x)[axes.width]] as never, scale);
    const shape = shapeOf(x).with(axes.height, size[0]).with(axes.width, size[1]);
    const blocks = b.broadcastTo(b.reshape(x, { shape: apart }), { shape: repeated });
    return [b.reshape(blocks, { shape })];
  },
  evaluate: ([x], { scale, layout }) => {
    const from = imageGeometry(x.shape, layout);
    const size = enlarged(from.size, scale);
    const shape = imageShape(layout, from.batch, from.channels, size);
    const to = imageGeometry(shape, layout);
    const data = new Float64Array(count(shape)).map((_, o) => {
      const along = (axis: keyof typeof to.stride, length: number): number =>
        Math.floor(o / to.stride[axis]) % length;
      const source =
        along("batch", to.batch) * from.stride.batch +
        along("channel", to.channels) * from.stride.channel +
        Math.floor(along("height", size[0]) / scale[0]) * from.stride.height +
        Math.floor(along("width", size[1]) / scale[1]) * from.stride.width;
      return x.data[source] as number;
    });
    return [{ dtype: x.dtype, shape, data }];
  },
  samples: (["NHWC", "NCHW"] as const).flatMap((layout: Layout) =>
    (
      [
        [2, 2],
        [1, 3],
      ] as const
    ).map((scale) => ({
      inputs: [{ shape: imageShape(layout, "n", 2, [2, 3]) }],
      attrs: { scale, layout },
    })),
  ),
});
