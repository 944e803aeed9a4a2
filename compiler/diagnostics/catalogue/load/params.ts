/** @file Diagnostics of parameters and expressions. */
import type { CatalogueEntry } from "../../diagnostic.js";

export const paramEntries = {
  "expression-without-quotes": {
    severity: "error",
    message: "inside of braces or brackets the expression {expression} needs quotes",
    help: "YAML reads the braces of an expression as a map of its own there.",
    explain:
      "'units: ${width}' on a line of its own needs no quotes. Inside of a map or list in brackets YAML takes the braces for itself, so the expression must be in quotes.",
    wrong: "params: { width: 2 }\nmodel: { layers: [dense: { units: ${width} }] }",
    right: 'params: { width: 2 }\nmodel: { layers: [dense: { units: "${width}" }] }',
  },
  "expression-syntax": {
    severity: "error",
    message: "the expression {expression} cannot be read: {reason}",
    help: "Expressions have numbers, parameters, + - * / and ( ), nothing else.",
    explain:
      "Expressions are arithmetic on parameters and no more: there are no functions, no comparisons and no access to anything else.",
    wrong: 'params: { width: 1 }\nmodel: { layers: [dense: "${width *}"] }',
    right: 'params: { width: 1 }\nmodel: { layers: [dense: "${width * 2}"] }',
  },
  "expression-value": {
    severity: "error",
    message: "the expression {expression} has no value: {reason}",
    help: "Check the values of its parameters.",
    explain:
      "Arithmetic needs numbers, and its result must be a number: no division by zero, nothing beyond what a number can hold.",
    wrong: 'params: { width: 0 }\nmodel: { layers: [dense: "${2 / width}"] }',
    right: 'params: { width: 1 }\nmodel: { layers: [dense: "${2 / width}"] }',
  },
  "unknown-param": {
    severity: "error",
    message: "'{name}' is not a parameter here",
    help: "Parameters: {known}.",
    explain:
      "An expression sees the spec's 'params'; inside of a block also the block's own. 'with' gives values to the parameters that the block declares.",
    wrong: 'params: { width: 2 }\nmodel: { layers: [dense: "${widht}"] }',
    right: 'params: { width: 2 }\nmodel: { layers: [dense: "${width}"] }',
  },
  "unknown-set": {
    severity: "error",
    message: "--set {name}: the spec has no such parameter",
    help: "Parameters: {known}.",
    explain:
      "--set changes the value of a parameter that the spec declares under 'params'; it cannot reach other values.",
  },
  "set-wrong-type": {
    severity: "error",
    message: "--set {name}={text}: the parameter is {wanted}",
    help: "Give a value of the same kind as in 'params'.",
    explain:
      "A parameter keeps the kind of its default: a number stays a number, a text a text, true or false one of these.",
  },
  "unknown-block": {
    severity: "error",
    message: "there is no block '{name}'",
    help: "Blocks: {known}.",
    explain: "'block' and 'repeat' use the layers that stand under this name in 'blocks'.",
    wrong: "blocks: { hidden: { layers: [dense: 2] } }\nmodel: { layers: [block: hiden] }",
    right: "blocks: { hidden: { layers: [dense: 2] } }\nmodel: { layers: [block: hidden] }",
  },
  "block-cycle": {
    severity: "error",
    message: "the block '{name}' contains itself: {cycle}",
    help: "Let the inner part be a block of its own, or use 'repeat'.",
    explain:
      "A block is replaced by its layers; one that contains itself would never come to an end.",
    wrong:
      "blocks: { hidden: { layers: [dense: 2, block: hidden] } }\nmodel: { layers: [block: hidden] }",
    right: "blocks: { hidden: { layers: [dense: 2] } }\nmodel: { layers: [block: hidden] }",
  },
  "too-many-layers": {
    severity: "error",
    message: "the model grows beyond {limit} layers here",
    help: "Lower 'times', or repeat a smaller block.",
    explain:
      "Blocks and repeats multiply. The number of layers is bounded, so that a few lines cannot ask for a model that no machine could build.",
    wrong:
      "blocks: { hidden: { layers: [dense: 2] } }\nmodel: { layers: [repeat: { block: hidden, times: 100000 }] }",
    right:
      "blocks: { hidden: { layers: [dense: 2] } }\nmodel: { layers: [repeat: { block: hidden, times: 3 }] }",
  },
} as const satisfies Record<string, CatalogueEntry>;
