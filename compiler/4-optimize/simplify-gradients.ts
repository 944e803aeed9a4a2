/** @file Cheaper forms of what gradient rules produce for common neighbours. */
import type { OpKind } from "@dlc/runtime";
import { sameShape } from "../ir/shape.js";
import { type Shape, shapeOf, typeOf, type Value } from "../ir/types.js";
import { definePass, type Match, rule } from "./define-pass.js";
import { axesOf, made, reshaped, sameValue } from "./match.js";

/** Does a reduction keep exactly the channels of an image? */
function keepsChannels(x: Value, axes: readonly number[], layout: "NHWC" | "NCHW"): boolean {
  const channel = layout === "NHWC" ? 3 : 1;
  return (
    axes.join() ===
    axesOf(shapeOf(x))
      .filter((axis) => axis !== channel)
      .join()
  );
}

/**
 * A reduction of a stretched tensor: reduces what is really there, and replaces the sum over
 * repetitions by a factor.
 */
function reduceStretched({ b, node, inputs: [x], attrs }: Match<"sum">): Value | null {
  const source = made(x, "broadcastTo")?.inputs[0];
  if (source === undefined || typeOf(x).dtype !== "f32") return null;
  const full = shapeOf(x);
  const padded: Shape = [
    ...new Array<number>(full.length - shapeOf(source).length).fill(1),
    ...shapeOf(source),
  ];
  const repeated = attrs.axes.filter((axis) => padded[axis] === 1 && full[axis] !== 1);
  if (repeated.length === 0) return null;
  const rest = attrs.axes.filter((axis) => !repeated.includes(axis));
  let value: Value | undefined = reshaped(b, source, padded);
  if (rest.length > 0) {
    [value] = b.apply(node.kind as OpKind, [value], { axes: rest, keepDims: true });
  }
  if (value === undefined) return null;
  const left = attrs.keepDims
    ? padded.map((dim, axis) => (rest.includes(axis) ? 1 : dim))
    : padded.filter((_, axis) => !attrs.axes.includes(axis));
  value = reshaped(b, value, left);
  if (node.kind === "sum") {
    value = b.mul(value, b.size({ shape: repeated.map((axis) => full[axis] as number) }));
  }
  const shape = shapeOf({ node, output: 0 });
  return sameShape(shapeOf(value), shape) ? value : b.broadcastTo(value, { shape });
}

/** The terms of a sum of sums, all of its shape; null where an operand is stretched. */
function termsOf(sum: Value): readonly Value[] | null {
  const add = made(sum, "add");
  if (add === null) return [sum];
  const terms: Value[] = [];
  for (const operand of [add.inputs[0], add.inputs[1]]) {
    const inner = sameShape(shapeOf(operand), shapeOf(sum)) ? termsOf(operand) : null;
    if (inner === null) return null;
    terms.push(...inner);
  }
  return terms;
}

/** Where along its only padded axis a padded value stands. */
function placeOf(value: Value): { axis: number; start: number; end: number; x: Value } | null {
  const pad = made(value, "pad");
  if (pad === null || pad.attrs.value !== 0) return null;
  const [x] = pad.inputs;
  const { before, after } = pad.attrs;
  const [axis, ...more] = axesOf(shapeOf(x)).filter((i) => before[i] !== 0 || after[i] !== 0);
  const size = axis === undefined ? undefined : shapeOf(x)[axis];
  if (axis === undefined || more.length > 0 || typeof size !== "number") return null;
  const start = before[axis] ?? 0;
  return { axis, start, end: start + size, x };
}

/** Padded values that fill their shape side by side: what slicing something to pieces leaves. */
function joinParts({ b, node }: Match<"add">): Value | null {
  const sum: Value = { node, output: 0 };
  const places = (termsOf(sum) ?? []).map(placeOf);
  const [first] = places;
  if (first === null || first === undefined) return null;
  const { axis } = first;
  const parts = places.flatMap((place) => (place?.axis === axis ? [place] : []));
  if (parts.length < places.length) return null;
  parts.sort((p, q) => p.start - q.start);
  const joined = parts.every(({ start }, i) => start === (parts[i - 1]?.end ?? 0));
  if (!joined || parts.at(-1)?.end !== shapeOf(sum)[axis]) return null;
  return b.concat(
    parts.map(({ x }) => x),
    { axis },
  );
}

export const simplifyGradients = definePass({
  name: "simplify-gradients",
  why: "Each gradient rule sees one op; two neighbours often have a cheaper joint gradient.",
  rules: [
    rule("gradients of the parts of a value are joined, not padded and added", "add", {
      rewrite: joinParts,
      before:
        "(x: f32[n,1], y: f32[n,2], z: f32[n,3])" +
        "a = pad x before=[0,3] after=[0,2] value=0; b = pad y before=[0,4] after=[0,0] value=0;" +
        "c = pad z before=[0,0] after=[0,3] value=0; d = add a b; e = add d c; return e",
      after: "(x: f32[n,1], y: f32[n,2], z: f32[n,3]) a = concat z x y axis=1; return a",
    }),
    // A window's gradient goes to where x = y, and there x > 0 exactly where y > 0: masking the
    // pooled gradient does the same on a quarter of the elements.
    rule("mask before unpooling", "reluGrad", {
      rewrite: ({ b, inputs: [dx, x] }) => {
        const unpooled = made(dx, "maxPool2dGrad");
        if (unpooled === null || !sameValue(unpooled.inputs[0], x)) return null;
        const [, y, dy] = unpooled.inputs;
        return b.maxPool2dGrad(x, y, b.reluGrad(dy, y), unpooled.attrs);
      },
      before:
        "(x: f32[n,4,4,2], dy: f32[n,2,2,2]) y = maxPool2d x kernel=[2,2] strides=[2,2];" +
        "a = maxPool2dGrad x y dy kernel=[2,2] strides=[2,2]; b = reluGrad a x; return b",
      after:
        "(x: f32[n,4,4,2], dy: f32[n,2,2,2]) y = maxPool2d x kernel=[2,2] strides=[2,2];" +
        "a = reluGrad dy y; b = maxPool2dGrad x y a kernel=[2,2] strides=[2,2]; return b",
    }),
    // Every window passes its gradient on once (or, as the contract allows, to each of several equal
    // maxima, which this then counts as one): the channel's total stays.
    rule("the sum over an unpooled image is the sum of what was unpooled", "sum", {
      rewrite: ({ b, inputs: [dx], attrs }) => {
        const unpooled = made(dx, "maxPool2dGrad");
        return unpooled && keepsChannels(dx, attrs.axes, unpooled.attrs.layout)
          ? b.sum(unpooled.inputs[2], attrs)
          : null;
      },
      before:
        "(x: f32[n,5,5,2], dy: f32[n,2,2,2]) y = maxPool2d x kernel=[2,2] strides=[2,2];" +
        "a = maxPool2dGrad x y dy kernel=[2,2] strides=[2,2]; b = sum a axes=[0,1,2]; return b",
      after: "(dy: f32[n,2,2,2]) b = sum dy axes=[0,1,2]; return b",
    }),
    rule("the sum over a spread average is the sum of what was spread", "sum", {
      rewrite: ({ b, inputs: [dx], attrs }) => {
        const spread = made(dx, "avgPool2dGrad");
        if (spread === null || !keepsChannels(dx, attrs.axes, spread.attrs.layout)) return null;
        // Shares that fall on counted padding are lost.
        const lost = spread.attrs.countPadding && [...spread.attrs.pads].some((size) => size > 0);
        return lost ? null : b.sum(spread.inputs[0], attrs);
      },
      before:
        "(dy: f32[n,2,2,2]) a = avgPool2dGrad dy kernel=[2,2] strides=[2,2] inputSize=[4,4];" +
        "b = sum a axes=[0,1,2]; return b",
      after: "(dy: f32[n,2,2,2]) b = sum dy axes=[0,1,2]; return b",
    }),
    rule("masking twice is masking once", "reluGrad", {
      rewrite: ({ inputs: [dy, y] }) => {
        const inner = made(dy, "reluGrad");
        return inner && sameValue(inner.inputs[1], y) ? dy : null;
      },
      before: "(dy: f32[n], y: f32[n]) a = reluGrad dy y; b = reluGrad a y; return b",
      after: "(dy: f32[n], y: f32[n]) a = reluGrad dy y; return a",
    }),
    rule("log softmax has a form of its own", "log", {
      rewrite: ({ b, inputs: [x] }) => {
        const softmax = made(x, "softmax");
        return softmax && b.logSoftmax(softmax.inputs[0], softmax.attrs);
      },
      before: "(x: f32[n,3]) a = softmax x axis=1; b = log a; return b",
      after: "(x: f32[n,3]) a = logSoftmax x axis=1; return a",
    }),
    rule("repeated elements are counted, not summed", ["sum", "mean", "max", "min"], {
      rewrite: (match) => reduceStretched(match as Match<"sum">),
      before:
        "(x: f32[n,1]) a = broadcastTo x shape=[n,5]; b = sum a axes=[1] keepDims=true; return b",
      after: "(x: f32[n,1]) c = size shape=[5]; b = mul x c; return b",
    }),
  ],
});
