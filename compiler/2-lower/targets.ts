/** @file What a loss compares an output with. */
import type { FeatureSpec, FittedFacts } from "@dlc/runtime";
import type { GraphBuilder } from "../ir/builder.js";
import type { Value } from "../ir/types.js";
import { classesOf, encode, rawInput } from "./features.js";

export type Target =
  | {
      readonly kind: "category";
      readonly name: string;
      readonly classes: readonly string[];
      /** i32 [n]. */
      readonly indices: Value;
    }
  /** Numbers: a number, vector or image, scaled as the spec says. */
  | {
      readonly kind: "values";
      readonly name: string;
      readonly spec: FeatureSpec;
      readonly value: Value;
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
  return { kind: "values", name, spec, value: encode(b, name, spec, facts) };
}
