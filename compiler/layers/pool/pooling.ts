/** @file What the pooling layers share: fields, checks, and pooling of sequences as images of height 1. */
import type { Pads, Pair } from "@dlc/runtime";
import { shapeOf, type Value } from "../../ir/types.js";
import type { Builder } from "../../ops/define-op.js";
import type { LayerContext } from "../define-layer.js";
import { optional, type Padding, padding, padding1d, pair, positiveInteger } from "../fields.js";
import { maskBehind, zeroed } from "../sequence/steps.js";
import {
  checkWindow,
  imageSize,
  padsOf,
  type ShowPair,
  sequenceSize,
  showImage,
  showSequence,
} from "../shared.js";

type Reject = (reason: string, field?: string) => never;

export const pool2dFields = {
  size: pair("Size of the window: one number or [height, width].", 1, [2, 2]),
  stride: optional(pair("Step of the window; by default its size.", 1)),
  padding: padding(
    "same: cover the whole image, with windows reaching over its border; valid: only whole windows; or a number of rows and columns on every side, or [height, width]. Padding never wins and never counts.",
  ),
};

export const pool1dFields = {
  size: positiveInteger("Length of the window.", 2),
  stride: optional(positiveInteger("Step of the window; by default its length.")),
  padding: padding1d(
    "same: cover the whole sequence; valid: only whole windows; or a number of elements on both sides. Padding never wins and never counts.",
  ),
};

/** Windows lie side by side unless the spec says otherwise. */
export const strideOf = <S>({ size, stride }: Pick<PoolFields<S>, "size" | "stride">): S =>
  stride ?? size;

interface Window {
  readonly kernel: Pair;
  readonly strides: Pair;
  readonly pads: Pads;
  readonly layout: "NHWC";
}
export type Pool = (b: Builder, x: Value, window: Window) => Value;

export const maxPool: Pool = (b, x, window) => b.maxPool2d(x, window);
export const avgPool: Pool = (b, x, window) => b.avgPool2d(x, { ...window, countPadding: false });
/** Padding counts as zeros. */
export const avgPoolWithPadding: Pool = (b, x, window) =>
  b.avgPool2d(x, { ...window, countPadding: true });

interface PoolFields<S> {
  readonly size: S;
  readonly stride: S | null;
  readonly padding: Padding;
}

export function poolImages(
  b: Builder,
  x: Value,
  { size, stride, padding }: PoolFields<Pair>,
  pool: Pool,
  reject: Reject,
  show: ShowPair = showImage,
): Value {
  const { height, width } = imageSize(x, reject);
  const strides = strideOf({ size, stride });
  const pads = padsOf(padding, [height, width], size, strides);
  const window = { what: "window", field: "size", kernel: size, dilation: [1, 1], show } as const;
  checkWindow(window, [height, width], pads, reject);
  if (Math.max(pads[0], pads[2]) >= size[0] || Math.max(pads[1], pads[3]) >= size[1]) {
    reject(`padding must be smaller than the window ${show(size)}`, "padding");
  }
  return pool(b, x, { kernel: size, strides, pads, layout: "NHWC" });
}

export const poolsAhead = ({ size, stride }: PoolFields<number>): boolean =>
  size > 1 || (stride ?? size) > 1;

type SequenceContext = Pick<
  LayerContext<typeof pool1dFields>,
  "b" | "x" | "fields" | "masks" | "setMask" | "reject"
>;

/** Pools sequences as images of height 1; `ofPadded` in its place where steps may be padding. */
export function poolSequences(
  { b, x, fields, masks, setMask, reject }: SequenceContext,
  pool: Pool,
  ofPadded: (pooled: (values: Value, pool: Pool) => Value, mask: Value) => Value,
): Value {
  const { size, stride, padding } = fields;
  const [mask = null] = masks;
  const pooled = (values: Value, by: Pool): Value => {
    const { length, channels } = sequenceSize(values, reject);
    const [batch = "n"] = shapeOf(values);
    const y = poolImages(
      b,
      b.reshape(values, { shape: [batch, 1, length, channels] }),
      { size: [1, size], stride: [1, strideOf({ size, stride })], padding },
      by,
      reject,
      showSequence,
    );
    const [, , outputs = 1] = shapeOf(y);
    return b.reshape(y, { shape: [batch, outputs, channels] });
  };
  if (mask === null) return pooled(x, pool);
  const y = ofPadded(pooled, mask);
  const window = { kernel: size, stride: strideOf({ size, stride }), dilation: 1, padding };
  const behind = maskBehind(b, mask, Number(shapeOf(y)[1]), window);
  setMask(behind);
  return zeroed(b, y, behind);
}
