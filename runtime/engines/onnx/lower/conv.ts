/** @file Convolutions: forward and towards the input. The filter gradient has its own file. */
import type { ConvOptions, Ops } from "../../../ops.js";
import { dim, reach } from "../../geometry.js";
import type { ConvOp } from "../../op-families.js";
import type { Handle } from "../graph.js";
import type { ConvGeometry, Primitives } from "../primitives.js";
import { blockedConv, blockedInputGrad, worthBlocking } from "./blocked.js";
import { filterGradient } from "./conv-filter-grad.js";
import { fromNchw, sizesOf, toNchw } from "./layout.js";

type Shape = readonly number[];

/**
 * The same filter with rows and columns in reverse, per pair of channels.
 * Measured for 256×256×3×3: a product with a 9×9 permutation 1.00 ms, Slice with negative steps
 * 1.70 ms. A filter that is not finite spreads over its own taps; training stops then anyway.
 */
function flipped(p: Primitives, filter: Handle): Handle {
  const [o, c, kh, kw] = sizesOf(filter);
  const taps = kh * kw;
  if (taps === 1) return filter;
  if (p.target.manyCores) {
    const reversed = Array.from({ length: taps }, (_, tap) => taps - 1 - tap);
    return p.reshape(p.rows(p.reshape(filter, [o * c, taps]), 1, reversed), [o, c, kh, kw]);
  }
  const permutation = Array.from({ length: taps * taps }, (_, i) =>
    (i % taps) + Math.floor(i / taps) === taps - 1 ? 1 : 0,
  );
  const matrix = p.constant(filter.dtype, [taps, taps], permutation);
  return p.reshape(p.matmul(p.reshape(filter, [o * c, taps]), matrix), [o, c, kh, kw]);
}

/** The ways to compute the gradient towards a convolution's input. */
export type InputGradVariant = "conv" | "depthwise" | "convTranspose" | "blocked";

/** The convolution of dy that gives the input gradient where the stride is 1. */
function gradientGeometry(filter: Shape, { pads, dilations, groups }: ConvGeometry): ConvGeometry {
  const h = reach(dim(filter, 2), dilations[0]) - 1;
  const w = reach(dim(filter, 3), dilations[1]) - 1;
  return {
    strides: [1, 1],
    pads: [h - pads[0], w - pads[1], h - pads[2], w - pads[3]],
    dilations,
    groups,
  };
}

/**
 * Which way is fastest, as measured (2 threads, ms): 3×3 same padding 64→64 at 32×32, Conv with the
 * flipped filter 8.0 against ConvTranspose 12.0; valid padding on small planes 3.2 against 2.4 and
 * 1.4 against 0.76; 1×1 1.7 against 2.1; depthwise 2.6 against 7.5; any stride 2: ConvTranspose,
 * by 1.6 to 7 times over zero insertion and sub-pixel forms.
 */
export function chooseInputGrad(
  p: Primitives,
  dy: Handle,
  filter: Shape,
  geometry: ConvGeometry,
): InputGradVariant {
  const { strides, pads, dilations, groups } = geometry;
  const spans = [reach(dim(filter, 2), dilations[0]), reach(dim(filter, 3), dilations[1])] as const;
  const unit = strides[0] === 1 && strides[1] === 1;
  // Conv would need negative padding where the forward pass padded more than its window reaches.
  const fits = pads.every((n, i) => n < spans[(i % 2) as 0 | 1]);
  if (!unit || !fits) return "convTranspose";
  const [o, c] = [dim(filter, 0), dim(filter, 1)];
  const turned = groups > 1 ? filter : [c, o, ...filter.slice(2)];
  const wide = dim(dy.shape, 1) >= p.target.block;
  if (wide && worthBlocking(p, dy, turned, gradientGeometry(filter, geometry))) return "blocked";
  // Many cores: Conv is computed in tiles, ConvTranspose element by element.
  if (p.target.manyCores && groups === 1) return "conv";
  if (groups > 1) {
    const depthwise = c === 1 && o === groups;
    return depthwise ? "depthwise" : "convTranspose";
  }
  const grows = pads[0] + pads[2] < spans[0] - 1 || pads[1] + pads[3] < spans[1] - 1;
  return grows ? "convTranspose" : "conv";
}

/** The gradient towards an NCHW input of `inputSize`, computed the given way. */
export function inputGradient(
  p: Primitives,
  variant: InputGradVariant,
  dy: Handle,
  filter: Handle,
  geometry: ConvGeometry,
  inputSize: readonly [number, number],
): Handle {
  if (variant === "convTranspose") return p.convTranspose(dy, filter, geometry, inputSize);
  const towards = gradientGeometry(filter.shape, geometry);
  if (variant === "blocked") return blockedInputGrad(p, dy, filter, towards);
  const turned = flipped(p, filter);
  const weights = variant === "depthwise" ? turned : p.transpose(turned, [1, 0, 2, 3]);
  return p.conv(dy, weights, null, towards);
}

const geometryOf = ({ strides, pads, dilations, groups }: ConvOptions): ConvGeometry => ({
  strides,
  pads,
  dilations,
  groups,
});

export function convOps(p: Primitives): Pick<Ops<Handle>, ConvOp> {
  return {
    conv2d(x, filter, options) {
      const image = toNchw(p, x, options.layout);
      const geometry = geometryOf(options);
      const { bias = null, activation } = options;
      if (worthBlocking(p, image, filter.shape, geometry)) {
        const relu = activation === "relu";
        const y = blockedConv(p, image, filter, bias, geometry, relu);
        return fromNchw(p, relu ? y : p.activate(y, activation), options.layout);
      }
      // ONNX Runtime fuses the Relu into the Conv by itself (level "extended").
      const y = p.activate(p.conv(image, filter, bias, geometry), activation);
      return fromNchw(p, y, options.layout);
    },
    conv2dInputGrad(dy, filter, options) {
      const geometry = geometryOf(options);
      const dyNchw = toNchw(p, dy, options.layout);
      const variant = chooseInputGrad(p, dyNchw, filter.shape, geometry);
      const dx = inputGradient(p, variant, dyNchw, filter, geometry, options.inputSize);
      return fromNchw(p, dx, options.layout);
    },
    conv2dFilterGrad: (x, dy, options) =>
      filterGradient(
        p,
        toNchw(p, x, options.layout),
        toNchw(p, dy, options.layout),
        options.kernelSize,
        geometryOf(options),
      ),
  };
}
