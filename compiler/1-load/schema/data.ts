/** @file The `data` section. */
import type { FieldSchema } from "../../layers/fields.js";
import { nested } from "./kinds.js";
import { defineShape } from "./shape.js";

const source = { $ref: "#/definitions/source" };

export const dataShape = defineShape({
  name: "data",
  summary: "Where the rows come from, how they are split, and what their columns mean.",
  primary: null,
  fields: {
    source: nested("The rows to train on.", () => source, true),
    validation: nested("Rows for validation, where they are kept apart.", () => source),
    test: nested("Rows for the test, where they are kept apart.", () => source),
    split: nested("How much of the source is held back.", () => ({
      $ref: "#/definitions/split",
    })),
    features: nested(
      "What the model reads, by name.",
      () => ({ type: "object", additionalProperties: { $ref: "#/definitions/feature" } }),
      true,
    ),
    targets: nested("What the model predicts, by name.", () => ({
      type: "object",
      additionalProperties: { $ref: "#/definitions/target" },
    })),
  },
  example: `data:
  source: { csv: iris.csv }
  validation: { csv: iris-validation.csv }
  test: { csv: iris-test.csv }
  split: { validation: 0.1, test: 0.1 }
  features: { petal_length: { type: number, scale: standard } }
  targets: { species: { type: category } }`,
});

/** A count of rows, or a fraction. */
export const rowsSchema: FieldSchema = {
  anyOf: [
    { type: "integer", minimum: 0 },
    { type: "number", minimum: 0, exclusiveMaximum: 1 },
  ],
};
