/** @file Diagnostics of the data section. */
import type { CatalogueEntry } from "../../diagnostic.js";

export const dataSectionEntries = {
  "column-not-in-source": {
    severity: "error",
    message: "the source of {owner} has no column '{name}'",
    help: "Its columns: {known}. Say which one with 'column:'.",
    explain:
      "A feature or target reads the column of its own name unless 'column' says otherwise. An only feature of image files reads their images, an only target their labels.",
    wrong:
      "data:\n  source: { npy: { points: x.npy, kind: y.npy } }\n  features: { points: { type: vector, shape: [4] } }\n  targets: { class: { type: category, classes: [a, b] } }",
    right:
      "data:\n  source: { npy: { points: x.npy, kind: y.npy } }\n  features: { points: { type: vector, shape: [4] } }\n  targets: { class: { type: category, classes: [a, b], column: kind } }",
  },
  "column-range": {
    severity: "error",
    message: "'{from}' to '{to}' is no range of columns",
    help: "Both must be the same word with a number at the end, the first not above the second.",
    explain: "'columns: { from: p0, to: p63 }' stands for p0, p1, … p63.",
    wrong: "data: { features: { x: { type: vector, columns: { from: p0, to: q3 } } } }",
    right: "data: { features: { x: { type: vector, columns: { from: p0, to: p3 } } } }",
  },
  "vector-size": {
    severity: "error",
    message: "the shape of '{feature}' holds {numbers}, but it has {columns}",
    help: "Leave 'shape' out, or make its product {count}.",
    explain: "Each column gives one number of the vector, in order.",
    wrong: "data: { features: { x: { type: vector, columns: [a, b, c, d], shape: [2, 3] } } }",
    right: "data: { features: { x: { type: vector, columns: [a, b, c, d] } } }",
  },
  "duplicate-class": {
    severity: "error",
    message: "'{feature}' has the class '{name}' twice",
    help: "Remove one of them.",
    explain: "Each class is one output of the model; its name says which.",
    wrong: "data: { targets: { y: { type: category, classes: [a, b, a] } } }",
    right: "data: { targets: { y: { type: category, classes: [a, b] } } }",
  },
  "split-and-source": {
    severity: "error",
    message: "'{part}' is split off here, and has a source of its own",
    help: "Keep one of the two.",
    explain:
      "Rows for validation and test either come from files of their own or are held back from the source.",
    wrong: "data: { test: { arrays: true }, split: { test: 0.1 } }",
    right: "data: { test: { arrays: true }, split: { validation: 0.1 } }",
  },
  "split-leaves-nothing": {
    severity: "error",
    message: "the fractions of the split add up to {sum}: no rows are left to train on",
    help: "Let the fractions add up to less than 1.",
    explain:
      "'split' says what part of the rows is kept for validation and test; the rest is trained on.",
    wrong: "data: { split: { validation: 0.6, test: 0.4 } }",
    right: "data: { split: { validation: 0.2, test: 0.2 } }",
  },
} as const satisfies Record<string, CatalogueEntry>;
