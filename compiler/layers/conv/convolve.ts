/** @file The convolution that conv1d, conv2d, the depthwise ones and the shortcut are made of. */
import type { Pads, Pair } from "@dlc/runtime";
import type { Value } from "../../ir/types.js";
import { type ActivationName, activate } from "../activation/activations.js";
import type { LayerContext } from "../define-layer.js";
import type { InitializerValue, Padding } from "../fields.js";
import { initOf } from "../init.js";
import { checkWindow, imageSize, padsOf, type ShowPair, showImage } from "../shared.js";

export interface Convolution {
  readonly filters: number;
  readonly kernel: Pair;
  readonly stride: Pair;
  /** Or zeros on each side. */
  readonly padding: Padding | { readonly pads: Pads };
  readonly dilation: Pair;
  readonly groups: number;
  readonly kernel_initializer: InitializerValue;
  readonly l1: number;
  readonly l2: number;
  /** Default: as an image. */
  readonly show?: ShowPair;
}

type Context = Pick<LayerContext<Record<never, never>>, "b" | "weight" | "reject">;

/**
 * Convolves images `[n, h, w, c]` with a new weight `[filters, c / groups, height, width]`.
 * Rejects channels that the groups do not divide and kernels larger than the padded image.
 */
export function convolve(
  { b, weight, reject }: Context,
  x: Value,
  options: Convolution,
  name = "kernel",
): Value {
  const { filters, kernel, stride, dilation, groups, l1, l2 } = options;
  const { height, width, channels } = imageSize(x, reject);
  if (channels % groups !== 0) {
    reject(`cannot split ${channels} input channels into ${groups} equal groups`, "groups");
  }
  if (filters % groups !== 0) {
    reject(`cannot split ${filters} filters into ${groups} equal groups`, "groups");
  }
  const { padding } = options;
  const pads =
    typeof padding === "object" && "pads" in padding
      ? padding.pads
      : padsOf(padding, [height, width], kernel, stride, dilation);
  const { show = showImage } = options;
  const window = { what: "kernel", field: "kernel", kernel, dilation, show };
  checkWindow(window, [height, width], pads, reject);
  const perGroup = channels / groups;
  const field = kernel[0] * kernel[1];
  const init = initOf(options.kernel_initializer, perGroup * field, (filters / groups) * field);
  const filter = weight(name, [filters, perGroup, ...kernel], init, { decay: true, l1, l2 });
  return b.conv2d(x, filter, {
    strides: stride,
    pads,
    dilations: dilation,
    groups,
    layout: "NHWC",
    activation: "none",
  });
}

/** Adds a new bias along the channels, if wanted, and applies the activation. */
export function finish(
  { b, weight }: Context,
  x: Value,
  channels: number,
  fields: {
    readonly bias: boolean;
    readonly bias_initializer: InitializerValue;
    readonly activation: ActivationName;
  },
): Value {
  const biased = fields.bias
    ? b.add(x, weight("bias", [channels], initOf(fields.bias_initializer, channels, channels)))
    : x;
  return activate(b, fields.activation, biased);
}
