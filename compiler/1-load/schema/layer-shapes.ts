/** @file Layers of the registry as shapes of the language, and the two forms that stand beside them. */

import type { AnyLayerDef } from "../../layers/define-layer.js";
import { positiveInteger } from "../../layers/fields.js";
import { layers } from "../../layers/index.js";
import { namePattern, nested, reference, special, text } from "./kinds.js";
import { defineShape, type EditorSchema, type Fields, type Shape } from "./shape.js";

export const inputsKey = "inputs";

const inputsSchema = (): EditorSchema => ({
  type: "array",
  items: { type: "string" },
  minItems: 2,
  description: "The layers or features to merge, in order.",
});

/** Inputs besides the first may stand among the settings: `state: h`. */
const roleFields = ({ roles = {} }: AnyLayerDef): Fields =>
  Object.fromEntries(Object.entries(roles).map(([name, text]) => [name, reference(text)]));

function shapeOf(layer: AnyLayerDef): Shape {
  const base = { name: layer.type, summary: layer.summary, example: layer.example };
  if (layer.inputs !== "many") {
    return { ...base, primary: layer.primary, fields: { ...layer.fields, ...roleFields(layer) } };
  }
  const inputs = nested("The layers or features to merge, in order.", inputsSchema);
  return { ...base, primary: inputsKey, fields: { [inputsKey]: inputs, ...layer.fields } };
}

export const layerShapes: ReadonlyMap<string, Shape> = new Map(
  [...layers.values()].map((layer) => [layer.type, shapeOf(layer)]),
);

const withSchema = (): EditorSchema => ({
  type: "object",
  description: "Values for the block's parameters; the others keep their defaults.",
  additionalProperties: { type: ["number", "string", "boolean"] },
});

/** `block: residual` or `block: { name: residual, with: {…} }`. */
export const blockUseShape = defineShape({
  name: "block",
  summary: "The layers of a block, once.",
  primary: "name",
  fields: {
    name: text("A name under 'blocks'."),
    with: nested("Values for the block's parameters.", withSchema),
  },
  example: "block: { name: residual, with: { filters: 64 } }",
});

/** `repeat: { block: residual, times: 3, with: {…} }`. */
export const repeatShape = defineShape({
  name: "repeat",
  summary: "The layers of a block several times in a row, each time with weights of its own.",
  primary: null,
  fields: {
    block: text("A name under 'blocks'."),
    times: positiveInteger("How many times.", 1),
    with: nested("Values for the block's parameters.", withSchema),
  },
  example: "repeat: { block: residual, times: 3, with: { filters: 64 } }",
});

/** `{ use: encoder, from: image, as: h }`. */
export const useShape = defineShape({
  name: "use",
  summary: "A network under 'networks': the same weights wherever it is used.",
  primary: "network",
  fields: { network: text("A name under 'networks'.") },
  example: "use: encoder",
});

export const networkShape = defineShape({
  name: "network",
  summary: "Layers with weights of their own that every use shares.",
  primary: null,
  fields: {
    description: special<string | null>({ type: "string" }, "What the network is for.", null),
    inputs: special<readonly string[]>(
      {
        type: "array",
        items: { type: "string", pattern: namePattern, maxLength: 64 },
        minItems: 1,
        maxItems: 64,
        examples: [["image", "label"]],
      },
      "Names of the inputs, for the network's layers to read from; the first layer reads the first.",
      ["input"],
    ),
    layers: nested(
      "The network's layers; its output is that of the last one. They read each other and the inputs, nothing else.",
      () => ({ $ref: "#/definitions/layers" }),
      true,
    ),
  },
  example: `network:
  description: From an image to the mean and the variance of its code.
  inputs: [image, label]
  layers: [flatten, { dense: { units: 256, activation: relu } }]`,
});

export const blockShape = defineShape({
  name: "block",
  summary: "Layers with parameters, to be used several times.",
  primary: null,
  fields: {
    description: special<string | null>({ type: "string" }, "What the block is for.", null),
    params: nested("Parameters with their defaults.", () => ({
      type: "object",
      additionalProperties: { type: ["number", "string", "boolean"] },
    })),
    layers: nested(
      "The block's layers; its output is that of the last one.",
      () => ({
        $ref: "#/definitions/layers",
      }),
      true,
    ),
  },
  example: `block:
  description: Two convolutions and a way around them.
  params: { filters: 64 }
  layers: [{ conv2d: { filters: "\${filters}", kernel: 3, padding: same } }, batch_norm, relu]`,
});
