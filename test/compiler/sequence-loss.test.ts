/** @file Language models and decoders in the graph: shifted ids, scores, losses of tokens and steps. */
import { type FittedFacts, specialTokenNames } from "@dlc/runtime";
import { describe, expect, it } from "vitest";
import type { LoweredModel } from "../../compiler/2-lower/lowered-model.js";
import { nodesOf } from "../../compiler/ir/traverse.js";
import type { Graph } from "../../compiler/ir/types.js";
import { expectTrueGradients, specFrom } from "../support/from-yaml.js";
import {
  complaints,
  expectClose,
  inputValues,
  lowered,
  noise,
  numbers,
  run,
  stateValues,
  tensor,
  trained,
  type Values,
} from "../support/lowering.js";

const tokens = 7;
const steps = 5;

/** Every text has the vocabulary <pad> <unknown> <start> <end> a b c. */
const facts: FittedFacts = Object.fromEntries(
  ["verse", "question"].map((name) => [
    name,
    { vocabulary: [...specialTokenNames, "a", "b", "c"], length: steps },
  ]),
);

const texts = tensor([3, steps], [4, 5, 6, 0, 0, 5, 5, 4, 6, 4, 6, 0, 0, 0, 0], "i32");
const lengths = [3, 5, 1];

interface Parts {
  readonly layers?: string;
  readonly train?: string;
  readonly data?: string;
}

const decoder = `
    - previous: verse
    - embedding: 3
    - lstm: { units: 4, return: sequence }
    - logits: verse`;
const loss = `
  loss: { cross_entropy: { target: verse } }`;

const yaml = ({ layers = decoder, train = loss, data = "" }: Parts = {}): string => `data:
  source: arrays
  features: { verse: { type: text, max_length: ${steps} }${data} }
model:
  layers:${layers}
train:${train}
  optimizer: { sgd: { learning_rate: 1 } }
`;

function valuesOf({ state }: LoweredModel, graph: Graph, more: Values = {}): Values {
  return { ...inputValues(graph, 3), ...stateValues(state), verse: texts, ...more };
}

/** The evaluation of a model, and what it read. */
function evaluated(parts: Parts = {}, more: Values = {}) {
  const model = lowered(specFrom(yaml(parts)), facts);
  const graph = model.evaluate as Graph;
  const values = valuesOf(model, graph, more);
  return { model, values, results: run(graph, values, 3) };
}

/** −log of the probability of each token of the texts; nothing for padding. By example. */
function surprises(probabilities: Values[string] | undefined): readonly number[][] {
  return lengths.map((length, row) =>
    Array.from({ length }, (_, step) => {
      const at = row * steps + step;
      return -Math.log(probabilities?.data[at * tokens + (texts.data[at] as number)] as number);
    }),
  );
}

const sum = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0);
const mean = (list: readonly number[]): number => sum(list) / list.length;

describe("a language model", () => {
  it("has a head of tokens, whose loss is the mean over the tokens of the batch", () => {
    const { model, results } = evaluated();
    const head = { name: "verse", target: "verse", kind: "tokens", classes: null };
    expect(model.heads).toEqual([{ ...head, shape: [steps, tokens] }]);
    expectClose(results.loss, [mean(surprises(results.verse).flat())]);
  });

  it("says how many tokens each loss is the mean of, and what it adds to the sum", () => {
    const { results } = evaluated();
    expectClose(results["steps.cross_entropy"], [9, numbers(results.loss)[0] as number]);
  });

  it("sums over the tokens of each text where the loss does", () => {
    const train = "\n  loss: { cross_entropy: { target: verse, reduce: sum } }";
    const { model, results } = evaluated({ train });
    expectClose(results.loss, [mean(surprises(results.verse).map(sum))]);
    expect(model.evaluate?.outputs.map(({ name }) => name)).toEqual(["loss", "verse"]);
  });

  it("smooths labels over the whole vocabulary", () => {
    const train = "\n  loss: { cross_entropy: { target: verse, label_smoothing: 0.2 } }";
    const { results } = evaluated({ train });
    const { data } = results.verse as Values[string];
    const blurred = lengths.flatMap((length, row) =>
      Array.from({ length }, (_, step) => {
        const at = (row * steps + step) * tokens;
        return mean([...data.slice(at, at + tokens)].map((p) => -Math.log(p)));
      }),
    );
    const plain = mean(surprises(results.verse).flat());
    expectClose(results.loss, [0.8 * plain + 0.2 * mean(blurred)]);
  });

  it("has true gradients", () => {
    const { model, train } = trained(specFrom(yaml()), facts);
    const names = expectTrueGradients(train, valuesOf(model, train), 3, 1e-6);
    expect(names.length).toBe(6);
  });

  it("predicts each token from those before it alone", () => {
    const model = lowered(specFrom(yaml()), facts);
    const values = valuesOf(model, model.infer);
    const rows = (verse: Values[string]): readonly number[] =>
      numbers(run(model.infer, { ...values, verse }, 3).verse);
    const before = rows(texts);
    for (let step = 0; step < steps; step++) {
      // In the text without padding another token at this step and after it.
      const data = texts.data.map((id, i) =>
        i >= steps + step && i < 2 * steps ? 4 + (id % 3) : id,
      );
      const after = rows({ ...texts, data });
      const end = (steps + step + 1) * tokens;
      expect(after.slice(0, end)).toEqual(before.slice(0, end));
      if (step + 1 < steps) expect(after.slice(end)).not.toEqual(before.slice(end));
    }
  });

  it("begins with the token for the start", () => {
    const layers = `
    - previous: verse
    - one_hot
    - { dense: { units: 4, bias: false } }
    - logits: verse`;
    const { model, values } = evaluated({ layers });
    // The rows of the kernel are those of the tokens before each step.
    const kernel = numbers(values["dense_1.kernel"]);
    const shown = run(
      { name: "shown", outputs: [{ name: "y", role: "output", value: denseOf(model) }] },
      values,
      3,
    ).y as Values[string];
    const wanted = [0, 1, 2].flatMap((row) =>
      Array.from({ length: steps }, (_, step) => {
        const id = step === 0 ? 2 : (texts.data[row * steps + step - 1] as number);
        return kernel.slice(4 * id, 4 * id + 4);
      }).flat(),
    );
    expectClose(shown, wanted);
  });
});

/** The product of dense_1 in an inference graph. */
function denseOf({ infer }: LoweredModel) {
  const seen = new Set<object>();
  const queue = infer.outputs.map(({ value }) => value);
  for (let value = queue.pop(); value !== undefined; value = queue.pop()) {
    if (seen.has(value.node)) continue;
    seen.add(value.node);
    if (value.node.kind === "matmul" && value.node.origin.layer === "dense_1") return value;
    queue.push(...value.node.inputs);
  }
  throw new Error("no product of dense_1");
}

describe("long texts", () => {
  it("make no larger programs than short ones, with padding as well", () => {
    const nodes = (length: number): number => {
      const spec = specFrom(
        yaml({
          layers: `
    - previous: verse
    - embedding: 3
    - lstm: { units: 4, return: sequence, bidirectional: true }
    - recurrent: { states: { h: 3 }, cell: [{ concat: [x, h] }, { dense: 3, as: next }], next: { h: next }, return: last }
    - dense: 1`,
          train: "\n  loss: { mse: { target: 1 } }",
        }).replace(`max_length: ${steps}`, `max_length: ${length}`),
      );
      return nodesOf(trained(spec, facts).train).length;
    };
    expect(nodes(784)).toBe(nodes(8));
  });
});

describe("several losses", () => {
  const layers = `
    - { previous: verse, as: said }
    - { embedding: 3, from: said, as: words }
    - { gru: { units: 4, return: sequence }, as: memory }
    - { logits: verse, as: next }
    - { dense: 1, from: memory.last, as: size }`;
  const train = `
  losses:
    - cross_entropy: { output: next, target: verse, weight: 2 }
    - mse: { output: size, target: weight }`;
  const data = ", weight: { type: number, scale: none }";

  it("are named, and those of tokens tell their share", () => {
    const weight = noise("weight", [3, 1]);
    const { results } = evaluated({ layers, train, data }, { weight });
    const [total, tokensLoss, numbersLoss] = ["loss", "loss.cross_entropy", "loss.mse"].map(
      (name) => numbers(results[name])[0] as number,
    ) as [number, number, number];
    expectClose([total], [2 * tokensLoss + numbersLoss]);
    expectClose(results["steps.cross_entropy"], [9, 2 * tokensLoss]);
    expect(results["steps.mse"]).toBeUndefined();
  });
});

describe("a sequence of numbers as a target", () => {
  it("counts the steps that are there", () => {
    const layers = `
    - { lstm: { units: 4, return: sequence }, from: path }
    - dense: 2`;
    const train = "\n  loss: { mae: { target: path } }\n  metrics: [mae]";
    const spec = specFrom(
      yaml({ layers, train }).replace(
        /features: .*/,
        `features: { path: { type: sequence, max_length: ${steps}, channels: 2, scale: none } }`,
      ),
    );
    const { model, train: step } = trained(spec, facts);
    const raw = noise("path", [3, steps, 3]);
    const path = {
      ...raw,
      data: raw.data.map((value, i) => {
        const isThere = Math.floor(i / 3) % steps < (lengths[Math.floor(i / 3 / steps)] as number);
        return isThere ? (i % 3 === 2 ? 1 : value) : 0;
      }),
    };
    const values = { ...valuesOf(model, step), path };
    const results = run(model.evaluate as Graph, values, 3);
    const off: number[] = [];
    for (let at = 0; at < 3 * steps; at++) {
      if (path.data[3 * at + 2] === 0) continue;
      for (const channel of [0, 1]) {
        const predicted = results.path?.data[2 * at + channel] as number;
        off.push(Math.abs(predicted - (path.data[3 * at + channel] as number)));
      }
    }
    expect(off.length).toBe(18);
    expectClose(results.loss, [mean(off)]);
    expect(numbers(results["steps.mae"])[0]).toBe(9);
    expectTrueGradients(step, values, 3, 1e-6);
  });
});

describe("the ids of a layer", () => {
  const layers = `
    - { dense: 12, from: x }
    - reshape: [3, 4]
    - { codes: {}, as: pieces }
    - { previous: pieces, as: said }
    - embedding: 3
    - gru: { units: 4, return: sequence }
    - logits: pieces`;
  const spec = () =>
    specFrom(`data: { source: arrays, features: { x: { type: vector, shape: [4] } } }
model:
  layers:${layers}
train:
  loss: { cross_entropy: { target: pieces } }
`);

  it("are predicted from those before, with an id of their own for the start", () => {
    const model = lowered(spec());
    expect(model.state["embedding_1.table"]?.shape).toEqual([5, 3]);
    expect(model.state["logits_1.kernel"]?.shape).toEqual([4, 4]);
    // No head of the user's: nobody knows these ids by name.
    expect(model.heads.map(({ target }) => target)).toEqual([null]);
  });

  it("get no gradient", () => {
    const codes = complaints(spec()).map(({ code }) => code);
    expect(codes).toEqual(["weight-without-gradient"]);
  });
});

describe("a decoder that would see the future", () => {
  /** Codes, with layers between the embedding and the scores. */
  const codesOf = (between: string): readonly string[] => {
    const layers = `
    - { previous: verse, as: said }
    - { embedding: 4, from: said, as: words }${between}
    - logits: verse`;
    const data = between.includes("question") ? ", question: { type: text, max_length: 5 }" : "";
    return complaints(specFrom(yaml({ layers, data })), facts).map(({ code }) => code);
  };
  /** A cell with an attention in it. */
  const cell = (memory: string, state: string, more = ""): string =>
    `\n    - { recurrent: { over: words, states: { h: ${state} }, cell: [{ rnn_cell: { units: 4, state: h }, as: n }${more}, { attention: { kind: multi_head, heads: 2, units: 4 }, from: { query: n, memory: ${memory} } }], next: { h: n }, return: sequence } }`;

  it.each([
    "\n    - lstm: { units: 4, return: sequence }",
    "\n    - conv1d: { filters: 4, kernel: 3, padding: causal }",
    "\n    - attention: { kind: dot, causal: true }",
    "\n    - layer_norm\n    - dense: 8\n    - relu\n    - dropout: 0.5",
    // What stands in front of the text is taken away again.
    "\n    - { embedding: 4, from: question, as: topic }\n    - concat: { inputs: [topic, words], axis: 1 }\n    - attention: { kind: dot, causal: true }\n    - crop1d: [5, 0]",
    "\n    - { recurrent: { over: words, states: { h: 3 }, cell: [{ concat: [x, h] }, { dense: 3, as: next }], next: { h: next }, return: sequence } }",
    "\n    - { lstm: { units: 4, return: last }, as: memory }\n    - { dense: 4, from: memory.sequence }",
    `\n    - { embedding: 4, from: question, as: topic }${cell("topic", "4")}`,
    // Of `like` only the shape counts.
    "\n    - { global_avg_pool1d: {}, as: gist }\n    - { recurrent: { over: words, states: { h: { like: gist } }, cell: [{ add: [x, h], as: n }], next: { h: n }, return: sequence } }",
  ])("is not one where each step sees earlier ones: %s", (between) => {
    expect(codesOf(between)).toEqual([]);
  });

  it.each([
    "\n    - lstm: { units: 4, return: sequence, go_backwards: true }",
    "\n    - conv1d: { filters: 4, kernel: 3, padding: same }",
    "\n    - max_pool1d: { size: 3, stride: 1, padding: same }",
    "\n    - attention: dot",
    "\n    - { attention: { kind: dot }, from: { query: words, memory: words } }",
    "\n    - { concat: { inputs: [words, words], axis: 1 } }\n    - crop1d: [3, 2]",
    "\n    - { global_avg_pool1d: {}, as: gist }\n    - { multiply: [words, words] }\n    - { dense: 20, from: gist }\n    - { reshape: [5, 4], as: again }\n    - add: [again, multiply_1]",
    "\n    - { recurrent: { over: words, reverse: true, states: { h: 3 }, cell: [{ concat: [x, h] }, { dense: 3, as: next }], next: { h: next }, return: sequence } }",
    cell("words", "4"),
    `\n    - { layer_norm: {}, as: other }${cell("other", "4")}`,
    cell("seen", "4", ", { previous: verse, as: again }, { embedding: 4, as: seen }"),
    "\n    - { lstm: { units: 4, return: last }, as: gist }\n    - { recurrent: { over: words, states: { h: { from: gist } }, cell: [{ add: [x, h], as: n }], next: { h: n }, return: sequence } }",
  ])("is found: %s", (between) => {
    expect(codesOf(between)).toEqual(["sees-the-future"]);
  });
});
