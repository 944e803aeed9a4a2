/**
 * @file Sequences from the spec to the trained package: a model that spells words backwards. Everything
 * that generation says is compared with what the same model says with teacher forcing.
 */
import {
  createEngine,
  type HostTensor,
  type ModelDefinition,
  random,
  specialTokens,
} from "@dlc/runtime";
import { beforeAll, describe, expect, it } from "vitest";
import { refusal, type TextModel, trainedPackages } from "../../support/trained-packages.js";

const backwards = (word: string): string => Array.from(word).reverse().join("");

/** Words of 3 to 5 letters, in no order. */
const words = Array.from({ length: 1200 }, (_, i) => {
  const length = 3 + Math.floor(3 * random.uniform(i, 1));
  const letters = Array.from(
    { length },
    (_, j) => "abcd"[Math.floor(4 * random.uniform(8 * i + j, 2))],
  );
  return letters.join("");
});

const word = "word: { type: text, tokens: char, max_length: 5 }";
const back = "back: { type: text, tokens: char, max_length: 5 }";

const data = (name: string, targets = back, features = word) => `
dlc: 1
name: ${name}
data:
  source: { csv: words.csv }
  split: { validation: 0.1 }
  features: { ${features} }
  targets: { ${targets} }`;

const seq2seq = `
    - { embedding: 12, from: word }
    - { gru: { units: 48, return: state }, as: encoder }
    - previous: back
    - embedding: 12
    - { gru: { units: 48, return: sequence }, from: { input: embedding_2, state: encoder } }
    - { logits: back, as: scores }`;

const train = `
  optimizer: { adam: { learning_rate: 0.01 } }
  batch: 64`;

const { workspace, packageOf, trained } = trainedPackages();
let model: TextModel;

beforeAll(async () => {
  const rows = words.map((word) => `${word},${backwards(word)},${word.length}`);
  workspace.write("words.csv", `word,back,size\n${rows.join("\n")}\n`);
  model = await trained(`${data("reversal")}
model:
  layers:${seq2seq}
train:
  loss: cross_entropy${train}
  epochs: 14
generate: { decoder: scores, method: beam, beams: 3 }
`);
}, 120_000);

const some = words.slice(0, 40).map((word) => ({ word }));
/** Never seen in training, long and short. */
const given = [...some, { word: "abcda" }, { word: "dad" }];

/** The head's probabilities of every step, with these words as what was said before. */
async function teacherForced(
  definition: ModelDefinition,
  pairs: readonly { readonly word: string; readonly said: string }[],
): Promise<{ tokens: readonly string[]; rows: Float32Array[] }> {
  const { programs, facts, heads, state: specs } = definition;
  const ids = (name: string, text: string, length: number, end: boolean): number[] => {
    const tokens = facts[name]?.vocabulary ?? [];
    const own = Array.from(text, (letter) => tokens.indexOf(letter));
    const all = end ? [...own, specialTokens.end] : own;
    return [...all, ...new Array(length).fill(specialTokens.pad)].slice(0, length);
  };
  const n = pairs.length;
  const input = (rows: readonly number[][]): HostTensor => {
    const data = Int32Array.from(rows.flat());
    return { dtype: "i32", shape: [n, data.length / n], data };
  };
  const { engine } = await createEngine({});
  try {
    const values = await model.read();
    const kept = Object.entries(specs).filter(([name]) => values[name] !== undefined);
    const state = engine.createState(Object.fromEntries(kept), values);
    const executable = await engine.prepare(programs.infer, n);
    const outputs = await executable.run({
      inputs: {
        word: input(pairs.map(({ word }) => ids("word", word, 5, false))),
        back: input(pairs.map(({ said }) => ids("back", said, 6, true))),
      },
      scalars: {},
      state,
    });
    const probabilities = outputs[heads[0]?.name ?? ""]?.data as Float32Array;
    const size = probabilities.length / n;
    return {
      tokens: facts.back?.vocabulary ?? [],
      rows: pairs.map((_, i) => probabilities.slice(i * size, (i + 1) * size)),
    };
  } finally {
    await engine.dispose();
  }
}

describe("a model of sequences", () => {
  it("spells words backwards after a few seconds of training", async () => {
    const found = await model.generate({ given, method: "greedy" });
    const right = found.filter(({ text }, i) => text === backwards(given[i]?.word ?? ""));
    expect(right.length / given.length).toBeGreaterThan(0.9);
  });

  it("says with greedy search what is most probable at each step with teacher forcing", async () => {
    const found = await model.generate({ given, method: "greedy" });
    const pairs = found.map(({ text }, i) => ({ word: given[i]?.word ?? "", said: text }));
    const { tokens, rows } = await teacherForced(model.definition, pairs);
    const { pad, unknown, start, end } = specialTokens;
    for (const [i, { text, score }] of found.entries()) {
      const said = [...Array.from(text, (letter) => tokens.indexOf(letter)), end].slice(0, 6);
      let sum = 0;
      said.forEach((token, step) => {
        const row = rows[i]?.slice(step * tokens.length, (step + 1) * tokens.length) ?? [];
        const allowed = Array.from(row, (p, id) =>
          [pad, unknown, start].includes(id as 0) ? -1 : p,
        );
        expect(allowed.indexOf(Math.max(...allowed))).toBe(token);
        sum += Math.log(row[token] as number);
      });
      expect(score).toBeCloseTo(sum, 4);
    }
  });

  it("with one beam says what greedy search says", async () => {
    const greedy = await model.generate({ given, method: "greedy" });
    expect(await model.generate({ given, method: "beam", beams: 1 })).toEqual(greedy);
  });

  it("finds nothing worse with more beams", async () => {
    const greedy = await model.generate({ given, method: "greedy" });
    const beam = await model.generate({ given, method: "beam", beams: 6 });
    for (const [i, { score }] of beam.entries()) {
      expect(score).toBeGreaterThanOrEqual(greedy[i]?.score ?? 0);
    }
  });

  it("gives candidates in the order of their scores, the first of which is the result", async () => {
    const found = await model.generate({ given: some, candidates: 3 });
    for (const { text, score, candidates = [] } of found) {
      expect(candidates).toHaveLength(3);
      expect(candidates[0]).toEqual({ text, score });
      const scores = candidates.map((candidate) => candidate.score);
      expect(scores).toEqual(scores.toSorted((a, b) => b - a));
    }
  });

  it("predicts with the search of the spec, what generate() says by default", async () => {
    const predicted = await model.predict(given);
    expect(predicted).toEqual(await model.generate({ given, method: "beam", beams: 3 }));
    expect(await model.generate({ given })).toEqual(predicted);
    const [first] = given;
    expect(await model.predict(first ?? {})).toEqual(predicted[0]);
  });

  it("gives an example the same whatever is generated beside it", async () => {
    for (const method of ["greedy", "sample", "beam"] as const) {
      const options = { method, seed: 5 };
      const all = await model.generate({ ...options, given });
      const less = await model.generate({ ...options, given: given.slice(0, 3) });
      expect(all.slice(0, 3)).toEqual(less);
    }
  });

  it("samples the same with the same seed, and more of it with a high temperature", async () => {
    const sample = { given: { word: "abcd" }, count: 60, method: "sample" } as const;
    const texts = async (options: object): Promise<string[]> =>
      (await model.generate({ ...sample, ...options })).map(({ text }) => text);
    expect(await texts({ seed: 1 })).toEqual(await texts({ seed: 1 }));
    const hot = await texts({ seed: 1, temperature: 4 });
    expect(hot).not.toEqual(await texts({ seed: 2, temperature: 4 }));
    expect(new Set(hot).size).toBeGreaterThan(20);
    // The most probable token alone is greedy search.
    expect(new Set(await texts({ topK: 1, temperature: 4 })).size).toBe(1);
    expect(hot.every((text) => /^[abcd]{0,6}$/.test(text))).toBe(true);
  });

  it("goes on from a prompt", async () => {
    const [whole] = await model.generate({ given: { word: "abcd" }, prompt: "dc" });
    expect(whole?.text).toBe("dcba");
    const several = await model.generate({ given: { word: "abcd" }, prompt: ["d", "bb", "dcb"] });
    expect(several.map(({ text }, i) => text.slice(0, [1, 2, 3][i]))).toEqual(["d", "bb", "dcb"]);
    const [free] = await model.generate({ given: { word: "abcd" } });
    // Less is left to chance.
    expect(several[2]?.score).toBeGreaterThan(free?.score ?? 0);
  });

  it("stops at the greatest length that is asked for", async () => {
    const found = await model.generate({ given: some, maxLength: 2 });
    expect(found.every(({ text }) => text.length === 2)).toBe(true);
  });

  it("computes the encoder once, not at every step", () => {
    const { encode, generate } = model.definition.programs;
    const weights = (names: readonly string[] = []): string[] => [
      ...new Set(names.map((name) => name.split(".")[0] ?? "")),
    ];
    expect(weights(encode?.reads).sort()).toEqual(["embedding_1", "encoder"]);
    expect(weights(generate?.reads).sort()).toEqual(["embedding_2", "gru_1", "scores"]);
    expect(Object.keys(encode?.inputs ?? {})).toEqual(["word"]);
    expect(Object.keys(generate?.inputs ?? {}).sort()).toEqual([
      "generate.encoded_1",
      "generate.tokens",
    ]);
    expect(generate?.outputs).toEqual({ next: { dtype: "f32", shape: ["n", 8] } });
  });

  it("evaluates with teacher forcing", async () => {
    const { loss } = await model.evaluate({ split: "validation" });
    expect(loss).toBeLessThan(0.2);
  });

  it("refuses what it cannot do, and says where and why", async () => {
    const of = { given: { word: "abcd" } };
    const refusals = [
      [{ ...of, prompt: "" }, /^empty-prompt: the prompt is empty/],
      [{ ...of, prompt: "dcxa" }, /^unknown-in-prompt: "x" of the prompt .* vocabulary of 'back'/],
      [{ ...of, prompt: "dcbadc" }, /^prompt-too-long: the prompt has 6 tokens/],
      [{ ...of, prompt: "dcb", maxLength: 3 }, /^prompt-too-long: .* there are 3 in all/],
      [{ ...of, maxLength: 7 }, /^invalid-setting: maxLength is 7, but the decoder has 6 steps/],
      [{ ...of, maxLength: 0 }, /^invalid-setting: maxLength is 0/],
      [{ ...of, beams: 0 }, /^invalid-setting: beams is 0/],
      [{ ...of, method: "best" }, /^invalid-setting: method is best/],
      [{ ...of, method: "sample", temperature: 0 }, /^invalid-setting: temperature is 0/],
      [{ ...of, method: "sample", topP: 1.5 }, /^invalid-setting: topP is 1.5/],
      [{ ...of, method: "sample", topK: 0.5 }, /^invalid-setting: topK is 0.5/],
      [{ ...of, method: "greedy", beams: 2 }, /^invalid-setting: beams has no effect/],
      [{ ...of, temperature: 2 }, /^invalid-setting: temperature has no effect with method "beam"/],
      [{ ...of, lengthPenalty: -1 }, /^invalid-setting: lengthPenalty is -1/],
      [{ ...of, candidates: 4 }, /^invalid-setting: candidates is 4, not .* from 1 to 3/],
      [{ ...of, method: "greedy", candidates: 1 }, /^invalid-setting: method "greedy" finds one/],
      [{ ...of, count: 2 }, /^invalid-setting: count is 2, but method "beam" makes the same/],
      [
        { given: [of.given], prompt: ["d", "c"] },
        /^invalid-setting: count is 1, but the number of values/,
      ],
      [{ ...of, prompt: 7 }, /^invalid-setting: the prompt is a number/],
      [{}, /^input-missing: 'word' is missing/],
      [{ given: { word: "abcd", wrod: "" } }, /^unknown-input/],
    ] as const;
    for (const [options, message] of refusals) {
      expect(await refusal(model.generate(options as never))).toMatch(message);
    }
  });
});

describe("without a generate section", () => {
  it("predict() generates greedily where there is one decoder", async () => {
    const { definition } = await packageOf(`${data("plain")}
model:
  layers:${seq2seq}
train: { loss: cross_entropy }
`);
    expect(definition.generate?.sequence).toMatchObject({
      ...{ text: "back", predicts: "back", steps: 6, start: specialTokens.start },
      search: { method: "greedy" },
    });
  });

  it("other outputs are still predicted beside the text", async () => {
    const both = await trained(`${data("both", `${back}, size: { type: number }`)}
model:
  layers:${seq2seq}
    - { dense: 1, from: encoder, as: length }
train:
  losses:
    - cross_entropy: { output: scores, target: back }
    - mse: { output: length, target: size }${train}
  epochs: 1
`);
    const [first] = await both.predict(some);
    const text = { text: expect.any(String), score: expect.any(Number) };
    expect(first).toEqual({ back: text, size: { value: expect.any(Number) } });
    expect(Object.keys(both.definition.programs.infer.inputs)).toEqual(["word"]);
  }, 60_000);
});

describe("a language model", () => {
  let poet: TextModel;
  beforeAll(async () => {
    poet =
      await trained(`${data("poet", "", "word: { type: text, tokens: char, max_length: 5, end: true }")}
model:
  layers:
    - previous: word
    - embedding: 8
    - { gru: { units: 24, return: sequence } }
    - { logits: word, as: scores }
train:
  loss: { cross_entropy: { output: scores, target: word } }${train}
  epochs: 4
generate: { decoder: scores, method: sample }
`);
  }, 60_000);

  it("generates from nothing, as many as are asked for", async () => {
    const found = await poet.generate({ count: 70, seed: 3 });
    const texts = found.map(({ text }) => text);
    expect(new Set(texts).size).toBeGreaterThan(40);
    // It has learnt how long words are.
    const usual = texts.filter((text) => /^[abcd]{3,5}$/.test(text)).length;
    expect(usual / texts.length).toBeGreaterThan(0.9);
    expect(await poet.generate({ count: 20, seed: 3 })).toEqual(found.slice(0, 20));
  });

  it("continues prompts", async () => {
    const found = await poet.generate({ prompt: "da", count: 10 });
    expect(found.every(({ text }) => text.startsWith("da"))).toBe(true);
    expect(new Set(found.map(({ text }) => text)).size).toBeGreaterThan(1);
  });

  it("has no encoder to compute ahead, and takes no conditions", async () => {
    expect(poet.definition.programs.encode).toBeUndefined();
    expect(await refusal(poet.generate({ given: {} as never }))).toMatch(/^invalid-setting/);
  });
});

it("gives packages types that know what can be asked of them", async () => {
  workspace.write(
    "use.ts",
    `import { load } from "./generated/reversal/index.js";
const model = await load();
const { text, score }: { text: string; score: number } = await model.predict({ word: "abc" });
const [made] = await model.generate({ given: { word: "abc" }, method: "beam", candidates: 2 });
const best: readonly { readonly text: string }[] = made?.candidates ?? [];
// @ts-expect-error there is no such method
await model.generate({ given: { word: text }, method: "best" });
// @ts-expect-error the feature is called word
await model.generate({ given: { wrod: text } });
// @ts-expect-error what it is made for must be given
await model.generate({});
// @ts-expect-error here, too
await model.generate();
const several = await model.generate({ given: [{ word: "abc" }, { word: "cba" }] });
// @ts-expect-error text is no number
const wrong: number = made?.text;
export { best, score, several, wrong };
`,
  );
  expect(await workspace.typeErrors()).toEqual([]);
}, 60_000);
