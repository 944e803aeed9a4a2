/** @file Losses of tokens that the model has at hand, and of tokens that it does not score. */
import { type FittedFacts, specialTokenNames } from "@dlc/runtime";
import { describe, expect, it } from "vitest";
import { specFrom } from "../support/from-yaml.js";
import { complaints } from "../support/lowering.js";

const steps = 5;
const vocabularyOf = (...tokens: readonly string[]): readonly string[] => [
  ...specialTokenNames,
  ...tokens,
];
const facts: FittedFacts = { verse: { vocabulary: vocabularyOf("a", "b", "c"), length: steps } };

const specOf = (layers: string, data = "") =>
  specFrom(`data:
  source: arrays
  features: { verse: { type: text, max_length: ${steps} }${data} }
model:
  layers:${layers}
train:
  loss: { cross_entropy: { target: verse } }
`);

describe("a text that is predicted with itself at hand", () => {
  const codesOf = (layers: string): readonly string[] =>
    complaints(specOf(layers), facts).map(({ code }) => code);
  const said = `
    - { previous: verse, as: said }
    - { embedding: 4, from: said, as: words }
    - { embedding: 4, from: verse, as: own }`;
  const scores = "\n    - logits: verse";

  it.each([
    "\n    - add: [words, own]",
    "\n    - { gru: { units: 4, return: sequence }, from: own, as: read }\n    - add: [words, read]",
    "\n    - concat: [words, own]\n    - { attention: { kind: dot, causal: true } }",
    // The text in front of itself.
    "\n    - { concat: { inputs: [own, words], axis: 1 } }\n    - { attention: { kind: dot, causal: true } }\n    - crop1d: [5, 0]",
  ])("is an error of a decoder: %s", (layers) => {
    expect(codesOf(said + layers + scores)).toEqual(["reads-its-answer"]);
  });

  it.each([
    "\n    - embedding: 4\n    - gru: { units: 4, return: sequence, bidirectional: true }",
    "\n    - one_hot",
    `${said}\n    - { attention: { kind: dot }, from: { query: words, memory: own } }`,
  ])("is warned of where it may be meant: %s", (layers) => {
    expect(codesOf(layers + scores)).toEqual(["copies-its-input"]);
  });

  it.each([
    // Encoders that leave one vector of all steps, or that do not see all.
    `${said}\n    - { gru: 4, from: own, as: gist }\n    - { gru: { units: 4, return: sequence }, from: { input: words, state: gist } }`,
    "\n    - embedding: 4\n    - gru: 3\n    - dense: 20\n    - reshape: [5, 4]",
    "\n    - embedding: 4\n    - masking_noise: 0.5\n    - gru: { units: 4, return: sequence }",
    // One step late, by hand.
    "\n    - { embedding: 4, as: own }\n    - { noise: [1, 4], as: first }\n    - { concat: { inputs: [first, own], axis: 1 } }\n    - crop1d: [0, 1]",
  ])("is not: %s", (layers) => {
    expect(codesOf(layers + scores)).toEqual([]);
  });
});

describe("scores of something else", () => {
  const codesOf = (vocabulary: readonly string[]): readonly string[] => {
    const layers = `
    - { embedding: 4, from: question }
    - { gru: 4, as: gist }
    - { previous: verse, as: said }
    - { embedding: 4, as: words }
    - { gru: { units: 4, return: sequence }, from: { input: words, state: gist } }
    - logits: question`;
    const data = ", question: { type: text, max_length: 5 }";
    const other = { ...facts, question: { vocabulary, length: steps } };
    return complaints(specOf(layers, data), other).map(({ code }) => code);
  };

  it("are refused where the words are others, though as many", () => {
    expect(codesOf(vocabularyOf("a", "b", "d"))).toEqual(["scores-another"]);
  });

  it("are as good where the words are the same", () => {
    expect(codesOf(vocabularyOf("a", "b", "c"))).toEqual([]);
  });
});
