/** @file Lengths that only the data tell become part of the spec. */
import { expect, it } from "vitest";
import { settleLengths } from "../../compiler/settle-lengths.js";
import { resolveText, specWith } from "../support/load.js";

const specOf = (features: string) =>
  resolveText(
    specWith({
      data: `data:\n  source: arrays\n  features: { ${features} }\n`,
      train: "",
    }),
  );

it("puts the fitted length in the place of the default, without the end in max_length", () => {
  const spec = specOf("verse: { type: text, end: true }, beats: sequence");
  const settled = settleLengths(spec, { verse: { length: 9 }, beats: { length: 4 } });
  expect(settled.data?.features.verse).toMatchObject({ length: 9 });
  expect(settled.data?.features.beats).toMatchObject({ length: 4 });
  const lengthOf = (name: string): unknown =>
    settled.origins.find(({ path }) => path === `data.features.${name}.max_length`)?.value;
  expect([lengthOf("verse"), lengthOf("beats")]).toEqual([8, 4]);
});

it("leaves a spec alone that asks for nothing", () => {
  const spec = specOf("verse: { type: text, max_length: 5 }, x: number");
  expect(settleLengths(spec, { verse: { vocabulary: [] } })).toBe(spec);
});
