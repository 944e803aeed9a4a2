/**
 * @file The graphs behind sequences, in float64: a step of generation gives what the whole model gives
 * with teacher forcing, whether its encoder is computed ahead or not.
 */
import { type FittedFacts, sequenceInputs, specialTokens } from "@dlc/runtime";
import { describe, expect, it } from "vitest";
import { stepOf } from "../../compiler/2-lower/one-step.js";
import { withoutSteps } from "../../compiler/2-lower/split-encoder.js";
import { createBuilder } from "../../compiler/ir/builder.js";
import { nodesOf } from "../../compiler/ir/traverse.js";
import type { Graph, Value } from "../../compiler/ir/types.js";
import { blamedIn, specFrom } from "../support/from-yaml.js";
import {
  complaints,
  expectClose,
  inputValues,
  lowered,
  noise,
  numbers,
  run,
  scalarOf,
  stateValues,
  tensor,
  type Values,
} from "../support/lowering.js";

const vocabulary = ["<pad>", "<unknown>", "<start>", "<end>", "a", "b", "c"];
const facts: FittedFacts = { asked: { vocabulary }, said: { vocabulary } };

const said = "said: { type: text, tokens: char, max_length: 3, end: true }";
const data = {
  answers: `
  features: { asked: { type: text, tokens: char, max_length: 4 } }
  targets: { ${said} }`,
  /** A language model: it says its feature. */
  itself: `
  features: { ${said} }
  targets: {}`,
};

/** Decoders of several kinds, all with the scores at the end. */
const decoders: Readonly<Record<string, string>> = {
  "a state from the encoder": `
    - { embedding: 3, from: asked }
    - { gru: { units: 4, return: state }, as: encoder }
    - previous: said
    - { embedding: 3 }
    - { gru: { units: 4, return: sequence }, from: { input: embedding_2, state: encoder } }
    - { dense: { units: 5, activation: tanh } }
    - { logits: said, as: scores }`,
  "attention to all that the encoder gives": `
    - { embedding: 3, from: asked }
    - { lstm: { units: 4, return: sequence, bidirectional: true }, as: encoder }
    - previous: said
    - { embedding: 3 }
    - { gru: { units: 4, return: sequence }, as: decoder }
    - { attention: additive, from: { query: decoder, memory: encoder }, as: context }
    - concat: [decoder, context]
    - { dense: { units: 5, activation: relu } }
    - { logits: { of: said, bias: false }, as: scores }`,
  "nothing but what it has said": `
    - previous: said
    - { embedding: 3 }
    - { gru: { units: 4, return: sequence } }
    - { logits: said, as: scores }`,
};

const ids = (rows: readonly (readonly number[])[], steps: number) =>
  tensor(
    [rows.length, steps],
    rows.flatMap((row) => [...row, ...new Array(steps).fill(0)].slice(0, steps)),
    "i32",
  );

const asked = ids([[4, 5], [6, 6, 4, 5], [5]], 4);
const answers = [
  [4, 5, 6, 3],
  [5, 3],
  [6, 6, 3],
];
const n = 3;

for (const [name, layers] of Object.entries(decoders)) {
  describe(`a decoder with ${name}`, () => {
    const reads = layers.includes("asked");
    const spec = specFrom(`
data:
  source: { arrays: true }${reads ? data.answers : data.itself}
model:
  layers:${layers}
train: { loss: { cross_entropy: { target: said } } }
generate: { decoder: scores }
`);
    const { generate, infer, state } = lowered(spec, facts);
    const weights = stateValues(state);
    const encode = generate?.encode;

    it("gives at each position what it gives with teacher forcing", () => {
      const forced = numbers(run(infer, { ...weights, asked, said: ids(answers, 4) }, n).said);
      const encoded = encode ? run(encode, { ...weights, asked }, n) : {};
      for (let position = 0; position < 4; position++) {
        const shown = answers.map((answer) => [specialTokens.start, ...answer.slice(0, position)]);
        const tokens = ids(shown, 4);
        const step = {
          asked,
          [sequenceInputs.tokens]: tokens,
          position: scalarOf(position, "i32"),
        };
        const values = { ...weights, ...encoded, ...step };
        const next = numbers(run(generate?.graph as Graph, values, n).next);
        for (const [row, answer] of answers.entries()) {
          // Behind its end an answer has no next token.
          if (position >= answer.length) continue;
          const want = forced.slice((row * 4 + position) * 7, (row * 4 + position + 1) * 7);
          expectClose(next.slice(row * 7, (row + 1) * 7), want.map(Math.log), 1e-9);
        }
      }
    });

    it("computes ahead what does not depend on the tokens, if there is anything", () => {
      const layersOf = (graph: Graph | undefined): string[] =>
        (graph === undefined ? [] : nodesOf(graph)).flatMap(({ kind, attrs }) =>
          kind === "state" ? [String(attrs.name).split(".")[0] ?? ""] : [],
        );
      expect(layersOf(encode).includes("encoder")).toBe(reads);
      expect(layersOf(generate?.graph)).not.toContain("encoder");
      expect(generate?.given).toEqual(reads ? ["asked"] : []);
      const predicts = reads ? "said" : null;
      expect(generate?.sequence).toMatchObject({ text: "said", steps: 4, start: 2, predicts });
    });
  });
}

it("does not mistake features for its own inputs, whatever they are called", () => {
  const renamed = (text: string): string => text.replaceAll("asked", "tokens");
  const { generate } = lowered(
    specFrom(
      renamed(`
data:
  source: { arrays: true }${data.answers}
model:
  layers:${decoders["a state from the encoder"]}
train: { loss: cross_entropy }
`),
    ),
    { ...facts, tokens: { vocabulary } },
  );
  expect(generate?.given).toEqual(["tokens"]);
  expect(generate?.encode).toBeDefined();
});

describe("every setting of a search", () => {
  const sequenceOf = (settings: string) =>
    lowered(
      specFrom(`
data:
  source: { arrays: true }${data.itself}
model:
  layers:${decoders["nothing but what it has said"]}
train: { loss: { cross_entropy: { target: said } } }
${settings === "" ? "" : `generate: { decoder: scores, ${settings} }`}
`),
      facts,
    ).generate?.sequence;

  it("has a default, which holds without a generate section, too", () => {
    const search = {
      ...{ method: "greedy", beams: 4, temperature: 1, topK: null, topP: null },
      ...{ maxLength: null, lengthPenalty: 0 },
    };
    expect(sequenceOf("method: greedy")?.search).toEqual(search);
    expect(sequenceOf("")).toEqual(sequenceOf("method: greedy"));
  });

  it.each([
    ["method: beam, beams: 7", { method: "beam", beams: 7 }],
    ["method: beam, length_penalty: 0.6", { method: "beam", lengthPenalty: 0.6 }],
    ["method: sample, temperature: 0.7", { method: "sample", temperature: 0.7 }],
    ["method: sample, top_k: 5", { topK: 5 }],
    ["method: sample, top_p: 0.9", { topP: 0.9 }],
    ["max_length: 2", { method: "greedy", maxLength: 2 }],
  ])("is handed to the package: %s", (settings, wanted) => {
    expect(sequenceOf(settings)?.search).toMatchObject(wanted);
  });
});

describe("the cut before the steps", () => {
  const { b, x, kernel } = (() => {
    const builder = createBuilder();
    return {
      b: builder,
      x: builder.input("x", "batch", "f32", ["n", 2, 3]),
      kernel: builder.state("kernel", "f32", [3, 3]),
    };
  })();
  const plain = { transposeA: false, transposeB: false, activation: "none" } as const;
  const tokens = b.input("tokens", "batch", "f32", ["n", 3]);
  const graphOf = (value: Value): Graph => ({
    name: "generate",
    outputs: [{ name: "next", role: "output", value }],
  });
  const changing = new Set(["tokens"]);
  const values: Values = {
    x: noise("x", [2, 2, 3]),
    kernel: noise("kernel", [3, 3]),
    tokens: noise("tokens", [2, 3]),
  };

  it("hands values with the examples on another axis over with the examples first", () => {
    const projected = b.transpose(b.matmul(x, kernel, plain), { perm: [1, 0, 2] });
    const graph = graphOf(b.sum(b.mul(projected, tokens), { axes: [0], keepDims: false }));
    const split = withoutSteps(graph, changing);
    const handed = run(split?.before as Graph, values, 2);
    expect(Object.values(handed).map(({ shape }) => shape)).toEqual([[2, 2, 3]]);
    const { x: _, ...rest } = values;
    expectClose(
      run(split?.step as Graph, { ...rest, ...handed }, 2).next,
      numbers(run(graph, values, 2).next),
    );
  });

  it("is not made where only inputs would be handed over", () => {
    const scaled = b.mul(x, b.constant({ dtype: "f32", shape: [], value: 2 }));
    const graph = graphOf(b.mul(b.sum(scaled, { axes: [1], keepDims: false }), tokens));
    expect(withoutSteps(graph, changing)).toBeNull();
    const ofWeights = b.sum(b.exp(kernel), { axes: [0], keepDims: false });
    expect(withoutSteps(graphOf(b.mul(ofWeights, tokens)), changing)).toBeNull();
  });

  it("hands a value over once, however often it is read", () => {
    const last = b.sum(b.matmul(x, kernel, plain), { axes: [1], keepDims: false });
    const graph = graphOf(b.add(b.mul(last, tokens), b.tanh(b.sub(tokens, last))));
    const split = withoutSteps(graph, changing);
    expect(split?.before.outputs.map(({ name }) => name)).toEqual(["generate.encoded_1"]);
  });
});

describe("one step of a sequence", () => {
  it("is that step of what all steps give, without computing the others", () => {
    const b = createBuilder();
    const x = b.input("x", "batch", "f32", ["n", 5, 3]);
    const y = b.input("y", "batch", "f32", ["n", 5, 2]);
    const kernel = b.state("kernel", "f32", [5, 4]);
    const bias = b.state("bias", "f32", [4]);
    const plain = { transposeA: false, transposeB: false, activation: "none" } as const;
    const both = b.concat([b.tanh(x), y], { axis: 2 });
    const scores = b.add(b.matmul(both, kernel, plain), bias);
    const position = b.input("position", "scalar", "i32", []);
    const graph: Graph = {
      name: "step",
      outputs: [
        { name: "one", role: "output", value: stepOf(b, scores, position) },
        { name: "all", role: "output", value: scores },
      ],
    };
    const values = {
      ...{ x: noise("x", [2, 5, 3]), y: noise("y", [2, 5, 2]) },
      ...{ kernel: noise("kernel", [5, 4]), bias: noise("bias", [4]) },
    };
    for (const at of [0, 2, 4]) {
      const results = run(graph, { ...values, position: scalarOf(at, "i32") }, 2);
      const all = numbers(results.all);
      const want = [0, 1].flatMap((row) => all.slice((row * 5 + at) * 4, (row * 5 + at + 1) * 4));
      expectClose(results.one, want);
    }
    const alone = nodesOf({ name: "", outputs: graph.outputs.slice(0, 1) });
    const product = alone.find(({ kind }) => kind === "matmul");
    expect(product?.types[0]?.shape).toEqual(["n", 4]);
  });
});

describe("codes", () => {
  const codes = (generate: string): string => `
data:
  source: { arrays: true }
  features:
    hint: { type: vector, shape: [2] }
    picture: { type: vector, shape: [6], scale: none }
  targets: {}
networks:
  painter: { layers: [flatten, dense: 6] }
model:
  layers:
    - { dense: 12, from: picture }
    - { reshape: [3, 4] }
    - { codes: {}, as: pieces }
    - { one_hot: {}, as: chosen }
    - { use: painter, from: chosen, as: painted }
    - { dense: 5, from: hint, as: wish }
    - { previous: pieces }
    - { embedding: 3, as: earlier }
    - { gru: { units: 5, return: sequence }, from: { input: earlier, state: wish } }
    - { logits: pieces, as: scores }
train:
  losses:
    - mse: { output: painted, target: picture }
    - cross_entropy: { output: scores, target: pieces }
generate: { ${generate} }
`;

  for (const output of ["painter", "painted"]) {
    it(`are said from the conditions and rendered by the output '${output}'`, () => {
      const { generate, state } = lowered(
        specFrom(codes(`decoder: scores, output: ${output}, method: sample`)),
      );
      expect(generate?.given).toEqual(["hint"]);
      expect(generate?.sequence).toMatchObject({
        ...{ text: null, steps: 3, start: 4, codes: [3], predicts: null },
        search: { method: "sample" },
      });
      expect(generate?.head).toMatchObject({ name: "painted", target: "picture", shape: [6] });
      const weights = stateValues(state);
      const said = tensor([2, 3], [0, 3, 2, 1, 1, 0], "i32");
      const rendered = numbers(
        run(generate?.render as Graph, { ...weights, [sequenceInputs.codes]: said }, 2).painted,
      );
      // A code is a row of the painter's kernel.
      const { data: kernel } = weights["painter.dense_1.kernel"] as Values[string];
      const { data: bias } = weights["painter.dense_1.bias"] as Values[string];
      const want = [0, 1].flatMap((row) =>
        Array.from({ length: 6 }, (_, i) =>
          [0, 1, 2].reduce(
            (sum, step) =>
              sum + (kernel[(step * 4 + (said.data[row * 3 + step] as number)) * 6 + i] as number),
            bias[i] as number,
          ),
        ),
      );
      expectClose(rendered, want);
    });
  }

  it("score every code, with a start of their own", () => {
    const { generate, state } = lowered(specFrom(codes("decoder: scores, output: painter")));
    const graph = generate?.graph as Graph;
    const weights = stateValues(state);
    expect(state["earlier.table"]?.shape ?? state["earlier.embeddings"]?.shape).toEqual([5, 3]);
    const encoded = generate?.encode
      ? run(generate.encode, { ...weights, ...inputValues(generate.encode, 2) }, 2)
      : {};
    const tokens = tensor([2, 3], [4, 0, 0, 4, 0, 0], "i32");
    const shown = { [sequenceInputs.tokens]: tokens, position: scalarOf(0, "i32") };
    const values = { ...weights, ...encoded, ...shown };
    const next = run(graph, values, 2).next;
    expect(next?.shape).toEqual([2, 4]);
    for (const row of [0, 1]) {
      const total = numbers(next)
        .slice(row * 4, row * 4 + 4)
        .reduce((sum, s) => sum + Math.exp(s), 0);
      expect(total).toBeCloseTo(1, 10);
    }
  });

  it("must be all that the output is made of", () => {
    const both = codes("decoder: scores, output: mixed").replace(
      "    - { dense: 5, from: hint",
      "    - { dense: 6, from: picture, as: seen }\n    - { add: [painted, seen], as: mixed }\n    - { dense: 5, from: hint",
    );
    const spec = specFrom(both.replace("output: painted", "output: mixed"));
    const [found] = complaints(spec);
    expect(found?.code).toBe("generate-shape");
    expect(found?.message).toContain("it also depends on 'picture'");
  });

  it("have no use for a greatest length, nor for settings of another method", () => {
    const blamed = blamedIn(codes("decoder: scores, output: painter, max_length: 2, top_k: 3"));
    expect(blamed.filter(([code]) => code === "setting-without-effect")).toEqual([
      ["setting-without-effect", "3"],
      ["setting-without-effect", "2"],
    ]);
  });
});

describe("decoders that predict() needs", () => {
  const two = (more: string): string => `
data:
  source: { arrays: true }
  features: { x: { type: vector, shape: [4] } }
  targets:
    asked: { type: text, tokens: char, max_length: 4 }
    said: { type: text, tokens: char, max_length: 3 }
model:
  layers:
    - { previous: asked, as: a }
    - { embedding: 4, as: b }
    - { gru: { units: 4, return: sequence }, from: { input: b, state: x } }
    - { logits: asked, as: question }
    - { previous: said, as: c }
    - { embedding: 4, as: d }
    - { gru: { units: 4, return: sequence }, from: { input: d, state: x } }
    - { logits: said, as: answer }
    - { dense: 1, from: x, as: size }
train:
  losses:
    - cross_entropy: { output: question, target: asked }
    - cross_entropy: { output: answer, target: said }
    - mse: { output: size, target: 1 }
${more}`;

  it("must be clear: of two, generate names one", () => {
    expect(complaints(specFrom(two("")), facts).map(({ code }) => code)).toEqual([
      "generate-unclear",
    ]);
    const { generate, infer, heads } = lowered(
      specFrom(two("generate: { decoder: answer }")),
      facts,
    );
    expect(generate?.sequence?.predicts).toBe("said");
    expect(heads.map(({ name }) => name)).toEqual(["asked", "said", "size"]);
    // Only what needs no target is computed by itself.
    expect(infer.outputs.map(({ name }) => name)).toEqual(["size"]);
  });
});
