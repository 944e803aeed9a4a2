/** @file How features are encoded in the graph. */
import type { FeatureSpec, FittedFacts } from "@dlc/runtime";
import { describe, expect, it } from "vitest";
import { idsOf, maskOf } from "../../../compiler/2-lower/features.js";
import { createBuilder } from "../../../compiler/ir/builder.js";
import { evaluateGraph } from "../../../compiler/ir/evaluate.js";
import { expectClose, lowered, run, tensor } from "../../support/lowering.js";
import {
  category,
  type Features,
  image,
  numeric,
  specOf,
  text,
  vector,
} from "../../support/spec.js";

function encoded(
  features: Features,
  raw: Record<string, { shape: number[]; data: number[]; dtype?: "u8" | "i32" }>,
  facts: FittedFacts = {},
) {
  const { infer, heads } = lowered(specOf({ features, layers: "- linear" }), facts);
  const inputs = Object.fromEntries(
    Object.entries(raw).map(([name, { shape, data, dtype }]) => [name, tensor(shape, data, dtype)]),
  );
  return run(infer, inputs, 2)[heads[0]?.name ?? ""];
}

const photo = { shape: [2, 1, 1, 2], data: [0, 51, 255, 102], dtype: "u8" } as const;
const withScale = (scale: "none" | "standard" | "minmax"): Features => ({
  x: { ...image(1, 1, 2), scale } as FeatureSpec,
});

it("images become numbers from 0 to 1, or stay as stored", () => {
  expectClose(encoded({ x: image(1, 1, 2) }, { x: { ...photo } as never }), [0, 0.2, 1, 0.4]);
  expectClose(encoded(withScale("none"), { x: { ...photo } as never }), [0, 51, 255, 102]);
});

it("facts scale per element of the last axes, or all alike", () => {
  const perChannel = { x: { mean: [50, 1], deviation: [10, 2] } };
  const standard = encoded(withScale("standard"), { x: { ...photo } as never }, perChannel);
  expectClose(standard, [-5, 25, 20.5, 50.5]);
  const alike = { x: { min: [0], max: [102] } };
  const minmax = encoded(withScale("minmax"), { x: { ...photo } as never }, alike);
  expectClose(minmax, [0, 0.5, 2.5, 1]);
});

it("a column without spread is only shifted", () => {
  const features: Features = { x: numeric("standard") };
  const raw = { x: { shape: [2, 1], data: [4, 5] } };
  expectClose(encoded(features, raw, { x: { mean: [4], deviation: [0] } }), [0, 1]);
});

it("categories become one-hot, with classes of the spec or of the data", () => {
  const raw = { x: { shape: [2], data: [2, 0], dtype: "i32" as const } };
  const wanted = [0, 0, 1, 1, 0, 0];
  expectClose(encoded({ x: category(["a", "b", "c"]) }, raw), wanted);
  const facts = { x: { classes: ["p", "q", "r"] } };
  expectClose(encoded({ x: category(null) }, raw, facts), wanted);
});

it("several features stand side by side in their order", () => {
  const features: Features = { a: vector(2), b: category(["p", "q"]), c: numeric() };
  const raw = {
    a: { shape: [2, 2], data: [1, 2, 3, 4] },
    b: { shape: [2], data: [1, 0], dtype: "i32" as const },
    c: { shape: [2, 1], data: [7, 8] },
  };
  expectClose(encoded(features, raw), [1, 2, 0, 1, 7, 3, 4, 1, 0, 8]);
});

const series = (scale: "none" | "standard" | "minmax"): Features => ({
  x: { type: "sequence", column: "x", length: 3, channels: 2, scale, truncate: false },
});
/** Two steps, and one. */
const steps = {
  shape: [2, 3, 3],
  data: [1, 20, 1, 3, 40, 1, 0, 0, 0, 5, 60, 1, 0, 0, 0, 0, 0, 0],
};

it("sequences are scaled per channel, and their padding stays zero", () => {
  const plain = [1, 20, 3, 40, 0, 0, 5, 60, 0, 0, 0, 0];
  expectClose(encoded(series("none"), { x: steps }), plain);
  const facts = { x: { mean: [1, 10], deviation: [2, 10], min: [1, 20], max: [5, 60] } };
  const standard = [0, 1, 1, 3, 0, 0, 2, 5, 0, 0, 0, 0];
  expectClose(encoded(series("standard"), { x: steps }, facts), standard);
  const minmax = [0, 0, 0.5, 0.5, 0, 0, 1, 1, 0, 0, 0, 0];
  expectClose(encoded(series("minmax"), { x: steps }, facts), minmax);
});

describe("masks and ids", () => {
  const maskValues = (spec: FeatureSpec, raw: ReturnType<typeof tensor>): number[] | null => {
    const b = createBuilder();
    const mask = maskOf(b, "x", spec);
    if (mask === null) return null;
    const outputs = [{ role: "output" as const, name: "mask", value: mask }];
    return Array.from(evaluateGraph({ name: "test", outputs }, { x: raw }, 2).mask?.data ?? []);
  };
  it("of texts and sequences are true where an example has a step", () => {
    const ids = tensor([2, 3], [4, 1, 0, 3, 0, 0], "i32");
    expect(maskValues(text(3), ids)).toEqual([1, 1, 0, 1, 0, 0]);
    const raw = tensor(steps.shape, steps.data);
    expect(maskValues(series("none").x as FeatureSpec, raw)).toEqual([1, 1, 0, 1, 0, 0]);
  });

  it("are there for what has steps, and for classes and tokens", () => {
    const facts = { x: { vocabulary: ["<pad>", "<unknown>", "<start>", "<end>", "a"] } };
    expect(idsOf("x", text(3), facts)).toEqual({ count: 5, of: "x", isText: true });
    const index = category(["a", "b"], "index");
    expect(idsOf("x", index, {})).toEqual({ count: 2, of: "x", isText: false });
    for (const spec of [category(["a", "b"]), vector(2), series("none").x as FeatureSpec]) {
      expect(idsOf("x", spec, {})).toBeNull();
    }
    expect(maskValues(index, tensor([2], [0, 1], "i32"))).toBeNull();
    expect(maskValues(vector(2), tensor([2, 2], [0, 1, 0, 0]))).toBeNull();
  });
});
