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

/** Inputs that may stand among the settings: `state: h`, `previous: { input: translation }`. */
const roleFields = (layer: AnyLayerDef): Fields =>
  Object.fromEntries(settableInputs(layer).map(([name, text]) => [name, reference(text)]));

/** What the main input is called in `from: {…}`. */
export const mainRole = (layer: AnyLayerDef | undefined): string => layer?.inputRole ?? "input";

/** Inputs that may be given as settings, with what they are for. */
export function settableInputs(layer: AnyLayerDef | undefined): readonly [string, string][] {
  const main = layer?.inputByValue === true;
  return [
    ...(main ? ([[mainRole(layer), "What the layer reads."]] as [string, string][]) : []),
    ...Object.entries(layer?.roles ?? {}),
  ];
}

function shapeOf(layer: AnyLayerDef): Shape {
  const base = { name: layer.type, summary: layer.summary, example: layer.example };
  if (layer.inputs !== "many") {
    const primary = layer.inputByValue === true ? mainRole(layer) : layer.primary;
    return { ...base, primary, fields: { ...layer.fields, ...roleFields(layer) } };
  }
  const inputs = nested("The layers or features to merge, in order.", inputsSchema);
  return { ...base, primary: inputsKey, fields: { [inputsKey]: inputs, ...layer.fields } };
}

export const layerShapes: ReadonlyMap<string, Shape> = new Map(
  [...layers.values()].map((layer) => [layer.type, shapeOf(layer)]),
);

const withSchema = (): EditorSchema => ({
  type: "object",
  description:
    "Values for the block's parameters (the others keep their defaults), and names of what its further inputs read.",
  additionalProperties: { type: ["number", "string", "boolean"] },
});

/** `block: residual` or `block: { name: residual, with: {…} }`. */
export const blockUseShape = defineShape({
  name: "block",
  summary: "The layers of a block, once.",
  primary: "name",
  fields: {
    name: text("A name under 'blocks', or of a block that comes with dlc."),
    with: nested("Values for the block's parameters, and its further inputs.", withSchema),
  },
  example: "block: { name: residual, with: { filters: 64 } }",
});

/** `repeat: { block: residual, times: 3, with: {…} }`. */
export const repeatShape = defineShape({
  name: "repeat",
  summary: "The layers of a block several times in a row, each time with weights of its own.",
  primary: null,
  fields: {
    block: text("A name under 'blocks', or of a block that comes with dlc."),
    times: positiveInteger("How many times.", 1),
    with: nested("Values for the block's parameters, and its further inputs.", withSchema),
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
    inputs: special<readonly string[]>(
      {
        type: "array",
        items: { type: "string", pattern: namePattern, maxLength: 64 },
        minItems: 1,
        maxItems: 64,
        examples: [["input", "memory"]],
      },
      "Names of the inputs, for the block's layers to read from: the first is the layer above or what 'from' names, the others are named by 'with'.",
      ["input"],
    ),
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
