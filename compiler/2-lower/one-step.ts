/** @file One step of a sequence: what is computed for every step by itself is computed for that one only. */
import { bug } from "../diagnostics/diagnostic.js";
import type { GraphBuilder } from "../ir/builder.js";
import { shapeOf, type Value } from "../ir/types.js";

/** Of one input, element by element. */
const unary: ReadonlySet<string> = new Set([
  ...["relu", "sigmoid", "tanh", "softplus", "erf", "neg", "exp", "log", "sqrt", "rsqrt", "square"],
  ...["reciprocal", "abs", "sign"],
]);
/** Of two, with broadcasting. */
const binary: ReadonlySet<string> = new Set(["add", "sub", "mul", "div", "maximum", "minimum"]);

/**
 * `[n, steps, size]` at a step (an i32 scalar): `[n, size]`. The scores of a decoder end with a product
 * as wide as the vocabulary, which is the dearest part of it and would be done for all steps in vain.
 */
export function stepOf(b: GraphBuilder, x: Value, position: Value): Value {
  const { kind, inputs, attrs, optional } = x.node;
  const [first = x, second = x] = inputs;
  if (kind === "concat" && attrs.axis === 2) {
    const steps = inputs.map((input) => stepOf(b, input, position));
    return only(b.apply("concat", steps, { ...attrs, axis: 1 }));
  }
  if (optional.length === 0 && isSequence(first) && shapeOf(first)[1] === shapeOf(x)[1]) {
    if (kind === "matmul" && shapeOf(second).length === 2 && !attrs.transposeA) {
      return only(b.apply("matmul", [stepOf(b, first, position), second], attrs));
    }
    if (unary.has(kind)) return only(b.apply(kind as "relu", [stepOf(b, first, position)], attrs));
    // A vector is the same at all steps; a scalar everywhere.
    if (binary.has(kind) && shapeOf(second).length < 2) {
      return only(b.apply(kind as "add", [stepOf(b, first, position), second], attrs));
    }
  }
  const [n = "n", , size = 1] = shapeOf(x);
  const index = b.reshape(position, { shape: [1] });
  return b.reshape(b.gather(x, index, { axis: 1 }), { shape: [n, size] });
}

const isSequence = (value: Value): boolean => {
  const [batch, ...rest] = shapeOf(value);
  return batch === "n" && rest.length === 2;
};

const only = ([value]: readonly Value[]): Value => value ?? bug("an op has a result");
