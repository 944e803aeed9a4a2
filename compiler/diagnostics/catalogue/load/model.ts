/** @file Diagnostics of layers: which they are, their names, what they read. */
import type { CatalogueEntry } from "../../diagnostic.js";

export const modelEntries = {
  "unknown-layer": {
    severity: "error",
    message: "there is no layer '{name}'",
    help: "Layers: {known}.",
    explain: "An item of 'layers' begins with the name of a layer, with 'block' or with 'repeat'.",
    wrong: "model: { layers: [desne: 2] }",
    right: "model: { layers: [dense: 2] }",
  },
  "layer-by-type": {
    severity: "error",
    message: "a layer is named by its key, not by 'type'",
    help: "Write '{type}:' with the other settings indented below it.",
    explain:
      "Each layer is one key with its settings below it. That way an editor knows at once which settings there are, and a mistake belongs to one place.",
    wrong: "model: { layers: [{ type: dense, units: 2 }] }",
    right: "model: { layers: [dense: { units: 2 }] }",
  },
  "layer-without-type": {
    severity: "error",
    message: "this entry names no layer",
    help: "Add one, for example 'dense: 10'.",
    explain: "'as' and 'from' stand beside a layer: they say what it is called and what it reads.",
    wrong: "model: { layers: [{ as: head }, dense: 2] }",
    right: "model: { layers: [{ dense: 2, as: head }] }",
  },
  "several-layers": {
    severity: "error",
    message: "'{second}' needs an entry of its own: this one is '{first}'",
    help: "Begin a new line with '- {second}'.",
    explain:
      "Every entry of 'layers' is one layer. Two in one entry would leave open which comes first.",
    wrong: "model: { layers: [{ flatten: {}, dense: 2 }] }",
    right: "model: { layers: [flatten, dense: 2] }",
  },
  "key-beside-layer": {
    severity: "error",
    message: "'{key}' stands beside {layer}, but belongs inside",
    help: "Indent it below '{layer}:'; beside a layer stand only 'as' and 'from'.",
    explain:
      "Settings of a layer are below its key, indented further or in braces. Beside it stand only its name and its inputs.",
    wrong: "model: { layers: [{ dense: 2, activation: relu }] }",
    right: "model: { layers: [{ dense: { units: 2, activation: relu } }] }",
  },
  "duplicate-name": {
    severity: "error",
    message: "'{name}' is already the name of {other}",
    help: "Choose another name.",
    explain:
      "Names are how layers, losses and predictions refer to values: each must mean one thing.",
    wrong: "model: { layers: [{ dense: 3, as: a }, { dense: 2, as: a }] }",
    right: "model: { layers: [{ dense: 3, as: a }, { dense: 2, as: b }] }",
  },
  "reserved-name": {
    severity: "error",
    message: "inside of a block '{name}' is what the block reads, so no layer can be called that",
    help: "Choose another name.",
    explain: "In a block 'from: input' reads the value that the block was given.",
    wrong: "blocks: { b: { layers: [{ dense: 2, as: input }] } }\nmodel: { layers: [block: b] }",
    right: "blocks: { b: { layers: [{ dense: 2, as: inner }] } }\nmodel: { layers: [block: b] }",
  },
  "unknown-reference": {
    severity: "error",
    message: "there is nothing called '{name}' to read",
    help: "{known}",
    explain:
      "Layers read features and earlier layers, by the name that 'as' gives them or by type and number (conv2d_1). Inside of a block they read its own layers, its 'input' and features.",
    wrong: "model: { layers: [{ dense: 3, as: body }, { dense: 2, from: boddy }] }",
    right: "model: { layers: [{ dense: 3, as: body }, { dense: 2, from: body }] }",
  },
  "self-reference": {
    severity: "error",
    message: "'{name}' reads itself",
    help: "Name an earlier layer, or leave 'from' out to read the layer above.",
    explain: "A layer computes its output from its inputs, so the output cannot be one of them.",
    wrong: "model: { layers: [dense: 3, { dense: 2, as: head, from: head }] }",
    right: "model: { layers: [dense: 3, { dense: 2, as: head }] }",
  },
  "forward-reference": {
    severity: "error",
    message: "'{reader}' reads '{name}', which comes later",
    help: "Move '{name}' above it: layers read earlier layers only.",
    explain:
      "Layers are computed from top to bottom. This order is also the order in which a reader understands them, so it is not changed silently.",
    wrong:
      "model: { layers: [{ dense: 2, as: a, from: b }, { dense: 2, as: b, from: x }, add: [a, b]] }",
    right:
      "model: { layers: [{ dense: 2, as: b, from: x }, { dense: 2, as: a, from: b }, add: [a, b]] }",
  },
  cycle: {
    severity: "error",
    message: "'{reader}' reads '{name}', which depends on it: {cycle}",
    help: "Break the circle: let one of them read something else.",
    explain:
      "The layers read each other in a circle, so none of them could be computed first. Remember that a layer without 'from' reads the one above it.",
    wrong: "model: { layers: [{ dense: 2, as: a, from: b }, { dense: 2, as: b }] }",
    right: "model: { layers: [{ dense: 2, as: a }, { dense: 2, as: b }] }",
  },
  "one-input": {
    severity: "error",
    message: "{layer} reads one input, but 'from' is a list of {count}",
    help: "Name one input, or merge several first: concat, add, multiply.",
    explain:
      "Most layers transform one value. How several become one (side by side, added up) is a decision that the spec must show.",
    wrong: "model: { layers: [{ dense: 3, as: a }, { dense: 2, from: [a] }] }",
    right: "model: { layers: [{ dense: 3, as: a }, { dense: 2, from: a }] }",
  },
  "needs-inputs": {
    severity: "error",
    message: "{layer} merges at least two inputs, but {count}",
    help: "List them as its value, for example 'add: [body, skip]'.",
    explain:
      "Merging layers combine several values, so what is directly above is not enough: name all inputs.",
    wrong: "model: { layers: [{ dense: 2, as: a }, add: [a]] }",
    right: "model: { layers: [{ dense: 2, as: a }, { dense: 2, as: b }, add: [a, b]] }",
  },
  "inputs-twice": {
    severity: "error",
    message: "{layer} has its inputs as its value and in 'from'",
    help: "Keep one of the two.",
    explain: "A merging layer lists its inputs either as its value or with 'from', not both.",
    wrong:
      "model: { layers: [{ dense: 2, as: a }, { dense: 2, as: b }, { add: [a, b], from: [a, b] }] }",
    right: "model: { layers: [{ dense: 2, as: a }, { dense: 2, as: b }, { add: [a, b] }] }",
  },
  "block-input-unclear": {
    severity: "error",
    message: "{layer} merges the block's input, but the model has several features",
    help: "Give the block an input: 'from' beside 'block' or 'repeat', or a layer above it.",
    explain:
      "The block is the first thing in the model, so its input is the model's. With several features there is no single value of that kind that could be merged.",
  },
} as const satisfies Record<string, CatalogueEntry>;
