/** @file `freeze` and `learning_rates`: what a step computes and moves. */
import { describe, expect, it } from "vitest";
import { optimizerChoice } from "../../compiler/1-load/schema/optimizers.js";
import { matchesGlob, meansLayer } from "../../compiler/1-load/train/layer-patterns.js";
import { trainingPrograms } from "../../compiler/3-differentiate/training-step.js";
import type { CompiledModel } from "../../compiler/compiled-model.js";
import { Diagnostics } from "../../compiler/diagnostics/report.js";
import { nodesOf } from "../../compiler/ir/traverse.js";
import type { Graph } from "../../compiler/ir/types.js";
import { blamedIn, compiledFrom, specFrom } from "../support/from-yaml.js";
import {
  inputValues,
  lowered,
  numbers,
  run,
  scalarOf,
  stateValues,
  type Values,
} from "../support/lowering.js";

const data = `
data: { source: { arrays: true }, features: { image: { type: image, shape: [6, 6, 2], scale: unit } }, targets: { y: { type: category, classes: [a, b] } } }
`;
const cnn = `${data}
model:
  layers:
    - conv2d: { filters: 3, kernel: 3 }
    - batch_norm
    - relu
    - conv2d: { filters: 4, kernel: 3 }
    - batch_norm
    - flatten
    - { dense: 5, as: body }
    - { dense: 2, as: head }
`;
const model = (train: string): CompiledModel =>
  compiledFrom(`${cnn}train: { loss: cross_entropy, ${train} }`);

const stepOf = ({ programs }: CompiledModel): Graph => programs.train as Graph;
const countOf = (graph: Graph, kind: string): number =>
  nodesOf(graph).filter((node) => node.kind === kind).length;
const movedBy = (graph: Graph): string[] =>
  graph.outputs.flatMap(({ name, role }) => (role === "state" ? [name] : []));

describe("patterns", () => {
  it("match any text with a star, and nothing else with other characters", () => {
    expect(matchesGlob("conv*", "conv2d_1")).toBe(true);
    expect(matchesGlob("*", "")).toBe(true);
    expect(matchesGlob("a*b*c", "a-b-b-c")).toBe(true);
    expect(matchesGlob("a*a", "a")).toBe(false);
    expect(matchesGlob("a.c", "abc")).toBe(false);
    expect(matchesGlob("(a+)+$", "aaaa")).toBe(false);
  });

  it("agree with regular expressions on short texts", () => {
    const texts = (length: number): string[] =>
      length === 0 ? [""] : texts(length - 1).flatMap((text) => ["a", "b"].map((c) => text + c));
    const globs = ["", "a", "*", "a*", "*b", "a*b", "*a*", "**", "ab*ba", "*ab*b*"];
    for (const glob of globs) {
      const expression = new RegExp(`^${glob.replaceAll("*", ".*")}$`);
      for (const text of [0, 1, 2, 3, 4].flatMap(texts)) {
        expect([glob, text, matchesGlob(glob, text)]).toEqual([glob, text, expression.test(text)]);
      }
    }
  });

  it("do not take long for hostile globs", () => {
    expect(matchesGlob("*a".repeat(100), "a".repeat(99))).toBe(false);
  });

  it("mean what is inside of a block or network by its name", () => {
    expect(meansLayer("net", "net.res1/conv2d_1")).toBe(true);
    expect(meansLayer("net.res*", "net.res1/conv2d_1")).toBe(true);
    expect(meansLayer("res1", "res10/conv2d_1")).toBe(false);
    expect(meansLayer("conv2d_1", "conv2d_1")).toBe(true);
  });
});

describe("freeze", () => {
  const all = model("optimizer: adam");
  const frozen = model("optimizer: adam, freeze: [conv2d_1, batch_norm_1]");
  const headOnly = model('optimizer: adam, freeze: ["conv*", "batch*", body]');

  it("does no gradient work for frozen weights, nor below them", () => {
    expect(countOf(stepOf(all), "conv2dFilterGrad")).toBe(2);
    expect(countOf(stepOf(frozen), "conv2dFilterGrad")).toBe(1);
    expect(countOf(stepOf(frozen), "conv2dInputGrad")).toBe(0);
    expect(countOf(stepOf(headOnly), "conv2dFilterGrad")).toBe(0);
    expect(nodesOf(stepOf(frozen)).length).toBeLessThan(nodesOf(stepOf(all)).length);
    const backward = nodesOf(stepOf(headOnly)).filter(({ origin }) => origin.phase === "backward");
    const layers = new Set(backward.map(({ origin }) => origin.layer));
    expect([...layers].filter((layer) => !layer.startsWith("train."))).toEqual(["head"]);
  });

  it("keeps no memory of the optimiser for them, and moves nothing of them", () => {
    const own = (state: CompiledModel["state"]): string[] =>
      Object.keys(state).filter((name) => name.startsWith("conv2d_1."));
    expect(own(all.state)).toContain("conv2d_1.kernel:m");
    expect(own(frozen.state)).toEqual(["conv2d_1.kernel", "conv2d_1.bias"]);
    const moved = movedBy(stepOf(frozen));
    expect(moved.filter((name) => /^(conv2d|batch_norm)_1\./.test(name))).toEqual([]);
    expect(moved).toContain("batch_norm_2.mean");
  });

  it("lets frozen batch norms use their moving averages, also in training", () => {
    expect(countOf(stepOf(all), "batchNormTrain")).toBe(2);
    expect(countOf(stepOf(frozen), "batchNormTrain")).toBe(1);
    const step = stepOf(headOnly);
    const values = { ...inputValues(step, 4), ...stateValues(headOnly.state) };
    const shown = (graph: Graph): number[] => numbers(run(graph, values, 4).y);
    shown(headOnly.programs.infer).forEach((value, i) => {
      expect(shown(step)[i]).toBeCloseTo(value, 10);
    });
  });

  it("leaves the frozen weights out of penalties", () => {
    const loss = (freeze: string): number => {
      const { state, programs } = model(`l2: 1${freeze}`);
      const values = { ...inputValues(programs.train as Graph, 2), ...stateValues(state) };
      const [step, evaluate] = [programs.train, programs.evaluate].map(
        (graph) => numbers(run(graph as Graph, values, 2).loss)[0] as number,
      );
      return (step as number) - (evaluate as number);
    };
    const kernel = stateValues(headOnly.state)["head.kernel"] as Values[string];
    const squares = kernel.data.reduce((sum, w) => sum + w * w, 0);
    expect(loss(', freeze: ["conv*", "batch*", body]')).toBeCloseTo(squares, 5);
  });

  it("works with gradient accumulation and moving averages", () => {
    const { state } = model("accumulate: 2, ema: 0.9, freeze: body");
    expect(Object.keys(state).filter((name) => name.startsWith("body."))).toEqual([
      "body.kernel",
      "body.bias",
    ]);
    expect(state).toHaveProperty(["head.kernel:gradient"]);
    expect(state).toHaveProperty(["head.kernel:average"]);
  });

  it("freezes a network in every use, and a part of one that a phase updates", () => {
    const { phases = [], state } = compiledFrom(`${data}
networks:
  body: { layers: [flatten, { dense: 4, as: first }, { dense: 4, as: second }] }
  judge: { layers: [dense: 2] }
model: { layers: [{ use: body, as: a, from: image }, { use: body, as: b, from: image }, { add: [a, b], as: c }, use: judge] }
train:
  optimizer: adam
  freeze: body.first
  phases: [{ update: [body, judge], losses: [cross_entropy] }]
`);
    expect(movedBy(phases[0]?.train as Graph).some((name) => name.startsWith("body.first"))).toBe(
      false,
    );
    expect(Object.keys(state)).toContain("body.second.kernel:m");
    expect(Object.keys(state)).not.toContain("body.first.kernel:m");
  });

  it("does not warn of frozen parts that no phase updates", () => {
    const reports = blamedIn(`${data}
networks:
  body: { layers: [flatten, { dense: 4 }] }
  judge: { layers: [dense: 2] }
model: { layers: [use: body, use: judge] }
train: { freeze: body, phases: [{ update: judge, losses: [cross_entropy] }] }
`);
    expect(reports).toEqual([]);
  });

  it("is told where it does nothing", () => {
    const reports = blamedIn(`${cnn}train: { loss: cross_entropy, freeze: [flatten_1, body] }`);
    expect(reports).toEqual([["setting-without-effect", "flatten_1"]]);
  });
});

describe("learning_rates", () => {
  const n = 3;
  /** How far each weight moves in a step, for a learning rate. */
  function moves(train: string, rate: number): Readonly<Record<string, number[]>> {
    const spec = specFrom(`${cnn}train: { loss: cross_entropy, ${train} }`);
    const lower = lowered(spec);
    const diagnostics = new Diagnostics();
    const programs = trainingPrograms(lower, spec.train as never, diagnostics);
    const { train: step, apply, state = {} } = programs ?? {};
    const values = { ...stateValues(state), ...inputValues(step as Graph, n) };
    let results = run(step as Graph, { ...values, learning_rate: scalarOf(rate) }, n);
    if (apply !== undefined) {
      const gathered = Object.fromEntries(
        Object.entries(results).flatMap(([name, value]) =>
          name.startsWith("state:") ? [[name.slice(6), value]] : [],
        ),
      );
      const scalars = { learning_rate: scalarOf(rate), step: scalarOf(1) };
      results = run(apply, { ...values, ...gathered, ...scalars }, n);
    }
    return Object.fromEntries(
      lower.weights.map(({ name }) => {
        const before = numbers(values[name]);
        return [name, numbers(results[`state:${name}`]).map((w, i) => w - (before[i] as number))];
      }),
    );
  }

  it.each(
    [...optimizerChoice.shapes.keys()].flatMap((name) => [[name, 1] as const, [name, 2] as const]),
  )("multiply the rate of %s, gathering %i batches", (optimizer, accumulate) => {
    const common = `optimizer: ${optimizer}, accumulate: ${accumulate}`;
    const plain = moves(common, 0.01);
    const slow = moves(common, 0.001);
    const mixed = moves(`${common}, learning_rates: { "conv*": 0.1, conv2d_2: 1 }`, 0.01);
    for (const [name, moved] of Object.entries(mixed)) {
      const wanted = name.startsWith("conv2d_1.") ? slow[name] : plain[name];
      for (const [i, move] of moved.entries()) expect(move).toBeCloseTo(wanted?.[i] as number, 10);
      // What a batch norm takes away again (the biases before it) has no gradient.
      if (name.endsWith("kernel")) expect(moved.some((move) => move !== 0)).toBe(true);
    }
  });

  it("go with phases", () => {
    const { phases = [] } = compiledFrom(`${data}
networks: { body: { layers: [flatten, dense: 4] }, judge: { layers: [dense: 2] } }
model: { layers: [use: body, use: judge] }
train:
  optimizer: { sgd: 1 }
  learning_rates: { body: 0.25 }
  phases: [{ update: [body, judge], losses: [cross_entropy] }]
`);
    const scaled = nodesOf(phases[0]?.train as Graph).filter(
      ({ kind, inputs }) =>
        kind === "mul" && inputs.some(({ node }) => node.attrs.name === "learning_rate"),
    );
    expect(scaled).toHaveLength(1);
  });

  it("are told where they do nothing", () => {
    const reports = blamedIn(
      `${cnn}train: { loss: cross_entropy, freeze: head, learning_rates: { flatten_1: 2, head: 3, conv2d_1: 4, "conv*": 5 } }`,
    );
    expect(reports).toEqual([
      ["setting-without-effect", "flatten_1"],
      ["setting-without-effect", "head"],
      ["setting-without-effect", "conv2d_1"],
    ]);
  });
});

describe("mistakes", () => {
  it("of names, factors and phases are found at their places", () => {
    expect(
      blamedIn(
        `${cnn}train: { loss: cross_entropy, freeze: ["cnov*", body], learning_rates: { haed: 2, head: 0 } }`,
      ),
    ).toEqual([
      ["unmatched-name", '"cnov*"'],
      ["unmatched-name", "haed"],
      ["zero-learning-rate", "0"],
    ]);
  });

  it("are an empty training, and a loss that nothing can make smaller", () => {
    expect(blamedIn(`${cnn}train: { loss: cross_entropy, freeze: "*" }`)).toEqual([
      ["everything-frozen", '"*"'],
    ]);
    const codes = blamedIn(`${data}
model: { layers: [flatten, { dense: 2, as: side }, { dense: 2, from: flatten_1, as: head }] }
train: { losses: [{ cross_entropy: { output: side } }, { cross_entropy: { output: head } }], freeze: side }
`).map(([code]) => code);
    expect(codes).toEqual(["loss-on-frozen"]);
  });
});
