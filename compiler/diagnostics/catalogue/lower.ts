/** @file Diagnostics of lowering and differentiation: shapes, losses, gradients. */
import type { CatalogueEntry } from "../diagnostic.js";

export const lowerEntries = {
  "shape-mismatch": {
    severity: "error",
    message: "{layer}: {reason}",
    help: "{advice}",
    explain:
      "A layer got an input whose shape it cannot work on. Shapes are followed through the whole model before anything runs; the trail shows how the input came about. n is the size of the batch.",
    wrong: `data:
  features:
    photo: { type: image, shape: [32, 32, 3] }
model:
  layers:
    - flatten
    - conv2d: 32      # needs images, but flatten gives lists`,
    right: `data:
  features:
    photo: { type: image, shape: [32, 32, 3] }
model:
  layers:
    - conv2d: 32
    - flatten`,
  },
  "padded-input": {
    severity: "error",
    message:
      "{layer} cannot tell data from padding, and '{input}' has padding behind shorter sequences",
    help: "{remedy}",
    explain:
      "Texts and sequences of a batch are as long as the longest may be: shorter ones are filled up with padding. Most layers know where it begins and leave it out, or work on every step by itself. This one would mix padding into its result.",
    wrong: `data:
  features:
    review: { type: text, max_length: 40 }
model:
  layers:
    - embedding: 16
    - batch_norm       # would average over padding`,
    right: `data:
  features:
    review: { type: text, max_length: 40 }
model:
  layers:
    - embedding: 16
    - layer_norm`,
  },
  "sees-the-future": {
    severity: "error",
    message:
      "{layer} looks ahead: it would show the decoder the tokens of '{target}' that it has to predict",
    help: "{remedy}",
    explain:
      "While training, 'previous' gives the decoder all of the target, one step late. Every layer from there to the loss must use earlier steps only. A layer that looks at later ones would copy the answer: the loss would fall to nothing, and the model would be useless where the answer is not known.",
    wrong: `data:
  features:
    question: { type: text, max_length: 8 }
  targets:
    answer: { type: text, max_length: 8 }
model:
  layers:
    - { embedding: 16, from: question }
    - { lstm: { units: 32, return: state, bidirectional: true }, as: encoder }
    - previous: answer
    - embedding: 16
    - { lstm: { units: 32, return: sequence, bidirectional: true, state: encoder } }
    - logits: answer
train:
  loss: cross_entropy`,
    right: `data:
  features:
    question: { type: text, max_length: 8 }
  targets:
    answer: { type: text, max_length: 8 }
model:
  layers:
    - { embedding: 16, from: question }
    - { lstm: { units: 32, return: state }, as: encoder }
    - previous: answer
    - embedding: 16
    - { lstm: { units: 32, return: sequence, state: encoder } }
    - logits: answer
train:
  loss: cross_entropy`,
  },
  "reads-its-answer": {
    severity: "error",
    message:
      "{layer} reads '{target}' itself: it would show the decoder the tokens that it has to predict",
    help: "Let it read `previous: {target}`, or another text. What a decoder may know of its own text is one vector of the whole (`return: last`).",
    explain:
      "A decoder predicts each token from those before it, which 'previous' gives. Here every step also has the token that it should predict, so the loss would fall to nothing by copying it, and the model would be useless where the answer is not known.",
    wrong: `data:
  features:
    verse: { type: text, max_length: 8 }
  targets: {}
model:
  layers:
    - previous: verse
    - { embedding: 16, as: said }
    - { embedding: 16, from: verse, as: words }
    - add: [said, words]
    - gru: { units: 32, return: sequence }
    - logits: verse
train:
  loss: { cross_entropy: { target: verse } }`,
    right: `data:
  features:
    verse: { type: text, max_length: 8 }
  targets: {}
model:
  layers:
    - previous: verse
    - embedding: 16
    - gru: { units: 32, return: sequence }
    - logits: verse
train:
  loss: { cross_entropy: { target: verse } }`,
  },
  "copies-its-input": {
    severity: "warning",
    message: "{layer} reads '{target}', and each token is predicted with itself at hand",
    help: "To predict each token from those before it begin with `previous: {target}`. To learn what a text says, let it pass through a layer that keeps less than all steps (`return: last`), or hide some of it (`masking_noise`).",
    explain:
      "The loss compares the output with the very text that every step can see, so the model learns no more than to copy it. Encoding a text into something smaller and back is another matter, and is not warned of.",
    wrong: `data:
  features:
    verse: { type: text, max_length: 8 }
  targets: {}
model:
  layers:
    - embedding: 16
    - gru: { units: 32, return: sequence }
    - logits: verse
train:
  loss: { cross_entropy: { target: verse } }`,
    right: `data:
  features:
    verse: { type: text, max_length: 8 }
  targets: {}
model:
  layers:
    - previous: verse
    - embedding: 16
    - gru: { units: 32, return: sequence }
    - logits: verse
train:
  loss: { cross_entropy: { target: verse } }`,
  },
  "scores-another": {
    severity: "error",
    message: "{layer} scores '{of}', but the loss compares it with '{target}'",
    help: "Write `logits: {target}`, or give the loss the target '{of}'.",
    explain:
      "A score belongs to a token or class by its number. Two texts number their tokens differently, and two categories their classes, even where there are as many.",
    wrong: `data:
  targets:
    animal: { type: category, classes: [cat, dog] }
    place: { type: category, classes: [home, street] }
model:
  layers:
    - { dense: 8, as: seen }
    - { logits: animal, as: what }
    - { logits: animal, from: seen, as: where }
train:
  losses:
    - cross_entropy: { output: what, target: animal }
    - cross_entropy: { output: where, target: place }`,
    right: `data:
  targets:
    animal: { type: category, classes: [cat, dog] }
    place: { type: category, classes: [home, street] }
model:
  layers:
    - { dense: 8, as: seen }
    - { logits: animal, as: what }
    - { logits: place, from: seen, as: where }
train:
  losses:
    - cross_entropy: { output: what, target: animal }
    - cross_entropy: { output: where, target: place }`,
  },
  "generate-shape": {
    severity: "error",
    message: "generate: '{name}' {reason}",
    help: "'decoder' is the layer that cross_entropy reads, such as 'logits: <text>'; what it says and what is given must be all that it depends on.",
    explain:
      "A sequence is generated from the scores that a decoder gives to the next token. It gets what it has said so far and the features that are given, nothing else: anything that is only known while training cannot be part of it.",
    wrong: `data:
  features:
    answer: { type: text, max_length: 8 }
  targets: {}
model:
  layers:
    - previous: answer
    - { embedding: 16, as: said }
    - logits: answer
generate: { decoder: said }   # vectors, not scores`,
    right: `data:
  features:
    answer: { type: text, max_length: 8 }
  targets: {}
model:
  layers:
    - previous: answer
    - embedding: 16
    - { logits: answer, as: scores }
generate: { decoder: scores }`,
  },
  "generate-length": {
    severity: "error",
    message: "generate: max_length is {given}, but '{name}' has {steps} steps",
    help: "Lower it, leave it out, or raise max_length of the text in the data section and train again.",
    explain:
      "A decoder has a step for every token of the longest text that it was trained for, the end token included. It cannot say more.",
    wrong: `data:
  features:
    answer: { type: text, max_length: 8 }
  targets: {}
model:
  layers:
    - previous: answer
    - embedding: 16
    - { logits: answer, as: scores }
generate: { decoder: scores, max_length: 20 }`,
    right: `data:
  features:
    answer: { type: text, max_length: 20 }
  targets: {}
model:
  layers:
    - previous: answer
    - embedding: 16
    - { logits: answer, as: scores }
generate: { decoder: scores, max_length: 20 }`,
  },
  "generate-unclear": {
    severity: "error",
    message: "{heads} can only be predicted token by token, and it is not clear by which decoder",
    help: "Add a generate section: its 'decoder' names the layer that scores the tokens.",
    explain:
      "A decoder reads what it has said so far, so predict() has to let it speak. Of one decoder this needs no word in the spec; of several, 'generate' says which one is meant. predict() gives its text and whatever needs no target; the others are trained and evaluated only.",
    wrong: `data:
  features:
    topic: { type: text, max_length: 8 }
  targets:
    question: { type: text, max_length: 8 }
    answer: { type: text, max_length: 8 }
model:
  layers:
    - { embedding: 16, from: topic }
    - { gru: 4, as: about }
    - { previous: question }
    - { embedding: 16, as: asked }
    - { gru: { units: 4, return: sequence }, from: { input: asked, state: about } }
    - { logits: question, as: asks }
    - { previous: answer }
    - { embedding: 16, as: answered }
    - { gru: { units: 4, return: sequence }, from: { input: answered, state: about } }
    - { logits: answer, as: answers }
train:
  losses:
    - cross_entropy: { output: asks, target: question }
    - cross_entropy: { output: answers, target: answer }`,
    right: `data:
  features:
    topic: { type: text, max_length: 8 }
  targets:
    question: { type: text, max_length: 8 }
    answer: { type: text, max_length: 8 }
model:
  layers:
    - { embedding: 16, from: topic }
    - { gru: 4, as: about }
    - { previous: question }
    - { embedding: 16, as: asked }
    - { gru: { units: 4, return: sequence }, from: { input: asked, state: about } }
    - { logits: question, as: asks }
    - { previous: answer }
    - { embedding: 16, as: answered }
    - { gru: { units: 4, return: sequence }, from: { input: answered, state: about } }
    - { logits: answer, as: answers }
train:
  losses:
    - cross_entropy: { output: asks, target: question }
    - cross_entropy: { output: answers, target: answer }
generate: { decoder: answers }`,
  },
  "no-default-input": {
    severity: "error",
    message: "{layer} has no input: {reason}",
    help: "Name a feature with `from`.",
    explain:
      "A first layer without `from` reads the only feature, or all features that are lists of numbers, one after the other. Here there is nothing like that to read.",
    wrong: `data:
  features:
    photo: { type: image, shape: [32, 32, 3] }
    mask: { type: image, shape: [32, 32, 1] }
model:
  layers:
    - { conv2d: 32, as: picture }
    - { conv2d: 32, from: mask, as: outline }
    - { conv2d: 32, from: photo, as: shade }
    - add: [picture, outline, shade]`,
    right: `data:
  features:
    photo: { type: image, shape: [32, 32, 3] }
    mask: { type: image, shape: [32, 32, 1] }
model:
  layers:
    - { conv2d: 32, from: photo, as: picture }
    - { conv2d: 32, from: mask, as: outline }
    - add: [picture, outline]`,
  },
  "output-shape-mismatch": {
    severity: "error",
    message: "{layer} gives {got}, but {loss} compares it with '{target}', which is {wanted}",
    help: "{advice}",
    explain:
      "A loss compares an output with its target element by element, so both must have the same shape. Nothing is stretched to fit: that would hide the mistake and train towards something else.",
    wrong: `data:
  targets:
    price: { type: number }
model:
  layers:
    - dense: 10
train:
  loss: mse`,
    right: `data:
  targets:
    price: { type: number }
model:
  layers:
    - dense: 1
train:
  loss: mse`,
  },
  "class-count-mismatch": {
    severity: "error",
    message: "{layer} has {outputs}, but '{target}' has {classes}",
    help: "A classifier gives one output per class: let the last layer be `dense: {width}`.",
    explain:
      "A classifier has one output per class: the output with the largest value names the class. (With two classes and binary_cross_entropy one output is enough.)",
    wrong: `data:
  targets:
    sign: { type: category, classes: [stop, give way, go] }
model:
  layers:
    - dense: 2
train:
  loss: cross_entropy`,
    right: `data:
  targets:
    sign: { type: category, classes: [stop, give way, go] }
model:
  layers:
    - dense: 3
train:
  loss: cross_entropy`,
  },
  "loss-target-mismatch": {
    severity: "error",
    message: "{reason}",
    explain:
      "Every loss compares certain kinds of things: cross_entropy classes, mse numbers, binary_cross_entropy two classes or numbers from 0 to 1. This one was given a target of another kind.",
    wrong: `data:
  targets:
    digit: { type: category, classes: ["0", "1"] }
train:
  loss: mse`,
    right: `data:
  targets:
    digit: { type: category, classes: ["0", "1"] }
train:
  loss: cross_entropy`,
  },
  "output-named-loss": {
    severity: "error",
    message: "a prediction cannot be called '{name}': the loss is reported under that name",
    help: "Give the target (or the layer, with `as`) another name.",
    explain:
      "Training and evaluation report the loss, and every prediction by the name of its target. A target called loss would make the two indistinguishable.",
    wrong: `data:
  targets:
    loss: { type: number }
model:
  layers:
    - dense: 1
train:
  loss: mse`,
    right: `data:
  targets:
    claim: { type: number, column: loss }
model:
  layers:
    - dense: 1
train:
  loss: mse`,
  },
  "unknown-class-weight": {
    severity: "error",
    message: "class_weights names '{label}', which is not a class of '{target}'",
    help: "The classes are: {classes}.",
    explain:
      "`class_weights` says how much the examples of each class count in the loss. Its keys are class names, written as in the data.",
    wrong: `data:
  targets:
    mail: { type: category, classes: [ham, spam] }
train:
  loss: { cross_entropy: { class_weights: { Spam: 2 } } }`,
    right: `data:
  targets:
    mail: { type: category, classes: [ham, spam] }
train:
  loss: { cross_entropy: { class_weights: { spam: 2 } } }`,
  },
  "missing-gradient": {
    severity: "error",
    message: "'{layer}' cannot be trained through: {op} has no gradient ({reason})",
    help: "Layers before it would learn nothing. Use another layer here.",
    explain:
      "Training follows the loss backwards through every layer that leads to a weight. The gradient of one of the operations on that way is not defined.",
  },
  "precision-without-effect": {
    severity: "warning",
    message: "'{precision}' has no effect: no step has a convolution or a matrix product",
    help: "Remove it.",
    explain:
      "Mixed precision computes convolutions and matrix products (of dense, recurrent and attention layers, for example) in numbers of half the width. Everything else is float32 in any case, and this model trains nothing but that.",
  },
  "weight-without-gradient": {
    severity: "warning",
    message: "nothing trains {weights} of {layer}: the loss gives no gradient for it",
    help: "Lead the layer's output to the loss, without an index (of an embedding) in between, or remove the layer.",
    explain:
      "A weight is trained by following the loss back to it. No way leads from the loss to this layer's weights, or only one through whole numbers, which have no gradient, so they would stay as they were initialised.",
  },
  "phase-updates-nothing": {
    severity: "error",
    message: "phase '{phase}' moves nothing: {names} {have} no weights",
    help: "Name a network or layer with weights in 'update', or remove the phase.",
    explain:
      "A phase changes the weights of what 'update' names. Layers such as flatten or relu have none.",
  },
  "loss-without-gradient": {
    severity: "error",
    message: "{loss} does not depend on the weights of {names}, which this phase updates",
    help: "Move the loss to the phase of what it depends on, or name that in 'update'.",
    explain:
      "A phase follows its losses back to the weights that it updates. This loss would be computed in vain: no way leads from it to any of them.",
  },
  "batch-of-one": {
    severity: "warning",
    message: "{layer} always gives its offset while training: each batch has one value per channel",
    help: "Raise train.batch, or use layer_norm, which looks at one example at a time.",
    explain:
      "Batch normalisation subtracts the mean of a channel over the batch. With a batch of one example and no further axes the mean is the value itself, so nothing of the input is left, and the layers before it learn nothing. Over the pixels of an image, or the steps of a sequence, one example is enough.",
    wrong: `model:
  layers:
    - dense: 8
    - batch_norm
    - dense: 2
train:
  loss: cross_entropy
  batch: 1`,
    right: `model:
  layers:
    - dense: 8
    - batch_norm
    - dense: 2
train:
  loss: cross_entropy
  batch: 16`,
  },
  "model-too-large": {
    severity: "error",
    message: "{layer} needs {needed} of memory, {available}: {part}",
    help: "Look for a slip in the sizes (units, filters, padding); else make the layers or the batch smaller.",
    explain:
      "Weights, the optimiser's memory and the values of a training step must fit into memory together. This model is larger than any machine's (1 TB), or, when it is trained, than that of this one. Nothing was allocated.",
    wrong: `data:
  features:
    photo: { type: image, shape: [32, 32, 3] }
model:
  layers:
    - flatten
    - dense: 1000000000
    - dense: 10`,
    right: `data:
  features:
    photo: { type: image, shape: [32, 32, 3] }
model:
  layers:
    - flatten
    - dense: 1000
    - dense: 10`,
  },
  "memory-short": {
    severity: "warning",
    message:
      "with batches of {batch} the model takes about {needed}, and this machine has {available}",
    help: "The largest part is {part}. Lower train.batch, make the layers smaller, or train on another machine.",
    explain:
      "Weights, the optimiser's memory and the values of a training step must fit into memory together. This machine has less than they are expected to take.",
  },
  "never-updated": {
    severity: "warning",
    message: "no phase updates '{name}': its weights stay as they start",
    help: "Name it in the 'update' of a phase.",
    explain:
      "With phases only what 'update' names is trained. Parts that no phase names keep their initial weights for ever.",
  },
  "nothing-to-train": {
    severity: "error",
    message: "the loss depends on no weight of the model, so there is nothing to train",
    help: "Add a layer with weights, such as dense, or remove `train`.",
    explain:
      "Training changes weights so that the loss falls. None of this model's layers on the way to the loss has any.",
    wrong: `data:
  targets:
    place: { type: vector, shape: [4] }
model:
  layers:
    - relu
train:
  loss: mse`,
    right: `data:
  targets:
    place: { type: vector, shape: [4] }
model:
  layers:
    - dense: 4
train:
  loss: mse`,
  },
  "everything-frozen": {
    severity: "error",
    message: "everything is frozen: training would change nothing",
    help: "Leave out of 'freeze' what is to learn, such as the last layer.",
    explain:
      "'freeze' keeps weights as they are. Where it means every layer that has weights, there is nothing left to train.",
    wrong:
      "model: { layers: [{ dense: 8, as: body }, { dense: 2, as: head }] }\ntrain: { loss: cross_entropy, freeze: [body, head] }",
    right:
      "model: { layers: [{ dense: 8, as: body }, { dense: 2, as: head }] }\ntrain: { loss: cross_entropy, freeze: body }",
  },
  "loss-on-frozen": {
    severity: "error",
    message: "{loss} depends on frozen weights only, so nothing can make it smaller",
    help: "Remove the loss, or leave out of 'freeze' some layer that it depends on.",
    explain:
      "A loss moves the weights that it depends on. Where all of these are frozen it moves nothing, and would be computed in every step for no purpose.",
    wrong:
      "model: { layers: [{ dense: 2, from: x, as: side }, { dense: 2, from: x, as: head }] }\ntrain: { losses: [{ cross_entropy: { output: side } }, { cross_entropy: { output: head } }], freeze: side }",
    right:
      "model: { layers: [{ dense: 2, from: x, as: side }, { dense: 2, from: x, as: head }] }\ntrain: { losses: [{ cross_entropy: { output: side } }, { cross_entropy: { output: head } }] }",
  },
} as const satisfies Record<string, CatalogueEntry>;
