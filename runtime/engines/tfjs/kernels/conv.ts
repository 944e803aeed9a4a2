/** @file Convolutions: forward, and by groups. The gradients have files of their own. */
import type { ConvOptions, Ops } from "../../../ops.js";
import type { ConvOp } from "../../op-families.js";
import type { Backend } from "../backend.js";
import type { Tensor, Value } from "../value.js";
import { filterGradient } from "./conv-filter-grad.js";
import { depthwiseInputGradient, inputGradient } from "./conv-input-grad.js";
import { correlate, depthwiseFilter } from "./correlate.js";
import { activate } from "./elementwise.js";
import { fromNhwc, toNhwc } from "./layout.js";

/** Computes each group by itself: `parts` are split along the given axis; results join as channels. */
function inGroups(
  { tf }: Backend,
  groups: number,
  parts: readonly (readonly [tensor: Tensor, axis: number])[],
  compute: (...tensors: Tensor[]) => Tensor,
  axis: number,
): Tensor {
  if (groups === 1) return compute(...parts.map(([tensor]) => tensor));
  const split = parts.map(([tensor, at]) => tf.split(tensor, groups, at));
  const results = Array.from({ length: groups }, (_, g) =>
    compute(...split.map((tensors) => tensors[g] as Tensor)),
  );
  return tf.concat(results, axis);
}

const isDepthwise = (groups: number, perGroup: number): boolean => groups > 1 && perGroup === 1;

export function convOps(b: Backend): Pick<Ops<Value>, ConvOp> {
  const { tf } = b;

  function forward(x: Tensor, filter: Tensor, options: ConvOptions): Tensor {
    const { groups } = options;
    if (isDepthwise(groups, filter.shape[1] as number)) {
      const weights = depthwiseFilter(b, filter, groups);
      return correlate(b, "DepthwiseConv2dNative", x, weights, options);
    }
    return inGroups(
      b,
      groups,
      [
        [x, 3],
        [filter, 0],
      ],
      (image, weights) =>
        correlate(b, "Conv2D", image, tf.transpose(weights, [2, 3, 1, 0]), options),
      3,
    );
  }

  return {
    conv2d(x, filter, options) {
      const { layout, bias, activation } = options;
      const y = forward(toNhwc(x, layout), filter.plain(), options);
      const biased = bias === undefined ? y : tf.add(y, bias.plain());
      return fromNhwc(b, activate(tf, biased, activation), layout);
    },

    conv2dInputGrad(dyValue, filterValue, options) {
      const { layout, groups, inputSize } = options;
      const [dy, filter] = [toNhwc(dyValue, layout), filterValue.plain()];
      const dx = isDepthwise(groups, filter.shape[1] as number)
        ? depthwiseInputGradient(b, dy, filter, options, inputSize, groups)
        : inGroups(
            b,
            groups,
            [
              [dy, 3],
              [filter, 0],
            ],
            (part, weights) => inputGradient(b, part, weights, options, inputSize),
            3,
          );
      return fromNhwc(b, dx, layout);
    },

    conv2dFilterGrad(xValue, dyValue, options) {
      const { layout, groups, kernelSize } = options;
      const [x, dy] = [toNhwc(xValue, layout), toNhwc(dyValue, layout)];
      const depthwise = isDepthwise(groups, (x.shape[3] as number) / groups);
      const gradient = filterGradient(b, kernelSize, options, depthwise);
      const dw = depthwise
        ? gradient(x, dy)
        : inGroups(
            b,
            groups,
            [
              [x, 3],
              [dy, 3],
            ],
            gradient,
            0,
          );
      return b.plain("f32", dw);
    },
  };
}
