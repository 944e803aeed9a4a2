/**
 * @file A small DALL-E (Ramesh et al. 2021): a discrete autoencoder, whose codes a transformer models
 * behind a caption, one after the other in time.
 */
import type { FittedFacts } from "@dlc/runtime";
import { describe, expect, it } from "vitest";
import { lowerModel } from "../../compiler/2-lower/lower-model.js";
import { phasePrograms } from "../../compiler/3-differentiate/phase-programs.js";
import { Diagnostics } from "../../compiler/diagnostics/report.js";
import { nodesOf } from "../../compiler/ir/traverse.js";
import type { Graph } from "../../compiler/ir/types.js";
import { specFrom } from "../support/from-yaml.js";
import {
  expectClose,
  inputValues,
  lowered,
  numbers,
  run,
  scalarOf,
  stateValues,
  tensor,
} from "../support/lowering.js";

const places = 4;
const codes = 5;
const longest = 3;

const yaml = (parts = "letters, painted", crop = [longest, 0]): string => `
data:
  source: { arrays: true }
  features:
    image: { type: image, shape: [4, 4, 1], scale: unit }
    caption: { type: text, tokens: char, max_length: ${longest} }
networks:
  encoder:
    layers: [{ conv2d: { filters: ${codes}, kernel: 2, stride: 2 } }, { reshape: [${places}, ${codes}] }]
  painter:
    layers: [{ reshape: [2, 2, ${codes}] }, { transposed_conv2d: { filters: 1, kernel: 2, stride: 2 } }]
  transformer:
    layers: [{ positions: learned }, { block: { name: transformer_causal, with: { heads: 2, dropout: 0 } } }]
model:
  layers:
    - { use: encoder, from: image, as: scores }
    - { gumbel_softmax: 0.7, as: choice }
    - { use: painter, as: reconstruction }
    - { codes: {}, from: scores, as: picture }
    - one_hot
    - { use: painter, as: drawn }
    - { embedding: 8, from: caption, as: letters }
    - previous: picture
    - { embedding: 8, as: painted }
    - concat: { inputs: [${parts}], axis: 1 }
    - { use: transformer, as: seen }
    - crop1d: [${crop}]
    - { logits: picture, as: next }
train:
  epochs: 4
  optimizer: sgd
  phases:
    - name: tokeniser
      update: [encoder, painter]
      losses: [{ binary_cross_entropy: { output: reconstruction, target: image } }]
      last_epoch: 2
    - name: speaker
      update: [letters, painted, transformer, next]
      losses: [{ cross_entropy: { output: next, target: picture } }]
      first_epoch: 3
generate: { decoder: next, output: painter, method: sample }
`;
const facts: FittedFacts = {
  caption: { vocabulary: ["<pad>", "<unknown>", "<start>", "<end>", "a", "b", "c"] },
};

describe("a small DALL-E", () => {
  const spec = specFrom(yaml());
  const model = lowered(spec, facts);
  const { infer, generate, state } = model;
  const weights = stateValues(state);
  const graphOf = (graph: Graph | undefined): Graph => graph ?? expect.fail("no such graph");

  it("generates codes for captions, and images of the codes", () => {
    expect(generate?.given).toEqual(["caption"]);
    expect(generate?.sequence).toMatchObject({
      ...{ text: null, steps: places, start: codes, codes: [places] },
    });
    expect(generate?.head).toMatchObject({ name: "drawn", kind: "value", shape: [4, 4, 1] });
  });

  it("trains each phase apart from what the other updates", () => {
    const diagnostics = new Diagnostics();
    const programs = phasePrograms(model, spec.train as never, (same) => same, diagnostics);
    expect(diagnostics.all).toEqual([]);
    const [tokeniser, speaker] = (programs?.phases ?? []).map(({ train }) => ({
      reads: nodesOf(train).flatMap(({ kind, attrs }) =>
        kind === "state" ? [String(attrs.name).split(/[./]/)[0]] : [],
      ),
      updates: train.outputs.flatMap(({ name, role }) =>
        role === "state" ? [name.split(/[./]/)[0]] : [],
      ),
      kinds: new Set(nodesOf(train).map(({ kind }) => kind)),
    }));
    expect(new Set(tokeniser?.reads)).toEqual(new Set(["encoder", "painter"]));
    expect(new Set(tokeniser?.updates)).toEqual(new Set(["encoder", "painter"]));
    expect(new Set(speaker?.updates)).toEqual(
      new Set(["letters", "painted", "transformer", "next"]),
    );
    expect(speaker?.reads).toContain("encoder");
    expect(speaker?.reads).not.toContain("painter");
    // The codes are those of the scores: nothing is drawn, and no gradient goes back to the image.
    expect(speaker?.kinds).not.toContain("randomUniform");
    expect(speaker?.kinds).not.toContain("conv2dFilterGrad");
  });

  const step = (values = weights, caption = [4, 5, 0], said = [codes, 1, 2, 0]) => {
    const graph = graphOf(generate?.graph);
    const inputs = {
      caption: tensor([1, longest], caption, "i32"),
      "generate.tokens": tensor([1, places], said, "i32"),
      position: scalarOf(2, "i32"),
    };
    const named = nodesOf(graph).flatMap(({ kind, attrs }) =>
      kind === "input" ? [String(attrs.name)] : [],
    );
    const encoded = generate?.encode && run(generate.encode, { ...values, ...inputs }, 1);
    return numbers(
      Object.values(run(graph, { ...values, ...encoded, ...inputs }, 1))[0] ??
        expect.fail(`${named}`),
    );
  };
  const changed = (name: string, row: number) => {
    const { shape, data } = weights[name] as (typeof weights)[string];
    const width = shape[1] as number;
    return {
      ...weights,
      [name]: tensor(
        shape,
        data.map((v, i) => (Math.floor(i / width) === row ? v + 1 : v)),
      ),
    };
  };

  it("gives log-probabilities of the next code that depend on caption and picture so far", () => {
    const before = step();
    expect(before).toHaveLength(codes);
    expect(before.reduce((sum, v) => sum + Math.exp(v), 0)).toBeCloseTo(1, 9);
    expect(step(weights, [5, 5, 0])).not.toEqual(before);
    expect(step(weights, [4, 5, 6])).not.toEqual(before);
    expect(step(weights, [4, 5, 0], [codes, 3, 2, 0])).not.toEqual(before);
    // What comes later is not known yet.
    expectClose(tensor([codes], step(weights, [4, 5, 0], [codes, 1, 2, 4])), before, 1e-12);
  });

  it("gives no attention to the padding of captions", () => {
    expectClose(tensor([codes], step(changed("letters.table", 0))), step(), 1e-12);
    expect(step(changed("letters.table", 4))).not.toEqual(step());
  });

  it("draws codes as the autoencoder does: in pixels, as the loss reads them", () => {
    const images = run(infer, { ...weights, ...inputValues(infer, 1) }, 1);
    const [reconstruction = expect.fail("no head")] = Object.values(images);
    const n = codes ** places;
    const all = Array.from({ length: n }, (_, i) =>
      Array.from({ length: places }, (_, k) => Math.floor(i / codes ** k) % codes),
    );
    const values = { ...weights, "generate.codes": tensor([n, places], all.flat(), "i32") };
    const [drawn = expect.fail("no picture")] = Object.values(
      run(graphOf(generate?.render), values, n),
    );
    const pictures = numbers(drawn);
    expect(Math.min(...pictures)).toBeGreaterThan(0);
    expect(Math.max(...pictures)).toBeLessThan(255);
    const wanted = numbers(reconstruction);
    const found = all.filter((_, i) =>
      wanted.every((v, k) => Math.abs(v - (pictures[16 * i + k] as number)) < 1e-9),
    );
    expect(found).toHaveLength(1);
  });

  it("must not see what it is about to draw", () => {
    const codesOf = (...of: Parameters<typeof yaml>) => {
      const diagnostics = new Diagnostics();
      lowerModel(specFrom(yaml(...of)), facts, diagnostics);
      return diagnostics.all.map(({ code }) => code);
    };
    // Behind the picture the caption moves nothing: what is cut from the front makes codes come early.
    expect(codesOf("painted, letters", [longest, 0])).toEqual(["sees-the-future"]);
    expect(codesOf("painted, letters", [0, longest])).toEqual([]);
    expect(codesOf("letters, painted", [longest, 0])).toEqual([]);
  });
});
