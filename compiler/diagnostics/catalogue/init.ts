/** @file Diagnostics of weights to start from: what a file has and what the model needs. */
import type { CatalogueEntry } from "../diagnostic.js";

export const initEntries = {
  "init-unknown-source": {
    severity: "error",
    message: "'{name}' is neither a module nor a tensor of {file}",
    help: "The file holds: {known}.",
    explain:
      "The keys of 'map' name what the file holds: a module (all tensors whose names begin with it), a single tensor, or a glob of modules in which * stands for any text. `dlc inspect --weights` shows what goes where.",
  },
  "init-shape": {
    severity: "error",
    message: "{tensor} of {file} is {found}, but {name} needs {wanted}",
    help: "Map it elsewhere (or to null, with 'missing: keep', for a layer that starts anew), or give the layer the size that it had.",
    explain:
      "A tensor only fits a layer of the same size. The shape that is asked for is that of the layout: PyTorch has dense kernels as [outputs, inputs], Keras convolutions as [height, width, inputs, outputs]. A last layer for other classes has to start from initial values.",
  },
  "init-vocabulary": {
    severity: "error",
    message: "{file} was trained with other tokens of '{text}' than {layers} here: {difference}",
    help: "Train with the same data (and settings of the text), or leave what belongs to tokens to its initial values: {remedy}, or only: with the other layers.",
    explain:
      "Rows of an embedding and columns of logits belong to tokens by their number. A vocabulary is fitted to the training data, so other data number other tokens: taken by number, every word would start with the vector of another one. The layers between them can still be taken. A run says what its vocabulary was; a file that `save()` wrote does not.",
  },
  "init-not-float": {
    severity: "error",
    message: "{tensor} of {file} holds {type}, which cannot be a weight",
    help: "Save the weights as F32, F16, BF16 or F64.",
    explain:
      "Weights are floating-point numbers. Quantised tensors mean nothing without their scales, which the safetensors format does not describe.",
  },
  "init-tensor-missing": {
    severity: "error",
    message: "{module} of {file} has no {tensor}, which {name} needs",
    help: "{hint}It has: {has}. Map another module to the layer, or let the layer do without (bias: false, for example).",
    explain:
      "A layer takes all its weights from one module. Where the module has fewer tensors it was made with other settings, and would compute something else.",
  },
  "init-extra": {
    severity: "error",
    message: "{module} also has {tensors}, for which {layer} has no place",
    help: "Give the layer the setting that makes them (bias: true, for example), or map the module elsewhere.",
    explain:
      "The module's tensors belong together. A layer that takes only some of them computes something else: without its bias, for example, the outputs of a trained module are wrong.",
  },
  "init-missing": {
    severity: "error",
    message: "{file} has nothing for {names}",
    help: "{advice}",
    explain:
      "With 'missing: error', the default, every weight of the model (or of the layers that 'only' lists) must come from the file: a layer that silently starts from random numbers would spoil those before and after it.",
  },
  "init-ambiguous": {
    severity: "error",
    message: "{layers} could each be any of {modules}",
    help: "Say which is which with 'map'.",
    explain:
      "Without a word in 'map' a layer takes the module of its name, or the only one whose tensors fit; numbered modules (features.0, features.3) follow the order of the layers. Where shapes and numbers leave a choice, none is made.",
  },
  "init-twice": {
    severity: "error",
    message: "both {first} and {second} go to {layer}",
    help: "Correct one of them in 'map', or set it to null.",
    explain: "A layer starts from one module.",
  },
  "init-without-counterpart": {
    severity: "error",
    message: "{layer} ({type}) has no counterpart in the layout of {layout}",
    help: "Map single tensors to it where their layout is the same, or save the weights under dlc's names (layout: dlc).",
    explain:
      "For layers that both sides know a table tells how tensors are named and transposed. This layer is not in it.",
  },
  "init-nothing": {
    severity: "error",
    message: "nothing of {file} fits the model",
    help: "{hint}It holds: {names}. Say with 'map' what goes where, and with 'layout' who wrote it.",
    explain:
      "With 'missing: keep' layers may start from initial values, but not all of them: then the file is probably the wrong one, or in another layout.",
  },
  "init-unused": {
    severity: "warning",
    message: "the model has no use for some of {file}: {names}",
    help: "Set what is left out on purpose to null in 'map'.",
    explain:
      "All weights of the model were found, but the file holds more. That is as it should be if only a part of a trained model goes on; 'map: { head: null }' says so.",
  },
} as const satisfies Record<string, CatalogueEntry>;
