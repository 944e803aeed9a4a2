/** @file What a loss compares an output with. */
import type { FeatureSpec, FittedFacts } from "@dlc/runtime";
import type { GraphBuilder } from "../ir/builder.js";
import type { Value } from "../ir/types.js";
import { classesOf, encode, maskOf, rawInput, vocabularyOf } from "./features.js";

export type Target =
  | {
      readonly kind: "category";
      readonly name: string;
      readonly classes: readonly string[];
      /** i32 [n]. */
      readonly indices: Value;
    }
  /** The tokens of a text, or the ids that a layer gives. */
  | {
      readonly kind: "tokens";
      readonly name: string;
      /** null: a layer. */
      readonly spec: FeatureSpec | null;
      /** Tokens of the vocabulary, or different ids. */
      readonly count: number;
      /** i32 [n, …]. */
      readonly indices: Value;
      /** Bool [n, steps]; null: no padding. */
      readonly mask: Value | null;
    }
  /** Numbers: a number, vector, image or sequence, scaled as the spec says. */
  | {
      readonly kind: "values";
      readonly name: string;
      readonly spec: FeatureSpec;
      readonly value: Value;
      /** Of a sequence: bool [n, steps]. */
      readonly mask: Value | null;
    }
  /** The same number for every element. */
  | { readonly kind: "constant"; readonly value: number };

export function targetOf(
  b: GraphBuilder,
  name: string,
  spec: FeatureSpec,
  facts: FittedFacts,
): Target {
  if (spec.type === "category") {
    const classes = classesOf(name, spec, facts);
    return { kind: "category", name, classes, indices: rawInput(b, name, spec) };
  }
  const mask = maskOf(b, name, spec);
  if (spec.type === "text") {
    const count = vocabularyOf(name, facts).length;
    return { kind: "tokens", name, spec, count, indices: rawInput(b, name, spec), mask };
  }
  return { kind: "values", name, spec, value: encode(b, name, spec, facts), mask };
}
