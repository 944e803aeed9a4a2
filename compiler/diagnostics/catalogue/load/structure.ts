/** @file Diagnostics of the structure of a spec: keys, types, values. */
import type { CatalogueEntry } from "../../diagnostic.js";

export const structureEntries = {
  "unknown-key": {
    severity: "error",
    message: "'{key}' is not a key of {owner}",
    help: "Its keys: {known}.",
    explain:
      "Every key of a spec has a meaning; one that has none is a misspelling, stands in the wrong place, or belongs to another version of dlc. It is never ignored.",
    wrong: "model:\n  layers:\n    - dense: { units: 2, activtion: relu }",
    right: "model:\n  layers:\n    - dense: { units: 2, activation: relu }",
  },
  "missing-key": {
    severity: "error",
    message: "'{key}' is missing in {owner}",
    help: "{about}",
    explain: "The key has no default: without it there is nothing to build.",
    wrong: "model:\n  layers:\n    - conv2d: { kernel: 3 }",
    right: "model:\n  layers:\n    - dense: { units: 2 }",
  },
  "wrong-type": {
    severity: "error",
    message: "{what} must be {wanted}, but is {given}",
    help: "{about}",
    explain:
      "The value is of another kind than the key takes: a text where a number is needed, say. Words without quotes are texts, except true, false and null; 1e-4 is a number, 1_000 and 012 are texts.",
    wrong: "model:\n  layers:\n    - dense: ten",
    right: "model:\n  layers:\n    - dense: 2",
  },
  "out-of-range": {
    severity: "error",
    message: "{what} must be {wanted}, but is {given}",
    help: "{about}",
    explain: "The value is of the right kind, but smaller or larger than makes sense.",
    wrong: "model:\n  layers:\n    - dense: 0",
    right: "model:\n  layers:\n    - dense: 2",
  },
  "unknown-value": {
    severity: "error",
    message: "'{word}' is not a value of {what}",
    help: "Its values: {values}.",
    explain: "The key takes one of a few words, and this is none of them.",
    wrong: "model:\n  layers:\n    - dense: { units: 2, activation: rellu }",
    right: "model:\n  layers:\n    - dense: { units: 2, activation: relu }",
  },
  "wrong-form": {
    severity: "error",
    message: "{what} must be {form}, but is {given}",
    help: "{about}",
    explain: "The value is of the right kind, but not written in the form that is needed.",
    wrong: "name: My Model",
    right: "name: my-model",
  },
  "unknown-name": {
    severity: "error",
    message: "'{name}' is not {what}",
    help: "There are: {known}.",
    explain:
      "Losses, optimizers, schedules, metrics and data sources are chosen by name, and there is none of this name.",
    wrong: "train: { loss: cross_entropie }",
    right: "train: { loss: cross_entropy }",
  },
  "takes-no-value": {
    severity: "error",
    message: "{owner} takes no single value, but is given {given}",
    help: "{remedy}",
    explain:
      "'name: value' is short for the one setting that matters most. This one has no such setting: name the setting, or write the name alone.",
    wrong: "model:\n  layers:\n    - flatten: 2\n    - dense: 2",
    right: "model:\n  layers:\n    - flatten\n    - dense: 2",
  },
  "one-of-two": {
    severity: "error",
    message: "{owner} needs either '{first}' or '{second}', but {found}",
    help: "Give one of them.",
    explain:
      "The two keys are different ways to say the same thing: exactly one of them is needed.",
    wrong: "train: { optimizer: adam }",
    right: "train: { optimizer: adam, loss: cross_entropy }",
  },
  "given-twice": {
    severity: "error",
    message: "'{key}' stands in {first} and in {second}",
    help: "Keep one of the two.",
    explain:
      "The same setting has two places; with a value in each it is unclear which one counts.",
    wrong:
      "train: { loss: cross_entropy, learning_rate: 0.1, optimizer: { adam: { learning_rate: 0.2 } } }",
    right: "train: { loss: cross_entropy, optimizer: { adam: { learning_rate: 0.2 } } }",
  },
  "setting-without-effect": {
    severity: "warning",
    message: "'{setting}' has no effect: {reason}",
    help: "Remove it, or change what makes it idle.",
    explain:
      "The setting is read, but with the other settings as they are it changes nothing. Usually something else was meant.",
    wrong: "data: { split: { validation: 0.1, method: last, seed: 3 } }",
    right: "data: { split: { validation: 0.1, method: random, seed: 3 } }",
  },
  "language-version": {
    severity: "error",
    message: "this dlc reads version {known} of the spec language, not {version}",
    help: "Write 'dlc: {known}', or install the dlc that the spec was written for.",
    explain:
      "'dlc' says for which version of the language a spec was written, so that its meaning never changes silently. There is version 1 only.",
    wrong: "dlc: 2",
    right: "dlc: 1",
  },
  "extends-path": {
    severity: "error",
    message: "'{path}' cannot be extended",
    help: "Give a path relative to this file, with forward slashes, that ends in .yaml or .yml.",
    explain:
      "A spec builds on another spec file that travels with it. Absolute paths would only work on one machine.",
    wrong: "extends: /etc/base.yaml",
    right: "params: {}",
  },
  "extends-twice": {
    severity: "error",
    message: "'{base}' extends a further spec",
    help: "Merge the two, or let both extend one base.",
    explain:
      "'extends' goes one level deep: whoever reads a spec has at most one other file to look at.",
  },
} as const satisfies Record<string, CatalogueEntry>;
