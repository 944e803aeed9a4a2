/** @file Heads: the model's outputs as predictions in the user's terms. */
import type { FittedFacts, HeadSpec } from "@dlc/runtime";
import { isStatic, sameShape } from "../ir/shape.js";
import { shapeOf, type Value } from "../ir/types.js";
import type { Builder } from "../ops/define-op.js";
import { decode } from "./features.js";
import type { Decoding } from "./losses.js";
import type { Target } from "./targets.js";

export interface Head {
  readonly spec: HeadSpec;
  readonly value: Value;
}

const decodings: Readonly<Record<Decoding, (b: Builder, x: Value) => Value>> = {
  softmax: (b, x) => b.softmax(x, { axis: shapeOf(x).length - 1 }),
  sigmoid: (b, x) => b.sigmoid(x),
  none: (_b, x) => x,
};

const isBinary = (output: Value, classes: readonly string[]): boolean =>
  classes.length === 2 && sameShape(shapeOf(output), ["n", 1]);

/** How an output would be read if a loss that suits its target had trained it. */
export function naturalDecoding(output: Value, target: Target | null): Decoding {
  if (target?.kind === "tokens") return "softmax";
  if (target?.kind !== "category") return "none";
  return isBinary(output, target.classes) ? "sigmoid" : "softmax";
}

/**
 * A prediction: probabilities of classes, or numbers in the units of the target (scaling undone).
 * `name` is the target's where there is one, else the output layer's.
 */
export function headOf(
  b: Builder,
  name: string,
  output: Value,
  decoding: Decoding,
  target: Target | null,
  facts: FittedFacts,
): Head {
  const predicted = decodings[decoding](b, output);
  const shape = shapeOf(output).slice(1).filter(isStatic);
  if (target === null || target.kind === "constant") {
    return { spec: { name, target: null, kind: "value", classes: null, shape }, value: predicted };
  }
  if (target.kind === "category") {
    const { classes } = target;
    const kind = isBinary(output, classes) ? "binary" : "category";
    return { spec: { name, target: target.name, kind, classes, shape }, value: predicted };
  }
  if (target.kind === "tokens") {
    const kind = "tokens";
    return { spec: { name, target: target.name, kind, classes: null, shape }, value: predicted };
  }
  return {
    spec: { name, target: target.name, kind: "value", classes: null, shape },
    value: decode(b, predicted, target.name, target.spec, facts),
  };
}
