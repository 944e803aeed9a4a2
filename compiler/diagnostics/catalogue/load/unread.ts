/** @file Warnings about what nothing reads. */
import type { CatalogueEntry } from "../../diagnostic.js";

export const unreadEntries = {
  "unused-layer": {
    severity: "warning",
    message: "nothing reads the output of {layer}",
    help: "Let another layer read it, make it a loss's output, or remove it.",
    explain:
      "The layer is neither the last one, nor read by another layer or a loss. It is left out of the program; often a 'from' is missing or names something else.",
    wrong: "model: { layers: [{ dense: 3, as: side }, { dense: 2, from: x }] }",
    right: "model: { layers: [{ dense: 3, as: side }, { dense: 2, from: side }] }",
  },
  "unused-feature": {
    severity: "warning",
    message: "no layer reads the feature '{name}'",
    help: "Read it with 'from: {name}', or remove it.",
    explain:
      "The first layer reads the only feature, or all features that are rows of numbers. Others (images, indices, arrays of several axes) are read only where 'from' names them.",
    wrong:
      "data:\n  features: { x: { type: vector, shape: [4] }, photo: { type: image, shape: [8, 8, 1] } }",
    right: "data:\n  features: { x: { type: vector, shape: [4] } }",
  },
  "unused-target": {
    severity: "warning",
    message: "no loss compares with the target '{name}'",
    help: "Add a loss with 'target: {name}', or remove it.",
    explain: "A target that no loss reads has no influence on training and is not predicted.",
    wrong:
      "data:\n  targets: { a: { type: category, classes: [x, y] }, b: { type: number } }\ntrain: { loss: { cross_entropy: { target: a } } }",
    right:
      "data:\n  targets: { a: { type: category, classes: [x, y] } }\ntrain: { loss: { cross_entropy: { target: a } } }",
  },
  "unused-block": {
    severity: "warning",
    message: "nothing uses the block '{name}'",
    help: "Use it with 'block: {name}' or 'repeat', or remove it.",
    explain: "A block is only built where 'block' or 'repeat' names it.",
    wrong: "blocks: { hidden: { layers: [dense: 2] } }",
    right: "blocks: { hidden: { layers: [dense: 2] } }\nmodel: { layers: [block: hidden] }",
  },
  "unused-network": {
    severity: "warning",
    message: "nothing uses the network '{name}'",
    help: "Use it with 'use: {name}' among the model's layers, or remove it.",
    explain: "A network is only built where 'use' names it; 'update' alone does not build it.",
    wrong: "networks: { head: { layers: [dense: 2] } }",
    right: "networks: { head: { layers: [dense: 2] } }\nmodel: { layers: [use: head] }",
  },
  "unused-param": {
    severity: "warning",
    message: "no expression reads the parameter '{name}'",
    help: "Use it in an expression, or remove it.",
    explain:
      "A parameter that no expression reads has no influence, and overriding it with --set or 'with' would do nothing.",
    wrong: "params: { width: 3 }",
    right: 'params: { width: 2 }\nmodel: { layers: [dense: "${width}"] }',
  },
} as const satisfies Record<string, CatalogueEntry>;
