/** @file How features are encoded in the graph. */
import type { FeatureSpec, FittedFacts } from "@dlc/runtime";
import { it } from "vitest";
import { expectClose, lowered, run, tensor } from "../../support/lowering.js";
import { category, type Features, image, numeric, specOf, vector } from "../../support/spec.js";

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
