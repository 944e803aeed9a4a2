/** @file `recurrent`: a loop over a sequence whose step is written as layers. */
import { choice, flag, sizeOrShape } from "../../layers/fields.js";
import { namePattern, nested, reference } from "./kinds.js";
import { defineShape, type EditorSchema } from "./shape.js";

const referenceSchema: EditorSchema = { $ref: "#/definitions/reference" };

export const stateShape = defineShape({
  name: "state",
  summary: "A value that goes from step to step.",
  primary: "size",
  fields: {
    size: { ...sizeOrShape("Its length or shape; it starts as zeros."), default: null },
    like: reference("A layer whose output's shape it has; it starts as zeros."),
    from: reference("A layer whose output it starts as."),
  },
});

const stateSchema = (): EditorSchema => ({
  anyOf: [
    { type: "integer", minimum: 1 },
    { type: "array", items: { type: "integer", minimum: 1 }, minItems: 1 },
    {
      type: "object",
      properties: {
        size: {
          anyOf: [
            { type: "integer", minimum: 1 },
            { type: "array", items: { type: "integer", minimum: 1 }, minItems: 1 },
          ],
          description: stateShape.fields.size.description,
          examples: [64],
        },
        like: {
          ...referenceSchema,
          description: stateShape.fields.like.description,
          examples: ["encoder"],
        },
        from: {
          ...referenceSchema,
          description: stateShape.fields.from.description,
          examples: ["encoder"],
        },
      },
      minProperties: 1,
      maxProperties: 1,
      additionalProperties: false,
    },
  ],
});

const byState = (items: EditorSchema): EditorSchema => ({
  type: "object",
  propertyNames: { pattern: namePattern },
  minProperties: 1,
  additionalProperties: items,
});

/** `recurrent: { over: words, states: {…}, cell: […], next: {…}, output: h }` */
export const recurrentShape = defineShape({
  name: "recurrent",
  summary:
    "Runs layers for every step of a sequence [n, steps, …]. In them 'x' is the step's part of the sequence, states go by their names, and layers from outside can be read as well. Weights are the same in all steps, and so is what dropout drops.",
  primary: null,
  fields: {
    over: reference("The sequence; default: the layer above, or 'from'."),
    states: nested(
      "Values that go from step to step, by name.",
      () => byState(stateSchema()),
      true,
    ),
    cell: nested("The layers of a step.", () => ({ $ref: "#/definitions/layers" }), true),
    next: nested(
      "Of each state, the layer whose output is its next value.",
      () => byState(referenceSchema),
      true,
    ),
    output: reference("The layer or state that the step puts out; default: the cell's last layer."),
    return: choice(
      "sequence: what all steps put out; last: what the last step does.",
      ["sequence", "last"],
      "sequence",
    ),
    reverse: flag("Starts with the last step; outputs keep their places in time.", false),
  },
  example: `recurrent:
  states: { h: 32 }
  cell:
    - concat: [x, h]
    - { dense: { units: 32, activation: tanh }, as: h_next }
  next: { h: h_next }`,
});
