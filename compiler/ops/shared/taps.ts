/** @file Loops of convolution and pooling, for the reference meanings. */
import type { ConvOptions, Pair, PoolOptions } from "@dlc/runtime";
import type { ImageGeometry } from "./windows.js";

interface Covered {
  /** The window: its place in y. */
  readonly window: number;
  /** A place in the filter and in x that it covers. */
  readonly tap: number;
  readonly position: number;
}

/** Along one axis, every window with every position inside the image that it covers. */
function covered(
  axis: 0 | 1,
  x: ImageGeometry,
  y: ImageGeometry,
  kernel: Pair,
  { strides, pads }: { readonly strides: Pair; readonly pads: readonly number[] },
  dilation = 1,
): readonly Covered[] {
  const result: Covered[] = [];
  for (let window = 0; window < y.size[axis]; window++) {
    for (let tap = 0; tap < kernel[axis]; tap++) {
      const position = window * strides[axis] - (pads[axis] as number) + tap * dilation;
      if (position >= 0 && position < x.size[axis]) result.push({ window, tap, position });
    }
  }
  return result;
}

/** Visits every product of a convolution: positions in the image x, the filter and the image y. */
export function visitTaps(
  x: ImageGeometry,
  y: ImageGeometry,
  kernel: Pair,
  options: ConvOptions,
  visit: (x: number, filter: number, y: number) => void,
): void {
  const { groups, dilations } = options;
  const inputs = x.channels / groups;
  const outputs = y.channels / groups;
  const plane = kernel[0] * kernel[1];

  function visitChannels(atX: number, atFilter: number, atY: number): void {
    for (let o = 0; o < y.channels; o++) {
      const first = Math.floor(o / outputs) * inputs;
      const to = atY + o * y.stride.channel;
      const filter = atFilter + o * inputs * plane;
      for (let i = 0; i < inputs; i++) {
        visit(atX + (first + i) * x.stride.channel, filter + i * plane, to);
      }
    }
  }

  const columns = covered(1, x, y, kernel, options, dilations[1]);
  for (const row of covered(0, x, y, kernel, options, dilations[0])) {
    for (const column of columns) {
      const fromX = row.position * x.stride.height + column.position * x.stride.width;
      const fromY = row.window * y.stride.height + column.window * y.stride.width;
      const tap = row.tap * kernel[1] + column.tap;
      for (let n = 0; n < y.batch; n++) {
        visitChannels(fromX + n * x.stride.batch, tap, fromY + n * y.stride.batch);
      }
    }
  }
}

/** Visits every pooling window: the positions of its elements in x and of its result in y. */
export function visitWindows(
  x: ImageGeometry,
  y: ImageGeometry,
  options: PoolOptions,
  visit: (elements: readonly number[], y: number) => void,
): void {
  const rows = covered(0, x, y, options.kernel, options);
  const columns = covered(1, x, y, options.kernel, options);
  for (let oy = 0; oy < y.size[0]; oy++) {
    const own = rows.filter((row) => row.window === oy);
    for (let ox = 0; ox < y.size[1]; ox++) {
      const window = own.flatMap((row) =>
        columns
          .filter((column) => column.window === ox)
          .map((column) => row.position * x.stride.height + column.position * x.stride.width),
      );
      for (let plane = 0; plane < y.batch * y.channels; plane++) {
        const [n, c] = [Math.floor(plane / y.channels), plane % y.channels];
        const from = n * x.stride.batch + c * x.stride.channel;
        const to = n * y.stride.batch + c * y.stride.channel;
        const elements = window.map((offset) => from + offset);
        visit(elements, to + oy * y.stride.height + ox * y.stride.width);
      }
    }
  }
}
