/** @file Losses against values by hand, how outputs are decoded, and what losses refuse. */
import type { FeatureSpec, FittedFacts } from "@dlc/runtime";
import { describe, expect, it } from "vitest";
import type { LossUse } from "../../../compiler/1-load/resolved-spec.js";
import { complaints, expectClose, lowered, numbers, run, tensor } from "../../support/lowering.js";
import { category, classNames, image, numeric, specOf, vector } from "../../support/spec.js";

interface Case {
  readonly target: FeatureSpec;
  readonly y: readonly number[];
  /** Outputs of the model, `[n, outputs]`. */
  readonly x: readonly (readonly number[])[];
  readonly loss: Partial<LossUse>;
  readonly facts?: FittedFacts;
}

/** Evaluates a loss with a model that gives its input as output. */
function evaluate({ target, y, x, loss, facts = {} }: Case) {
  const n = x.length;
  const outputs = x[0]?.length ?? 0;
  const spec = specOf({
    features: { x: vector(outputs) },
    targets: { y: target },
    layers: "- linear",
    train: { losses: [loss] },
  });
  const model = lowered(spec, facts);
  if (model.evaluate === null) throw new Error("no evaluation");
  const raw = target.type === "category" ? [n] : [n, y.length / n];
  const results = run(
    model.evaluate,
    {
      x: tensor([n, outputs], x.flat()),
      y: tensor(raw, y, target.type === "category" ? "i32" : "f32"),
    },
    n,
  );
  return { loss: numbers(results.loss)[0] as number, head: results.y, heads: model.heads };
}

const softmax = (x: readonly number[]): number[] => {
  const total = x.reduce((sum, v) => sum + Math.exp(v), 0);
  return x.map((v) => Math.exp(v) / total);
};
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const mean = (x: readonly number[]): number => x.reduce((a, b) => a + b, 0) / x.length;

const logits = [
  [1, 2, -1],
  [0, -2, 0.5],
  [3, 0, 0],
] as const;
const three = category(classNames(3));
const y = [1, 2, 1];
const ownLosses = logits.map((row, i) => -Math.log(softmax(row)[y[i] as number] as number));

describe("cross_entropy", () => {
  it("is the mean negative log probability of the right class", () => {
    const { loss, head, heads } = evaluate({ target: three, y, x: logits, loss: {} });
    expect(loss).toBeCloseTo(mean(ownLosses), 12);
    expectClose(head, logits.flatMap(softmax));
    expect(heads).toEqual([
      { name: "y", target: "y", kind: "category", classes: ["c0", "c1", "c2"], shape: [3] },
    ]);
  });

  it("mixes smoothed labels with the uniform distribution", () => {
    const { loss } = evaluate({ target: three, y, x: logits, loss: { labelSmoothing: 0.3 } });
    const wanted = logits.map((row, i) => {
      const p = softmax(row);
      return -p.reduce((sum, q, k) => sum + (k === y[i] ? 0.8 : 0.1) * Math.log(q), 0);
    });
    expect(loss).toBeCloseTo(mean(wanted), 12);
  });

  it("weighs classes as PyTorch does: Σ w·l / Σ w", () => {
    const weigh = { classWeights: { c2: 3, c1: 0.5 } };
    const { loss } = evaluate({ target: three, y, x: logits, loss: weigh });
    const [a, b, c] = ownLosses as [number, number, number];
    expect(loss).toBeCloseTo((0.5 * a + 3 * b + 0.5 * c) / 4, 12);
  });

  it("is 0 for a batch of classes that weigh nothing", () => {
    const weigh = { classWeights: { c1: 0, c2: 0 } };
    expect(evaluate({ target: three, y, x: logits, loss: weigh }).loss).toBe(0);
  });

  it("balances classes by their counts in the training split", () => {
    const facts = { y: { counts: [10, 5, 25] } };
    const weigh: Partial<LossUse> = { classWeights: "balanced" };
    const { loss } = evaluate({ target: three, y, x: logits, loss: weigh, facts });
    const weights = [40 / 30, 40 / 15, 40 / 75];
    const of = y.map((k) => weights[k] as number);
    const sum = ownLosses.reduce((s, l, i) => s + l * (of[i] as number), 0);
    expect(loss).toBeCloseTo(sum / of.reduce((s, w) => s + w), 12);
  });

  it("takes probabilities as target and predicts them", () => {
    const p = [0.2, 0.5, 0.3];
    const { loss, head, heads } = evaluate({ target: vector(3), y: p, x: [logits[0]], loss: {} });
    const q = softmax(logits[0]);
    expect(loss).toBeCloseTo(-p.reduce((s, v, i) => s + v * Math.log(q[i] as number), 0), 12);
    expectClose(head, q);
    expect(heads[0]?.kind).toBe("value");
  });
});

describe("binary_cross_entropy", () => {
  const bce = (x: number, t: number): number =>
    -(t * Math.log(sigmoid(x)) + (1 - t) * Math.log(1 - sigmoid(x)));
  const kind = "binary_cross_entropy";

  it("compares one score with two classes", () => {
    const two = category(["no", "yes"]);
    const run = evaluate({ target: two, y: [1, 0], x: [[0.3], [-2]], loss: { kind } });
    expect(run.loss).toBeCloseTo((bce(0.3, 1) + bce(-2, 0)) / 2, 12);
    expectClose(run.head, [sigmoid(0.3), sigmoid(-2)]);
    expect(run.heads[0]).toMatchObject({ kind: "binary", classes: ["no", "yes"], shape: [1] });
  });

  it("smooths towards one half and weighs classes", () => {
    const two = category(["no", "yes"]);
    const loss = { kind, labelSmoothing: 0.2, classWeights: { yes: 3 } } as const;
    const run = evaluate({ target: two, y: [1, 0], x: [[0.3], [-2]], loss });
    expect(run.loss).toBeCloseTo((3 * bce(0.3, 0.9) + bce(-2, 0.1)) / 4, 12);
  });

  it("averages or sums over the elements of an example", () => {
    const many = {
      target: vector(2),
      y: [0.5, 1, 0, 0],
      x: [
        [1, 2],
        [3, -4],
      ],
    } as const;
    const all = bce(1, 0.5) + bce(2, 1) + bce(3, 0) + bce(-4, 0);
    expect(evaluate({ ...many, loss: { kind } }).loss).toBeCloseTo(all / 4, 10);
    expect(evaluate({ ...many, loss: { kind, reduce: "sum" } }).loss).toBeCloseTo(all / 2, 10);
  });

  it("takes one number for every element", () => {
    const loss = { kind, target: 0.9 } as const;
    const run = evaluate({ target: numeric(), y: [], x: [[1, -1]], loss });
    expect(run.loss).toBeCloseTo((bce(1, 0.9) + bce(-1, 0.9)) / 2, 12);
    expect(run.heads).toEqual([
      { name: "linear_1", target: null, kind: "value", classes: null, shape: [2] },
    ]);
  });
});

describe("losses of a difference", () => {
  const values = {
    target: vector(2),
    y: [1, 5, 0, -1],
    x: [
      [1.5, 2],
      [0, 1],
    ],
  } as const;
  it.each([
    ["mse", (0.25 + 9 + 0 + 4) / 4],
    ["mae", (0.5 + 3 + 0 + 2) / 4],
    ["huber", (0.125 + 2.5 + 0 + 1.5) / 4],
  ] as const)("%s", (kind, wanted) => {
    expect(evaluate({ ...values, loss: { kind } }).loss).toBeCloseTo(wanted, 12);
  });

  it("huber turns into a line at delta", () => {
    const { loss } = evaluate({ ...values, loss: { kind: "huber", delta: 2, reduce: "sum" } });
    expect(loss).toBeCloseTo((0.125 + 2 * (3 - 1) + 0 + 2) / 2, 12);
  });

  it("work on scaled targets, while predictions are in the target's units", () => {
    const facts = { y: { mean: [100], deviation: [20] } };
    const scaled = { target: numeric("standard"), y: [140, 90], x: [[1], [0]], facts } as const;
    const run = evaluate({ ...scaled, loss: { kind: "mse" } });
    expect(run.loss).toBeCloseTo(((2 - 1) ** 2 + 0.5 ** 2) / 2, 12);
    expectClose(run.head, [120, 100]);
    const range = { y: { min: [10], max: [30] } };
    const minmax = { ...scaled, target: numeric("minmax"), facts: range };
    const other = evaluate({ ...minmax, loss: { kind: "mae" } });
    expect(other.loss).toBeCloseTo((Math.abs(6.5 - 1) + 4) / 2, 12);
    expectClose(other.head, [30, 10]);
  });
});

describe("hinge", () => {
  const kind = "hinge";
  it("takes two classes as −1 and 1", () => {
    const two = category(["no", "yes"]);
    const run = evaluate({ target: two, y: [1, 0, 0], x: [[0.3], [-2], [0.5]], loss: { kind } });
    expect(run.loss).toBeCloseTo((0.7 + 0 + 1.5) / 3, 12);
    expect(run.heads[0]?.kind).toBe("binary");
  });

  it("compares the right class with the best wrong one (Crammer & Singer)", () => {
    const run = evaluate({ target: three, y, x: logits, loss: { kind } });
    const wanted = logits.map((row, i) => {
      const wrong = Math.max(...row.filter((_, k) => k !== y[i]));
      return Math.max(0, 1 + wrong - (row[y[i] as number] as number));
    });
    expect(run.loss).toBeCloseTo(mean(wanted), 12);
  });
});

it("kl_divergence compares probabilities with softmaxed outputs, and 0·log 0 is 0", () => {
  const p = [0.5, 0.5, 0];
  const { loss, head } = evaluate({
    target: vector(3),
    y: p,
    x: [logits[0]],
    loss: { kind: "kl_divergence" },
  });
  const q = softmax(logits[0]);
  const wanted = p.slice(0, 2).reduce((s, v, i) => s + v * Math.log(v / (q[i] as number)), 0);
  expect(loss).toBeCloseTo(wanted, 12);
  expectClose(head, q);
});

describe("several losses", () => {
  const spec = specOf({
    features: { x: vector(2) },
    targets: { y: vector(2), z: vector(2) },
    layers: "- { linear: {}, as: a }\n- { tanh: {}, as: b }",
    train: {
      losses: [
        { kind: "mse", name: "first", output: "a", target: "y", weight: 0.5 },
        { kind: "mae", name: "second", output: "b", target: "z", weight: 2 },
        { kind: "mae", name: "third", output: "b", target: "y" },
      ],
    },
  });

  it("add up by weight and are reported each", () => {
    const { evaluate: graph, heads } = lowered(spec);
    if (graph === null) throw new Error("no evaluation");
    const values = { x: [1, 0], y: [0, 0], z: [1, 1] };
    const inputs = Object.fromEntries(
      Object.entries(values).map(([name, v]) => [name, tensor([1, 2], v)]),
    );
    const results = run(graph, inputs, 1);
    const t = Math.tanh(1);
    expectClose(results["loss.first"], [0.5]);
    expectClose(results["loss.second"], [(1 - t + 1) / 2]);
    expectClose(results["loss.third"], [t / 2]);
    expectClose(results.loss, [0.25 + (2 - t) + t / 2]);
    expect(heads.map(({ name, target }) => [name, target])).toEqual([
      ["y", "y"],
      ["z", "z"],
      ["b", "y"],
    ]);
  });
});

it("a feature can be the target: an autoencoder compares scaled images and predicts pixels", () => {
  const spec = specOf({
    features: { photo: image(1, 2, 1) },
    layers: "- linear",
    train: { losses: [{ kind: "mse", target: "photo" }] },
  });
  const { evaluate: graph, heads } = lowered(spec);
  if (graph === null) throw new Error("no evaluation");
  const results = run(graph, { photo: tensor([1, 1, 2, 1], [0, 255], "u8") }, 1);
  expectClose(results.loss, [0]);
  expectClose(results.photo, [0, 255]);
  expect(heads[0]).toMatchObject({ name: "photo", target: "photo", shape: [1, 2, 1] });
});

it("l1 and l2 count in training only, per layer and train-wide, and spare biases", () => {
  const spec = specOf({
    features: { x: vector(1) },
    targets: { y: numeric() },
    layers: "- dense: { units: 1, l1: 0.1 }",
    train: { losses: [{ kind: "mse" }], l2: 0.01, l1: 0.2 },
  });
  const model = lowered(spec);
  const values = {
    x: tensor([1, 1], [1]),
    y: tensor([1, 1], [0]),
    "dense_1.kernel": tensor([1, 1], [-2]),
    "dense_1.bias": tensor([1], [5]),
  };
  if (model.evaluate === null || model.training === null) throw new Error("no training");
  expectClose(run(model.evaluate, values, 1).loss, [9]);
  expectClose(run(model.training, values, 1).loss, [9 + 0.3 * 2 + 0.01 * 4]);
});

describe("what does not fit", () => {
  const found = (
    target: FeatureSpec,
    layers: string,
    loss: Partial<LossUse>,
    facts?: FittedFacts,
  ) =>
    complaints(
      specOf({
        features: { x: vector(4) },
        targets: { y: target },
        layers,
        train: { losses: [loss] },
      }),
      facts,
    );

  it("a dense layer of another width than the classes is one certain fix away", () => {
    const layers = "- dense: 8\n- dense: { units: 3 }\n- dropout: 0.1";
    const [only, ...others] = found(category(classNames(10)), layers, {});
    expect(others).toEqual([]);
    expect(only).toMatchObject({
      code: "class-count-mismatch",
      message: "dense_2 has 3 outputs, but 'y' has 10 classes",
    });
    const [fix] = only?.fixes ?? [];
    expect(fix).toMatchObject({ grade: "certain", edits: [{ text: "10" }] });
    const edit = fix?.edits[0]?.span;
    expect(layers.slice(edit?.start, edit?.end)).toBe("3");
    expect(only?.span).toEqual(edit);
  });

  it("a sum over one number is an average, which is said where it was asked for", () => {
    const one: readonly [FeatureSpec, string, Partial<LossUse>][] = [
      [three, "- dense: 3", { reduce: "sum" }],
      [vector(4), "- dense: 4", { kind: "kl_divergence", reduce: "sum" }],
      [numeric(), "- dense: 1", { kind: "mse", reduce: "sum" }],
    ];
    for (const [target, layers, loss] of one) {
      expect(found(target, layers, loss).map(({ code }) => code)).toEqual([
        "setting-without-effect",
      ]);
    }
    expect(found(vector(4), "- dense: 4", { kind: "mse", reduce: "sum" })).toEqual([]);
  });

  it("a number is not stretched over ten outputs", () => {
    const [only] = found(numeric(), "- dense: 10", { kind: "mse" });
    expect(only).toMatchObject({
      code: "output-shape-mismatch",
      message: "dense_1 gives [n,10], but mse compares it with 'y', which is [n,1]",
    });
    expect(only?.notes.map((note) => note.message)).toContain("dense_1  [n,10]");
  });

  it.each<[string, FeatureSpec, string, Partial<LossUse>]>([
    ["mse and a category", three, "- dense: 3", { kind: "mse" }],
    ["cross_entropy and a number", numeric(), "- dense: 1", {}],
    ["cross_entropy and a constant", three, "- dense: 3", { target: 1 }],
    [
      "binary_cross_entropy and three classes",
      three,
      "- dense: 1",
      { kind: "binary_cross_entropy" },
    ],
    [
      "binary_cross_entropy and 2",
      three,
      "- dense: 1",
      { kind: "binary_cross_entropy", target: 2 },
    ],
    [
      "binary_cross_entropy and standardised numbers",
      numeric("standard"),
      "- dense: 1",
      { kind: "binary_cross_entropy" },
    ],
    ["kl_divergence and a category", three, "- dense: 3", { kind: "kl_divergence" }],
    ["class weights and a vector", vector(3), "- dense: 3", { classWeights: { a: 1 } }],
  ])("%s", (_, target, layers, loss) => {
    const codes = found(target, layers, loss, { y: { mean: [0], deviation: [1] } });
    expect(codes.map(({ code }) => code)).toEqual(["loss-target-mismatch"]);
  });

  it("class weights name classes", () => {
    const [only] = found(three, "- dense: 3", { classWeights: { c1: 2, dog: 1 } });
    expect(only).toMatchObject({
      code: "unknown-class-weight",
      help: "The classes are: c0, c1, c2.",
    });
  });

  it("a prediction cannot take the loss's name", () => {
    const spec = specOf({
      features: { x: vector(4) },
      targets: { loss: numeric() },
      layers: "- dense: 1",
      train: { losses: [{ kind: "mse" }] },
    });
    expect(complaints(spec).map(({ code }) => code)).toEqual(["output-named-loss"]);
  });

  it("reports nothing about an output that was already rejected", () => {
    expect(found(three, "- conv2d: 3", {}).map(({ code }) => code)).toEqual(["shape-mismatch"]);
  });
});

describe("without training", () => {
  const headOf = (target: FeatureSpec, layers: string) =>
    lowered(specOf({ features: { x: vector(4) }, targets: { y: target }, layers })).heads;

  it("the only target says how to read the last layer", () => {
    expect(headOf(three, "- dense: 3")[0]).toMatchObject({ name: "y", kind: "category" });
    const two = category(["no", "yes"]);
    expect(headOf(two, "- dense: 1")[0]).toMatchObject({ name: "y", kind: "binary" });
    expect(headOf(numeric(), "- dense: 1")[0]).toMatchObject({ name: "y", kind: "value" });
  });

  it("an output that fits no target, or could mean several, goes by its layer's name", () => {
    const several = specOf({
      features: { x: vector(4) },
      targets: { y: numeric(), z: numeric() },
      layers: "- { dense: 1, as: out }",
    });
    expect(lowered(several).heads[0]).toMatchObject({ name: "out", target: null });
    expect(headOf(three, "- dense: 5")).toEqual([
      { name: "dense_1", target: null, kind: "value", classes: null, shape: [5] },
    ]);
  });
});
