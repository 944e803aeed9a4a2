/** @file Features and targets: the kinds of value a column can hold. */
import {
  choice,
  type Field,
  flag,
  integer,
  optional,
  positiveInteger,
} from "../../layers/fields.js";
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

const lengthField = (what: string) =>
  optional(
    integer(
      `The most ${what} that an example may have; default: those of the longest in the source.`,
      { minimum: 1, maximum: 100_000 },
    ),
  );

const textFields = {
  column,
  tokens: choice(
    "What a text is made of. char: characters (Unicode code points); word: words, numbers and punctuation; bpe: pieces of words, found by merging frequent byte pairs (no text is unknown).",
    ["char", "word", "bpe"],
    "word",
  ),
  max_length: lengthField("tokens"),
  vocabulary: integer(
    "The most different tokens, with 4 special ones; the rarest of the training split are left out.",
    { minimum: 5, maximum: 1_000_000 },
    8000,
  ),
  lowercase: flag("Read capital letters as small ones.", false),
  end: special<boolean | null>(
    { type: "boolean" },
    "Put the token <end> behind every text, as what is generated needs; default: true for targets, false for features.",
    null,
  ),
  truncate: flag("Cut longer texts; otherwise they are errors.", false),
  unknown: choice(
    "Tokens that the training split does not have: replace them by <unknown>, or take them for an error.",
    ["replace", "error"],
    "replace",
  ),
  words: special<Readonly<Record<string, string>> | null>(
    {
      type: "object",
      additionalProperties: { type: "string", minLength: 1, maxLength: 10_000 },
      minProperties: 1,
      examples: [{ "0": "zero", "1": "one" }],
    },
    "The text for each value of the column, which may hold labels: captions of classes. The caller of the package gives text.",
    null,
  ),
};

export const textShape = defineShape({
  name: "text",
  summary: "Text, as numbers of its characters, words or pieces of words, padded to one length.",
  primary: null,
  fields: textFields,
  example: "review: { type: text, tokens: word, max_length: 200, lowercase: true, truncate: true }",
});

export const sequenceShape = defineShape({
  name: "sequence",
  summary:
    "Numbers in time, with as many steps as each example has: lists, arrays, or text such as 1.5 2 3.",
  primary: null,
  fields: {
    column,
    max_length: lengthField("steps"),
    channels: positiveInteger("Numbers of each step.", 1),
    scale: choice(scaleText, scales, "none"),
    truncate: flag("Cut longer sequences; otherwise they are errors.", false),
  },
  example: "heartbeat: { type: sequence, max_length: 500, channels: 2, scale: standard }",
});

export const featureChoice: Choice = defineChoice("a kind of feature", [
  imageShape,
  numberShape,
  vectorShape,
  categoryShape,
  textShape,
  sequenceShape,
]);

export const targetChoice: Choice = defineChoice("a kind of target", [
  categoryTargetShape,
  numberShape,
  vectorShape,
  imageShape,
  textShape,
]);

/** The field that names the kind. */
export const typeField = (kinds: readonly string[]): Field<string> =>
  choice("What the column holds.", kinds);
