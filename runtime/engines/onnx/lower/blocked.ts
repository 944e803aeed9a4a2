/**
 * @file Images in the layout that MLAS convolves fastest ("NCHWc": blocks of channels innermost).
 * ONNX Runtime keeps operators for it in the domain com.microsoft.nchwc; its own optimiser uses them
 * only for constant filters, which a training step has none of. Measured, the step of
 * models/cifar10-cnn at batch 64: 10.1 ms without, 8.4 ms with them (2 threads).
 *
 * A blocked tensor has the shape of the NCHW tensor it stands for. An NCHW handle whose producer is
 * a ReorderOutput has a blocked twin; lowerings that can work on twins do, and hand on a reordered
 * result. Reorders that nobody needs in the end are not part of the model.
 */
import type { Pair } from "../../../ops.js";
import { dim } from "../../geometry.js";
import type { Handle } from "../graph.js";
import { type ConvGeometry, type Primitives, type SliceAxis, windowedSize } from "../primitives.js";
import { sizesOf } from "./layout.js";

/** The blocked tensor that x was reordered from, if it was. */
export function twinOf(p: Primitives, x: Handle): Handle | null {
  const producer = p.graph.producer(x);
  if (producer?.op !== "ReorderOutput" || producer.attributes.channels_last === 1) return null;
  return p.graph.handle(producer.inputs[0] as string);
}

export const fromBlocked = (p: Primitives, x: Handle): Handle =>
  p.node("nchwc:ReorderOutput", [x], x.shape, { channels: dim(x.shape, 1) });

export const toBlocked = (p: Primitives, x: Handle): Handle =>
  twinOf(p, x) ?? p.node("nchwc:ReorderInput", [x], x.shape);

/** [n, h, w, c] of an NCHW tensor: straight from the blocks where there are any. */
export function channelsLast(p: Primitives, x: Handle): Handle {
  const twin = twinOf(p, x);
  if (twin === null) return p.transpose(x, [0, 2, 3, 1]);
  const [n, c, h, w] = sizesOf(x);
  return p.node("nchwc:ReorderOutput", [twin], [n, h, w, c], { channels: c, channels_last: 1 });
}

/** An elementwise computation of f32 tensors of one shape: on their twins if all have one. */
export function onTwins(
  p: Primitives,
  inputs: readonly Handle[],
  compute: (inputs: readonly Handle[]) => Handle,
): Handle {
  const twins = inputs.map((x) => twinOf(p, x));
  const shape = inputs[0]?.shape.join();
  const able = twins.every((twin) => twin !== null && twin.shape.join() === shape);
  return able ? fromBlocked(p, compute(twins as Handle[])) : compute(inputs);
}

/** A blocked tensor as plain rows of its planes: [n·c/block, h, w, block]. */
function blockPlanes(p: Primitives, x: Handle): Handle {
  const [n, c, h, w] = sizesOf(x);
  return p.reshape(x, [(n * c) / p.target.block, h, w, p.target.block]);
}

/** A slice along height and width, on the twin if x has one. */
export function sliceImage(p: Primitives, x: Handle, slices: readonly SliceAxis[]): Handle {
  const twin = slices.every(({ axis }) => axis === 2 || axis === 3) ? twinOf(p, x) : null;
  if (twin === null) return p.slice(x, slices);
  const part = p.slice(
    blockPlanes(p, twin),
    slices.map((s) => ({ ...s, axis: s.axis - 1 })),
  );
  const [n, c] = sizesOf(x);
  return fromBlocked(p, p.reshape(part, [n, c, dim(part.shape, 1), dim(part.shape, 2)]));
}

/** Zeros around height and width, on the twin if x has one. */
export function padImage(
  p: Primitives,
  x: Handle,
  before: readonly number[],
  after: readonly number[],
): Handle {
  const spatial = [0, 1].every((axis) => before[axis] === 0 && after[axis] === 0);
  const twin = spatial ? twinOf(p, x) : null;
  if (twin === null) return p.pad(x, before, after);
  const sides = (amounts: readonly number[]) => [0, dim(amounts, 2), dim(amounts, 3), 0];
  const padded = p.pad(blockPlanes(p, twin), sides(before), sides(after));
  const [n, c] = sizesOf(x);
  return fromBlocked(p, p.reshape(padded, [n, c, dim(padded.shape, 1), dim(padded.shape, 2)]));
}

/** Sums over images and pixels, [c], from the blocks; null where x has none. */
export function channelSums(p: Primitives, x: Handle): Handle | null {
  const twin = twinOf(p, x);
  if (twin === null) return null;
  const [n, c, h, w] = sizesOf(x);
  const overImages = p.reduce(
    "ReduceSum",
    p.reshape(twin, [n, c / p.target.block, h * w, p.target.block]),
    [0],
    false,
  );
  return p.reshape(p.reduce("ReduceSum", overImages, [1], false), [c]);
}

/** Output pixels of a batch below which rearranging the filter costs more than it gains. */
const fewestPixels = 1024;

/**
 * Whether a convolution with this filter is computed on blocks. Channels must fill whole blocks
 * (there is no check in ONNX Runtime), except those of a first layer, which are read as NCHW.
 * Measured, forward with all reorders: 3×3 1.7 → 1.3, 0.72 → 0.40, 7.9 → 6.6 ms; depthwise 1.5 to
 * 1.9 times as fast; 1×1 and stride 2 gain nothing.
 */
export function worthBlocking(
  p: Primitives,
  x: Handle,
  filter: readonly number[],
  geometry: ConvGeometry,
): boolean {
  if (p.target.block === 0) return false;
  const [n, c, h, w] = sizesOf(x);
  const [o, perGroup, kh, kw] = filter as readonly [number, number, number, number];
  const whole = (channels: number): boolean => channels % p.target.block === 0;
  const depthwise = geometry.groups === c && o === c && perGroup === 1;
  if (!whole(o) || !(whole(c) || c < p.target.block)) return false;
  if (geometry.groups !== 1 && !(depthwise && whole(c))) return false;
  const [height, width] = windowedSize([h, w], [kh, kw], geometry);
  const unit = geometry.strides[0] === 1 && geometry.strides[1] === 1;
  return kh * kw > 1 && unit && n * height * width >= fewestPixels;
}

/** A filter [o, i, kh, kw] in blocks: [o/b, i/b, kh·kw, b, b], or with all of its few inputs. */
function blockedFilter(p: Primitives, filter: Handle): Handle {
  const [o, i, kh, kw] = sizesOf(filter);
  const b = p.target.block;
  const parts =
    i < b
      ? p.transpose(p.reshape(filter, [o / b, b, i, kh * kw]), [0, 2, 3, 1])
      : p.transpose(p.reshape(filter, [o / b, b, i / b, b, kh * kw]), [0, 2, 4, 3, 1]);
  return p.reshape(parts, filter.shape);
}

/** The filter that computes the input gradient: inputs for outputs, taps in reverse; in blocks. */
function turnedFilter(p: Primitives, filter: Handle, depthwise: boolean): Handle {
  const [o, i, kh, kw] = sizesOf(filter);
  const b = p.target.block;
  const taps = kh * kw;
  const parts = depthwise
    ? p.transpose(p.reshape(filter, [o / b, b, taps]), [0, 2, 1])
    : p.transpose(p.reshape(filter, [o / b, b, i / b, b, taps]), [2, 0, 4, 1, 3]);
  // Whole blocks change places, which is a copy of long rows.
  const order = p.ints(Array.from({ length: taps }, (_, tap) => taps - 1 - tap));
  const turned = p.node("Gather", [parts, order], parts.shape, { axis: depthwise ? 1 : 2 });
  return p.reshape(turned, depthwise ? filter.shape : [i, o, kh, kw]);
}

function convolve(
  p: Primitives,
  x: Handle,
  filter: Handle,
  bias: Handle | null,
  g: ConvGeometry,
  relu: boolean,
): Handle {
  const [n, , h, w] = sizesOf(x);
  const [o, , kh, kw] = sizesOf(filter);
  const y = p.node(
    "nchwc:Conv",
    bias === null ? [x, filter] : [x, filter, bias],
    [n, o, ...windowedSize([h, w], [kh, kw], g)],
    {
      kernel_shape: [kh, kw],
      strides: g.strides,
      pads: g.pads,
      dilations: g.dilations,
      group: g.groups,
      ...(relu ? { activation: "Relu" } : {}),
    },
  );
  return fromBlocked(p, y);
}

/** conv2d of NCHW tensors, for shapes that `worthBlocking` admits. */
export function blockedConv(
  p: Primitives,
  x: Handle,
  filter: Handle,
  bias: Handle | null,
  geometry: ConvGeometry,
  relu: boolean,
): Handle {
  const image = dim(x.shape, 1) < p.target.block ? x : toBlocked(p, x);
  return convolve(p, image, blockedFilter(p, filter), bias, geometry, relu);
}

/** The input gradient as a convolution of dy on blocks; `geometry` is that convolution's. */
export function blockedInputGrad(
  p: Primitives,
  dy: Handle,
  filter: Handle,
  geometry: ConvGeometry,
): Handle {
  const turned = turnedFilter(p, filter, geometry.groups > 1);
  return convolve(p, toBlocked(p, dy), turned, null, geometry, false);
}

/** Max pooling of a blocked tensor. */
export function blockedMaxPool(
  p: Primitives,
  twin: Handle,
  shape: readonly number[],
  window: { kernel_shape: Pair; strides: Pair; pads: readonly number[] },
): Handle {
  return fromBlocked(p, p.node("nchwc:MaxPool", [twin], shape, window));
}

/** Repeats the pixels of a blocked tensor. */
export function blockedUpsample(p: Primitives, twin: Handle, [sh, sw]: Pair): Handle {
  if (sh === 1 && sw === 1) return twin;
  const [n, c, h, w] = sizesOf(twin);
  return p.node("nchwc:Upsample", [twin], [n, c, h * sh, w * sw], {
    scales: [1, 1, sh, sw],
    mode: "nearest",
    coordinate_transformation_mode: "asymmetric",
  });
}
