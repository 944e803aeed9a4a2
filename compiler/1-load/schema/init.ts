/** @file The `init` section: weights to start from, and `freeze` and `learning_rates` of `train`. */
import type { FieldSchema } from "../../layers/fields.js";
import { choice } from "../../layers/fields.js";
import { special, text } from "./kinds.js";
import { defineShape } from "./shape.js";

const nameOrGlob: FieldSchema = { type: "string", minLength: 1, maxLength: 200 };

const listOf = (value: unknown): readonly string[] => [value].flat() as readonly string[];

const namesSchema = (examples: readonly unknown[]): FieldSchema => ({
  anyOf: [nameOrGlob, { type: "array", items: nameOrGlob, minItems: 1 }],
  examples,
});

export const layouts = ["dlc", "pytorch", "keras"] as const;
export type LayoutName = (typeof layouts)[number];

export const initShape = defineShape({
  name: "init",
  summary: "Weights that a new run starts from, in place of initial values.",
  primary: "from",
  fields: {
    from: text(
      "A run folder (its best checkpoint), its best or last, a checkpoint folder or a .safetensors file, relative to the spec; or npm:package/path.",
    ),
    layout: choice(
      "Who wrote the file. Tensors of pytorch and keras are renamed and transposed; flattened images of pytorch are put channels last.",
      layouts,
      "dlc",
    ),
    map: special<Readonly<Record<string, string | null>>>(
      {
        type: "object",
        additionalProperties: { type: ["string", "null"], minLength: 1, maxLength: 200 },
        examples: [{ "features.0": "conv2d_1", "head.*": null }],
      },
      "From modules of the file to layers, blocks or networks; null: not taken. A * stands for any text, on both sides for the same. What is not listed finds its layer by its name, or (pytorch, keras) by shapes that fit only one.",
      {},
    ),
    only: special<readonly string[] | null>(
      namesSchema([["conv*", "encoder"]]),
      "The layers, blocks and networks that take weights from the file (* stands for any text); default: all.",
      null,
      listOf,
    ),
    missing: choice(
      "error: every weight must be in the file; keep: those that are not start from initial values.",
      ["error", "keep"],
      "error",
    ),
  },
  example:
    'init: { from: runs/mnist-cnn/best, layout: pytorch, map: { features.0: conv2d_1, "head.*": null }, only: ["conv*", encoder], missing: keep }',
});

export const freezeField = special<readonly string[]>(
  namesSchema([["conv*", "encoder"]]),
  "Layers, blocks and networks whose weights stay as they are (* stands for any text). No work is done for their gradients; their batch norms use their moving averages, which stay, too.",
  [],
  listOf,
);

export const learningRatesField = special<Readonly<Record<string, number>>>(
  {
    type: "object",
    additionalProperties: { type: "number", minimum: 0 },
    examples: [{ "conv*": 0.1, head: 1 }],
  },
  "Factors on the learning rate by layer, block or network (* stands for any text). Of several that mean a layer the last counts; the others have 1.",
  {},
);
