/**
 * @file Batch normalisation with fixed statistics is linear: it goes into the conv2d or matmul before
 * it. The filter is scaled by ops on the small tensors in front of the call; they run with every call
 * (weights are state, not constants), which costs far less than a pass over the activations.
 *
 *     k = scale / sqrt(variance + epsilon);  w' = w·k per output;  b' = offset + (b − mean)·k
 */
import { isStatic } from "../ir/shape.js";
import { shapeOf, type Value } from "../ir/types.js";
import { definePass, type Match, rule } from "./define-pass.js";
import { made, withOrigin } from "./match.js";

/** The shape in which one number per output scales a linear op's weights. */
function scaleShape(linear: Value, outputs: number): readonly number[] | null {
  const matmul = made(linear, "matmul");
  if (matmul === null) return [outputs, 1, 1, 1];
  // The weights of a matmul must be one matrix, else the outputs are not on one of its axes.
  if (shapeOf(matmul.inputs[1]).length !== 2) return null;
  return matmul.attrs.transposeB ? [outputs, 1] : [outputs];
}

function channelAxis(linear: Value): number {
  const conv = made(linear, "conv2d");
  if (conv === null) return shapeOf(linear).length - 1;
  return conv.attrs.layout === "NHWC" ? 3 : 1;
}

function foldInto({ b, inputs, attrs, uses }: Match<"batchNorm">): readonly Value[] | null {
  const [linear, scale, offset, mean, variance] = inputs;
  const found = made(linear, "conv2d") ?? made(linear, "matmul");
  if (found === null || found.attrs.activation !== "none" || uses(linear) !== 1) return null;
  const outputs = shapeOf(linear)[attrs.axis];
  if (attrs.axis !== channelAxis(linear) || outputs === undefined || !isStatic(outputs))
    return null;
  const shape = scaleShape(linear, outputs);
  if (shape === null) return null;
  const epsilon = b.constant({ dtype: "f32", shape: [], value: attrs.epsilon });
  const factor = b.mul(scale, b.rsqrt(b.add(variance, epsilon)));
  const [x, weights] = found.inputs;
  const { bias } = found.optional;
  const centred = bias === undefined ? b.neg(mean) : b.sub(bias, mean);
  const newWeights = b.mul(weights, b.reshape(factor, { shape }));
  const newBias = b.add(offset, b.mul(centred, factor));
  const { kind, attrs: options } = linear.node;
  return withOrigin(b, linear.node.origin, () =>
    b.apply(kind as "conv2d", [x, newWeights, newBias], options, ["bias"]),
  );
}

export const foldBatchNorm = definePass({
  name: "fold-batch-norm",
  why: "With fixed statistics a batch norm costs a pass over the activations for nothing.",
  rules: [
    rule("a batch norm goes into the linear op before it", "batchNorm", {
      rewrite: foldInto,
      before:
        "(x: f32[n,6,6,2], state w: f32[4,2,3,3], state s: f32[4], state o: f32[4], state m: f32[4])" +
        "v = square m; a = conv2d x w; b = batchNorm a s o m v epsilon=0.001 axis=3; return b",
      after:
        "(x: f32[n,6,6,2], state w: f32[4,2,3,3], state s: f32[4], state o: f32[4], state m: f32[4])" +
        "v = square m; e = constant dtype=f32 shape=[] value=0.001; p = add v e; q = rsqrt p;" +
        "k = mul s q; g = neg m; r = reshape k shape=[4,1,1,1]; u = mul w r; h = mul g k;" +
        "t = add o h; b = conv2d x u bias=t; return b",
    }),
  ],
});
