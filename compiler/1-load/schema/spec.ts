/** @file The top level of a spec. */
import { modelNamePattern, nested, special } from "./kinds.js";
import { defineShape } from "./shape.js";

/** The version of the language that this compiler reads. */
export const languageVersion = 1;

const namedMap = (content: object) => () => ({ type: "object", additionalProperties: content });

export const specShape = defineShape({
  name: "spec",
  summary: "A model: its data, its layers and how it is trained.",
  primary: null,
  fields: {
    // Which versions there are is checked apart: the message has more to say.
    dlc: special<number>({ type: "integer" }, "Version of the spec language.", undefined),
    name: special<string>(
      { type: "string", pattern: modelNamePattern, maxLength: 64 },
      "Name of the model and of the generated package.",
      undefined,
    ),
    description: special<string | null>(
      { type: "string", maxLength: 10_000 },
      "What the model is for.",
      null,
    ),
    extends: special<string | null>(
      { type: "string", minLength: 1, maxLength: 1000 },
      "A spec file that this one builds on: maps are merged key by key, everything else is replaced.",
      null,
    ),
    params: nested(
      "Values for ${…} expressions, overridable with --set.",
      namedMap({ type: ["number", "string", "boolean"] }),
    ),
    blocks: nested(
      "Layers with parameters, to be used several times.",
      namedMap({ $ref: "#/definitions/block" }),
    ),
    networks: nested(
      "Networks by name, to be used by the model's layers with 'use': every use has the same weights.",
      namedMap({ $ref: "#/definitions/network" }),
    ),
    data: nested(
      "Where the rows come from and what their columns mean.",
      () => ({ $ref: "#/definitions/data" }),
      true,
    ),
    model: nested("The network.", () => ({ $ref: "#/definitions/model" }), true),
    train: nested("How the weights are found.", () => ({ $ref: "#/definitions/train" })),
    init: nested("Weights that a new run starts from, in place of initial values.", () => ({
      $ref: "#/definitions/init",
    })),
    generate: nested("What the package's generate() makes.", () => ({
      $ref: "#/definitions/generate",
    })),
  },
  example: `spec:
  dlc: 1
  name: mnist-mlp
  description: Handwritten digits.
  extends: base.yaml
  params: { width: 64 }
  blocks: { hidden: { params: { size: 64 }, layers: [{ dense: "\${size}" }, relu] } }
  networks: { decoder: { layers: [{ dense: 4 }] } }
  data: { source: { arrays: true }, features: { x: { type: number } }, targets: { y: { type: number } } }
  model: { layers: [{ dense: { units: 64, activation: relu } }, { dense: 1 }] }
  train: { loss: mse }
  init: runs/mnist-cnn/best
  generate: { from: z, network: decoder }`,
});

export const modelShape = defineShape({
  name: "model",
  summary: "The network, as a list of layers.",
  primary: null,
  fields: {
    layers: nested(
      "The layers, in order. Each reads the one above, or what 'from' names.",
      () => ({ $ref: "#/definitions/layers" }),
      true,
    ),
  },
  example:
    "model: { layers: [flatten, { dense: { units: 64, activation: relu } }, { dense: 10 }] }",
});
