/** @file How specs write decoders: what was said before, scores for what comes next, further outputs. */
import { describe, expect, it } from "vitest";
import type { LayerUse } from "../../compiler/1-load/resolved-spec.js";
import { blamedIn, specFrom } from "../support/from-yaml.js";
import { lowered } from "../support/lowering.js";

const data = `data:
  source: arrays
  features: { question: { type: text, max_length: 5 } }
  targets: { answer: { type: text, max_length: 5 } }
`;

/** The layers of a model that answers questions. */
function layersOf(decoder: string, more = ""): readonly LayerUse[] {
  const { layers } = specFrom(`${data}${more}model:
  layers:
    - { embedding: 4, from: question }
    - { gru: 6, as: encoder }${decoder}
train:
  loss: cross_entropy
`);
  return layers;
}

const named = (layers: readonly LayerUse[], name: string): LayerUse | undefined =>
  layers.find((layer) => layer.name === name);

const rest = `
    - embedding: 4
    - { gru: { units: 6, return: sequence, state: encoder } }
    - logits: answer`;

describe("previous", () => {
  it.each([
    "\n    - previous: answer",
    "\n    - previous: { input: answer }",
    "\n    - { previous: {}, from: answer }",
  ])("reads a target: %s", (previous) => {
    const layers = layersOf(previous + rest);
    expect(named(layers, "previous_1")?.from).toEqual(["answer"]);
    expect(named(layers, "gru_1")).toMatchObject({
      from: ["embedding_2", "encoder"],
      roles: ["input", "state"],
    });
  });

  it("reads the layer above where it names nothing, and a layer before a target of its name", () => {
    const codes = `
    - { dense: 3, from: encoder }
    - { reshape: [3, 1], as: grid }
    - { codes: {}, as: pieces }
    - previous
    - { embedding: 2, as: seen }
    - { flatten: {}, as: flat }`;
    const layers = specFrom(`${data}model:
  layers:
    - { embedding: 4, from: question }
    - { gru: 6, as: encoder }${codes}
    - previous: answer
    - embedding: 4
    - { dense: 6, from: flat, as: start }
    - { gru: { units: 6, return: sequence, state: start }, from: embedding_2 }
    - logits: answer
train: { loss: cross_entropy }
`).layers;
    expect(named(layers, "previous_1")?.from).toEqual(["pieces"]);
  });

  it("has one input", () => {
    const twice = `${data}model:
  layers:
    - { previous: answer, from: question }${rest.replace(", state: encoder", "")}
train: { loss: cross_entropy }
`;
    expect(blamedIn(twice)).toEqual([["inputs-twice", "answer"]]);
  });

  it("stands in a block", () => {
    const blocks = `blocks:
  reader: { layers: [{ previous: answer }, { embedding: 4 }] }
`;
    const decoder = `
    - { block: reader, as: said }
    - { gru: { units: 6, return: sequence, state: encoder } }
    - logits: answer`;
    const layers = layersOf(decoder, blocks);
    expect(named(layers, "said/previous_1")?.from).toEqual(["answer"]);
    expect(named(layers, "gru_1")?.from).toEqual(["said/embedding_1", "encoder"]);
  });
});

describe("logits", () => {
  it("name a layer of their own list by the name that it has there", () => {
    const blocks = `blocks:
  guesser:
    layers:
      - { codes: {}, as: pieces }
      - previous: pieces
      - embedding: 3
      - logits: pieces
`;
    const { layers } =
      specFrom(`data: { source: arrays, features: { x: { type: vector, shape: [4, 3] } } }
${blocks}model:
  layers:
    - { dense: 5, from: x }
    - { block: guesser, as: guess }
train: { loss: { cross_entropy: { target: guess/pieces } } }
`);
    expect(named(layers, "guess/logits_1")?.fields.of).toBe("guess/pieces");
  });

  it("may have the name of what they score", () => {
    const layers = layersOf(
      `\n    - previous: answer${rest.replace("- logits: answer", "- { logits: answer, as: answer }")}`,
    );
    expect(named(layers, "answer")?.fields.of).toBe("answer");
    expect(named(layers, "previous_1")?.from).toEqual(["answer"]);
  });
});

describe("losses", () => {
  const yaml = (losses: string): string => `data:
  source: arrays
  features: { x: { type: vector, shape: [5, 3] } }
  targets: { y: { type: vector, shape: [4] } }
model:
  layers:
    - { lstm: { units: 4, return: sequence }, as: encoder }
    - { dense: 1, from: encoder.state, as: size }
train:
  losses:
    - mse: { output: size, target: 0 }
    - ${losses}
`;

  it("compare further outputs of a layer", () => {
    const spec = specFrom(yaml("mae: { output: encoder.last }"));
    expect(spec.train?.losses[1]?.output).toBe("encoder.last");
    const heads = lowered(spec).heads.map(({ name, shape }) => [name, shape]);
    expect(heads).toEqual([
      ["size", [1]],
      ["y", [4]],
    ]);
  });

  it("say what there is where a layer has no such output", () => {
    expect(blamedIn(yaml("mae: { output: encoder.lst }"))).toEqual([
      ["unknown-reference", "encoder.lst"],
    ]);
  });
});
