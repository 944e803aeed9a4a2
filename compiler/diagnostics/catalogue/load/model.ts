/** @file Diagnostics of layers: which they are, their names, what they read. */
import type { CatalogueEntry } from "../../diagnostic.js";

export const modelEntries = {
  "unknown-layer": {
    severity: "error",
    message: "there is no layer '{name}'",
    help: "Layers: {known}.",
    explain:
      "An item of 'layers' begins with the name of a layer, or with 'block', 'repeat' or 'use'.",
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
  "reads-target": {
    severity: "error",
    message:
      "'{reader}' reads '{name}', which is a target: a model does not see what it has to predict",
    help: "Let it read a feature. If '{name}' is a text, 'previous: {name}' gives what comes before each of its steps.",
    explain:
      "Targets are there to be predicted. When the model is used, they are not known. Of a sequence a decoder may read what comes before each step: the layer 'previous' gives that, from the target while training and from the model's own output when it generates.",
    wrong:
      "data: { targets: { answer: { type: text, max_length: 8 } } }\nmodel: { layers: [{ dense: 4, as: start }, { embedding: 4, from: answer }, { gru: { units: 4, return: sequence, state: start } }, { logits: answer }] }",
    right:
      "data: { targets: { answer: { type: text, max_length: 8 } } }\nmodel: { layers: [{ dense: 4, as: start }, { previous: answer }, { embedding: 4 }, { gru: { units: 4, return: sequence, state: start } }, { logits: answer }] }",
  },
  "state-start": {
    severity: "error",
    message: "the state '{name}' needs one of size, like and from, but {found}",
    help: "Give its size, the layer whose shape it has (like), or the layer whose output it starts as (from).",
    explain:
      "Before the first step of a recurrent layer each of its states has a value: zeros of a size, zeros in the shape of a layer's output, or that output itself.",
    wrong:
      "model: { layers: [{ reshape: [2, 2] }, { recurrent: { states: { h: {} }, cell: [{ concat: [x, h] }, { dense: 2, as: n }], next: { h: n }, return: last } }] }",
    right:
      "model: { layers: [{ reshape: [2, 2] }, { recurrent: { states: { h: 2 }, cell: [{ concat: [x, h] }, { dense: 2, as: n }], next: { h: n }, return: last } }] }",
  },
  "unknown-state": {
    severity: "error",
    message: "there is no state '{name}'",
    help: "States of this layer: {known}.",
    explain:
      "'next' says for each state that 'states' declares what its value in the next step is.",
    wrong:
      "model: { layers: [{ reshape: [2, 2] }, { recurrent: { states: { h: 2 }, cell: [{ concat: [x, h] }, { dense: 2, as: n }], next: { h: n, c: n }, return: last } }] }",
    right:
      "model: { layers: [{ reshape: [2, 2] }, { recurrent: { states: { h: 2 }, cell: [{ concat: [x, h] }, { dense: 2, as: n }], next: { h: n }, return: last } }] }",
  },
  "state-without-next": {
    severity: "error",
    message: "nothing says what the state '{name}' is in the next step",
    help: "Add '{name}' to 'next' of {layer}, with a layer of the cell.",
    explain:
      "Every state of a recurrent layer goes from step to step: 'next' names the layer of the cell whose output is its next value.",
    wrong:
      "model: { layers: [{ reshape: [2, 2] }, { recurrent: { states: { h: 2, g: 2 }, cell: [{ concat: [x, h, g] }, { dense: 2, as: n }], next: { h: n }, return: last } }] }",
    right:
      "model: { layers: [{ reshape: [2, 2] }, { recurrent: { states: { h: 2, g: 2 }, cell: [{ concat: [x, h, g] }, { dense: 2, as: n }], next: { h: n, g: n }, return: last } }] }",
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
    message:
      "'{name}' is what the block or network around reads, so no layer in it can be called that",
    help: "Choose another name.",
    explain:
      "In a block 'from: input' reads the value that the block was given; in a network, the names of its inputs do.",
    wrong: "blocks: { b: { layers: [{ dense: 2, as: input }] } }\nmodel: { layers: [block: b] }",
    right: "blocks: { b: { layers: [{ dense: 2, as: inner }] } }\nmodel: { layers: [block: b] }",
  },
  "unknown-reference": {
    severity: "error",
    message: "there is nothing called '{name}' to read",
    help: "{known}",
    explain:
      "Layers read features and earlier layers, by the name that 'as' gives them or by type and number (conv2d_1). Inside of a block they read its own layers, its 'input' and features; inside of a network its own layers and inputs only.",
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
  "no-inputs": {
    severity: "error",
    message: "{layer} reads nothing, so 'from' has no meaning here",
    help: "Remove 'from'.",
    explain: "The layer makes numbers of its own, one row of them for every example.",
    wrong:
      "model: { layers: [{ noise: 4, as: z, from: x }, { dense: 2, from: z }, { dense: 2, from: x }, add: [dense_1, dense_2]] }",
    right:
      "model: { layers: [{ noise: 4, as: z }, { dense: 2, from: z }, { dense: 2, from: x }, add: [dense_1, dense_2]] }",
  },
  "unknown-network": {
    severity: "error",
    message: "there is no network '{name}'",
    help: "Networks: {known}.",
    explain:
      "'use' puts a network into the model that is defined under 'networks'; this name is not among them.",
    wrong: "networks: { head: { layers: [dense: 2] } }\nmodel: { layers: [use: heat, use: head] }",
    right: "networks: { head: { layers: [dense: 2] } }\nmodel: { layers: [use: head] }",
  },
  "network-cycle": {
    severity: "error",
    message: "the network '{name}' uses itself: {cycle}",
    help: "Use another network inside of it, or write its layers out.",
    explain:
      "Where a network is used its layers are put in place; one that uses itself would never come to an end.",
    wrong: "networks: { head: { layers: [dense: 2, use: head] } }\nmodel: { layers: [use: head] }",
    right: "networks: { head: { layers: [dense: 2] } }\nmodel: { layers: [use: head] }",
  },
  "network-inputs": {
    severity: "error",
    message: "network '{name}' has {wanted} inputs, but 'from' gives {given}",
    help: "List them in order, for example 'from: [a, b]'.",
    explain:
      "A network with several 'inputs' gets a value for each of them, in their order. A network with one input reads the layer above, or what 'from' names.",
    wrong:
      "networks: { pair: { inputs: [a, b], layers: [concat: [a, b], dense: 2] } }\nmodel: { layers: [{ use: pair, from: x }] }",
    right:
      "networks: { pair: { inputs: [a, b], layers: [concat: [a, b], dense: 2] } }\nmodel: { layers: [{ use: pair, from: [x, x] }] }",
  },
  "generate-kind": {
    severity: "error",
    message: "generate needs one of 'from' and 'decoder', but {found}",
    help: "Name the layer that random numbers stand for as 'from', or the layer that scores the tokens of a sequence as 'decoder'.",
    explain:
      "There are two ways to make something new. From random numbers: 'from' and 'network', as for a VAE or GAN. Token by token: 'decoder', as for texts.",
    wrong: "generate: { method: sample }",
    right:
      "data: { features: { y: { type: text, max_length: 8 } }, targets: {} }\nmodel: { layers: [{ previous: y }, { embedding: 4 }, { lstm: { units: 4, return: sequence } }, { logits: y, as: scores }] }\ngenerate: { decoder: scores, method: sample }",
  },
  "generate-decoder": {
    severity: "error",
    message: "'{name}' cannot generate token by token: it {reason}",
    help: "'decoder' is the layer that gives a score for every token at every step, of which the loss is computed; it reads 'previous' of one text or one layer of codes.",
    explain:
      "A decoder says a sequence one token after the other, and each depends on those before it: the layer `previous` gives them, from the target while training and from the decoder itself when it generates.",
    wrong:
      "networks: { head: { layers: [dense: 2] } }\nmodel: { layers: [{ dense: 3 }, { use: head, as: scores }] }\ngenerate: { decoder: scores }",
    right:
      "data: { features: { y: { type: text, max_length: 8 } }, targets: {} }\nmodel: { layers: [{ previous: y }, { embedding: 4 }, { lstm: { units: 4, return: sequence } }, { logits: y, as: scores }] }\ngenerate: { decoder: scores }",
  },
  "generate-output": {
    severity: "error",
    message: "'{name}' {reason}",
    help: "With a decoder of codes, 'output' names the layer, or the use of a network, that turns the codes into an example.",
    explain:
      "Codes are numbers that stand for something else, such as pieces of an image. `generate` lets the decoder say codes, puts them in the place of the layer that they come from, and follows the model from there to `output`.",
    wrong:
      "data: { targets: {} }\nnetworks: { painter: { layers: [flatten, dense: 4] } }\nmodel: { layers: [{ dense: 12 }, { reshape: [3, 4] }, { codes: {}, as: pieces }, { one_hot: {}, as: chosen }, { use: painter, from: chosen, as: picture }, { previous: pieces }, { embedding: 4 }, { logits: pieces, as: scores }] }\ngenerate: { decoder: scores }",
    right:
      "data: { targets: {} }\nnetworks: { painter: { layers: [flatten, dense: 4] } }\nmodel: { layers: [{ dense: 12 }, { reshape: [3, 4] }, { codes: {}, as: pieces }, { one_hot: {}, as: chosen }, { use: painter, from: chosen, as: picture }, { previous: pieces }, { embedding: 4 }, { logits: pieces, as: scores }] }\ngenerate: { decoder: scores, output: painter }",
  },
  "generate-from": {
    severity: "error",
    message: "'{name}' is a {type} layer: random numbers cannot stand in for it",
    help: "Generation starts from a sample_normal or a noise layer.",
    explain:
      "What a sample_normal layer draws was trained to look like standard normal numbers, and a noise layer makes numbers of its own; of any other layer nobody knows how its output is distributed.",
    wrong:
      "networks: { head: { layers: [dense: 2] } }\nmodel: { layers: [{ dense: 3, as: z }, { use: head, from: z }] }\ngenerate: { from: z, network: head }",
    right:
      "networks: { head: { layers: [dense: 2] } }\nmodel: { layers: [{ noise: 3, as: z }, { dense: 3, from: x }, { add: [z, dense_1] }, use: head] }\ngenerate: { from: z, network: head }",
  },
  "generate-unrelated": {
    severity: "error",
    message: "no use of network '{network}' reads '{name}', directly or over other layers",
    help: "Name the layer that the network's input comes from, and a network that the model uses.",
    explain:
      "`generate` puts random numbers in the place of a layer and follows the model from there to the network's output. Here no way leads from the one to the other.",
    wrong:
      "networks: { head: { layers: [dense: 2] } }\nmodel: { layers: [{ noise: 3, as: z }, { dense: 4, from: z, as: a }, { use: head, from: x, as: b }, { dense: 4, from: b, as: c }, add: [a, c], dense: 2] }\ngenerate: { from: z, network: head }",
    right:
      "networks: { head: { layers: [dense: 2] } }\nmodel: { layers: [{ noise: 3, as: z }, { dense: 3, from: x }, { add: [z, dense_1] }, use: head] }\ngenerate: { from: z, network: head }",
  },
  "block-input-unclear": {
    severity: "error",
    message: "{layer} merges the block's input, but the model has several features",
    help: "Give the block an input: 'from' beside 'block' or 'repeat', or a layer above it.",
    explain:
      "The block is the first thing in the model, so its input is the model's. With several features there is no single value of that kind that could be merged.",
  },
} as const satisfies Record<string, CatalogueEntry>;
