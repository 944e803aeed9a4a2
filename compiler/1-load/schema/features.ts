/** @file Features and targets: the kinds of value a column can hold. */
import { choice, type Field, flag } from "../../layers/fields.js";
import { special } from "./kinds.js";
import { type Choice, defineChoice, defineShape } from "./shape.js";

const column = special<string | null>(
  { type: "string", minLength: 1, maxLength: 1000 },
  "The column of the source; default: the feature's own name.",
  null,
);

const columnSchema = { type: "string", minLength: 1, maxLength: 200 } as const;

const scales = ["none", "unit", "standard", "minmax"] as const;
const scaleText =
  "unit: divided by 255; standard: mean 0 and deviation 1; minmax: 0 to 1. The last two are fitted on the training split.";

const classes = special<readonly string[] | null>(
  {
    anyOf: [
      {
        type: "array",
        items: { type: ["string", "integer", "boolean"], maxLength: 1000 },
        minItems: 2,
      },
      { type: "integer", minimum: 2, maximum: 100_000 },
    ],
  },
  "Names of the classes, in order, or how many there are (10: 0 to 9); default: those of the training split, sorted.",
  null,
  (value) =>
    typeof value === "number"
      ? Array.from({ length: value }, (_, i) => String(i))
      : (value as readonly unknown[]).map(String),
);

export const imageShape = defineShape({
  name: "image",
  summary: "Pictures: 8-bit values, channels last.",
  primary: null,
  fields: {
    column,
    shape: special<readonly [number, number, number]>(
      { type: "array", items: { type: "integer", minimum: 1 }, minItems: 3, maxItems: 3 },
      "Height, width and channels.",
      undefined,
    ),
    scale: choice(scaleText, scales, "unit"),
    resize: flag("Resize images of other sizes; otherwise they are errors.", false),
  },
  example: "image: { type: image, shape: [28, 28, 1], scale: unit }",
});

export const numberShape = defineShape({
  name: "number",
  summary: "One number.",
  primary: null,
  fields: { column, scale: choice(scaleText, scales, "none") },
  example: "age: { type: number, scale: standard }",
});

export interface ColumnRange {
  readonly from: string;
  readonly to: string;
}

export const vectorShape = defineShape({
  name: "vector",
  summary: "Several numbers: one column of arrays, or several columns in order.",
  primary: null,
  fields: {
    column,
    columns: special<readonly string[] | ColumnRange | null>(
      {
        anyOf: [
          {
            type: "array",
            items: { type: "string", minLength: 1, maxLength: 1000 },
            minItems: 1,
          },
          {
            type: "object",
            properties: {
              from: { ...columnSchema, description: "The first column.", examples: ["p0"] },
              to: { ...columnSchema, description: "The last column.", examples: ["p63"] },
            },
            required: ["from", "to"],
            additionalProperties: false,
          },
        ],
      },
      "The columns that make up the vector: a list, or { from: p0, to: p63 } for numbered ones.",
      null,
    ),
    shape: special<readonly number[] | null>(
      { type: "array", items: { type: "integer", minimum: 1 }, minItems: 1, maxItems: 8 },
      "Sizes of the axes; needed for one column of arrays, else the number of columns.",
      null,
    ),
    scale: choice(scaleText, scales, "none"),
  },
  example: "pixels: { type: vector, columns: { from: p0, to: p63 } }",
});

const categoryFields = { column, classes };

export const categoryShape = defineShape({
  name: "category",
  summary: "One of several classes.",
  primary: null,
  fields: {
    ...categoryFields,
    encode: choice(
      "How layers see it: as one_hot vector, or as index (for an embedding).",
      ["one_hot", "index"],
      "one_hot",
    ),
  },
  example: "digit: { type: category, classes: [a, b, c] }",
});

/** Losses read a target's class as it is: there is nothing to encode. */
const categoryTargetShape = defineShape({
  name: "category",
  summary: categoryShape.summary,
  primary: null,
  fields: categoryFields,
  example: "digit: { type: category, classes: [a, b, c] }",
});

export const featureChoice: Choice = defineChoice("a kind of feature", [
  imageShape,
  numberShape,
  vectorShape,
  categoryShape,
]);

export const targetChoice: Choice = defineChoice("a kind of target", [
  categoryTargetShape,
  numberShape,
  vectorShape,
  imageShape,
]);

/** The field that names the kind. */
export const typeField = (kinds: readonly string[]): Field<string> =>
  choice("What the column holds.", kinds);
