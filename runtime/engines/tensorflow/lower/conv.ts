/** @file Convolutions and their gradients: TensorFlow's kernels, for NHWC images and HWIO filters. */
import type { ConvOptions, Ops, Pads, Pair } from "../../../ops.js";
import { dim, reach } from "../../geometry.js";
import type { ConvOp } from "../../op-families.js";
import type { Handle } from "../graph.js";
import type { Attribute } from "../graph-def.js";
import { filterLast, type Primitives } from "../primitives.js";
import { addBias } from "./linear.js";
import { inner, outer } from "./pool.js";

interface Geometry {
  readonly strides: Pair;
  readonly pads: Pads;
  readonly dilations: Pair;
}
type Shape4 = readonly [number, number, number, number];

/** One convolution without groups, or with one group per channel. */
function kernels(p: Primitives, geometry: Geometry, depthwise: boolean) {
  const { strides, pads, dilations } = geometry;
  const explicit = pads.some((n) => n !== 0);
  const [top, left, bottom, right] = pads;
  const attributes: Record<string, Attribute> = {
    strides: { ints: [1, ...strides, 1] },
    dilations: { ints: [1, ...dilations, 1] },
    padding: { string: explicit ? "EXPLICIT" : "VALID" },
    ...(explicit ? { explicit_paddings: { ints: [0, 0, top, bottom, left, right, 0, 0] } } : {}),
    data_format: { string: "NHWC" },
  };
  const name = depthwise ? "DepthwiseConv2dNative" : "Conv2D";
  return {
    forward(x: Handle, filter: Handle): Handle {
      const [n, h, w] = x.shape as Shape4;
      const size = [h, w].map((rows, i) => {
        const span = reach(dim(filter.shape, i), dilations[i as 0 | 1]);
        const padding = dim(pads, i) + dim(pads, i + 2);
        return Math.floor((rows + padding - span) / strides[i as 0 | 1]) + 1;
      });
      const [, , inChannels, last] = filter.shape as Shape4;
      const channels = depthwise ? inChannels * last : last;
      return p.typed(name, [x, filter], [n, ...size, channels], attributes);
    },
    towardsInput: (dy: Handle, filter: Handle, shape: Shape4): Handle =>
      p.node(
        `${name}BackpropInput`,
        [p.ints(shape), filter, dy],
        shape,
        { T: { type: dy.dtype }, ...attributes },
        dy.dtype,
      ),
    towardsFilter: (x: Handle, dy: Handle, shape: Shape4): Handle =>
      p.node(`${name}BackpropFilter`, [x, p.ints(shape), dy], shape, {
        T: { type: x.dtype },
        ...attributes,
      }),
  };
}

/**
 * Depthwise kernels on images that carry their padding: where TensorFlow's graph rewriter fuses a depthwise
 * convolution with its bias it forgets explicit paddings, and then ends the process.
 */
function depthwiseKernels(
  p: Primitives,
  { pads, ...geometry }: Geometry,
): ReturnType<typeof kernels> {
  const plain = kernels(p, { ...geometry, pads: [0, 0, 0, 0] }, true);
  const [top, left, bottom, right] = pads;
  const padded = (x: Handle): Handle => p.pad(x, [0, top, left, 0], [0, bottom, right, 0]);
  return {
    forward: (x, filter) => plain.forward(padded(x), filter),
    towardsInput(dy, filter, shape) {
      const [n, h, w, c] = shape;
      const whole = plain.towardsInput(dy, filter, [n, h + top + bottom, w + left + right, c]);
      return p.slice(whole, [0, top, left, 0], shape);
    },
    towardsFilter: (x, dy, shape) => plain.towardsFilter(padded(x), dy, shape),
  };
}

/** Puts `dilations − 1` zeros between the taps of a filter. */
function spread(p: Primitives, filter: Handle, [dh, dw]: Pair): Handle {
  const [kh, kw, i, o] = filter.shape as Shape4;
  const apart = p.pad(
    p.reshape(filter, [kh, 1, kw, 1, i, o]),
    [0, 0, 0, 0, 0, 0],
    [0, dh - 1, 0, dw - 1, 0, 0],
  );
  const whole = p.reshape(apart, [kh * dh, kw * dw, i, o]);
  return p.slice(whole, [0, 0, 0, 0], [reach(kh, dh), reach(kw, dw), i, o]);
}
/** The taps of a filter between zeros. */
function gathered(p: Primitives, filter: Handle, [kh, kw]: Pair, [dh, dw]: Pair): Handle {
  const [rows, columns, i, o] = filter.shape as Shape4;
  const whole = p.pad(filter, [0, 0, 0, 0], [kh * dh - rows, kw * dw - columns, 0, 0]);
  const apart = p.reshape(whole, [kh, dh, kw, dw, i, o]);
  return p.reshape(p.slice(apart, [0, 0, 0, 0, 0, 0], [kh, 1, kw, 1, i, o]), [kh, kw, i, o]);
}

/** How a convolution is computed on the device. */
type Plan = "whole" | "depthwise" | "groups";

/**
 * Applies `one` to two tensors whose last axis has the groups one after the other: to the whole, or to the parts
 * of each group, whose results are joined along that axis.
 */
function planned(
  p: Primitives,
  plan: Plan,
  groups: number,
  tensors: readonly [Handle, Handle],
  one: (x: Handle, y: Handle) => Handle,
): Handle {
  if (plan !== "groups") return one(...tensors);
  const part = (x: Handle, index: number): Handle => {
    const size = dim(x.shape, 3) / groups;
    return p.slice(x, [0, 0, 0, index * size], x.shape.toSpliced(3, 1, size));
  };
  const [x, y] = tensors;
  const results = Array.from({ length: groups }, (_, i) => one(part(x, i), part(y, i)));
  return p.concat(results, 3);
}

export function convOps(p: Primitives): Pick<Ops<Handle>, ConvOp> {
  const geometryOf = ({ strides, pads, dilations }: ConvOptions): Geometry => ({
    strides,
    pads,
    dilations,
  });
  /** Backwards the CPU's kernels know no dilations: their filters get zeros between the taps instead. */
  const dense = (geometry: Geometry): Geometry => ({ ...geometry, dilations: [1, 1] });
  const isDilated = ({ dilations }: Geometry): boolean => dilations[0] !== 1 || dilations[1] !== 1;

  /** `perGroup` is the number of input channels of a group. */
  function planOf(groups: number, perGroup: number, { strides }: Geometry): Plan {
    if (groups === 1) return "whole";
    // The depthwise kernels have one stride for both axes.
    if (perGroup === 1 && strides[0] === strides[1]) return "depthwise";
    return p.anyConv ? "whole" : "groups";
  }
  const runOf = (plan: Plan, geometry: Geometry) =>
    plan === "depthwise" ? depthwiseKernels(p, geometry) : kernels(p, geometry, false);
  /** `[kh, kw, 1, channels · multiplier]` as the depthwise kernels have it. */
  function perChannel(filter: Handle, groups: number): Handle {
    const [kh, kw, , o] = filter.shape as Shape4;
    return p.reshape(filter, [kh, kw, groups, o / groups]);
  }

  return {
    conv2d(x, filter, options) {
      const { layout, groups, bias, activation } = options;
      const image = inner(p, x, layout);
      const weights = p.as(filter, filterLast);
      const geometry = geometryOf(options);
      const plan = planOf(groups, dim(weights.shape, 2), geometry);
      const forward = (xs: Handle, ws: Handle): Handle => {
        if (plan !== "depthwise") return kernels(p, geometry, false).forward(xs, ws);
        const taps = perChannel(
          isDilated(geometry) ? spread(p, ws, geometry.dilations) : ws,
          groups,
        );
        return depthwiseKernels(p, dense(geometry)).forward(xs, taps);
      };
      const y = planned(p, plan, groups, [image, weights], forward);
      const biased = bias === undefined ? y : addBias(p, y, bias);
      return outer(p, p.activate(biased, activation), layout);
    },

    conv2dInputGrad(dy, filter, options) {
      const { layout, groups, inputSize } = options;
      const grad = inner(p, dy, layout);
      const weights = p.as(filter, filterLast);
      const geometry = geometryOf(options);
      const perGroup = dim(weights.shape, 2);
      const plan = planOf(groups, perGroup, geometry);
      const backward = (dys: Handle, ws: Handle): Handle => {
        const native = p.anyConv && plan === "whole";
        const taps = native || !isDilated(geometry) ? ws : spread(p, ws, geometry.dilations);
        const own = plan === "groups" ? 1 : groups;
        const shape = [dim(dys.shape, 0), ...inputSize, perGroup * own] as Shape4;
        const run = runOf(plan, native ? geometry : dense(geometry));
        const channels = plan === "depthwise" ? perChannel(taps, groups) : taps;
        return run.towardsInput(dys, channels, shape);
      };
      const dx = planned(p, plan, groups, [grad, weights], backward);
      return outer(p, dx, layout);
    },

    conv2dFilterGrad(x, dy, options) {
      const { layout, groups, kernelSize } = options;
      const image = inner(p, x, layout);
      const grad = inner(p, dy, layout);
      const geometry = geometryOf(options);
      const perGroup = dim(image.shape, 3) / groups;
      const plan = planOf(groups, perGroup, geometry);
      const backward = (xs: Handle, dys: Handle): Handle => {
        const native = p.anyConv && plan === "whole";
        const apart = !native && isDilated(geometry);
        const { dilations } = geometry;
        const size = kernelSize.map((taps, i) =>
          apart ? reach(taps, dilations[i as 0 | 1]) : taps,
        ) as unknown as Pair;
        const o = dim(dys.shape, 3);
        const run = runOf(plan, native ? geometry : dense(geometry));
        const shape: Shape4 =
          plan === "depthwise" ? [...size, groups, o / groups] : [...size, perGroup, o];
        const result = p.reshape(run.towardsFilter(xs, dys, shape), [...size, perGroup, o]);
        return apart ? gathered(p, result, kernelSize, dilations) : result;
      };
      const dw = planned(p, plan, groups, [image, grad], backward);
      return p.from(dw, filterLast);
    },
  };
}
