import { describe, expect, it } from "vitest";
import type { TrainUse } from "../../compiler/1-load/resolved-spec.js";
import { codesOf, loadText, resolveText, specWith } from "../support/load.js";

const numbers =
  "data: { source: { arrays: true }, features: { x: { type: vector, shape: [4] } }, targets: { y: number } }";
const several = `data:
  source: { arrays: true }
  features: { x: { type: vector, shape: [4] } }
  targets: { a: { type: category, classes: [p, q, r] }, b: { type: number } }
`;
const heads =
  "model: { layers: [{ dense: 8, as: stem }, { dense: 3, from: stem, as: head }, { dense: 1, from: stem }] }";

const trainOf = (train: string, sections: Parameters<typeof specWith>[0] = {}): TrainUse => {
  const { train: found } = resolveText(specWith({ ...sections, train: `train: { ${train} }` }));
  if (found === null) throw new Error("no train");
  return found;
};

const codes = (train: string, sections: Parameters<typeof specWith>[0] = {}): string[] =>
  codesOf(loadText(specWith({ ...sections, train: `train: { ${train} }` })));

it("has a default for everything but the loss", () => {
  const { settings, losses, optimizer, ...rest } = trainOf("loss: cross_entropy");
  expect(settings).toEqual({
    seed: 0,
    batch: 32,
    epochs: 10,
    shuffle: true,
    learningRate: 0.001,
    schedule: { kind: "constant" },
    warmupSteps: 0,
    accumulate: 1,
    metrics: [{ kind: "accuracy" }],
    monitor: { metric: "accuracy", mode: "max" },
    earlyStopping: null,
    checkpoint: { everySteps: 0, keep: 2 },
  });
  expect(losses).toMatchObject([
    {
      kind: "cross_entropy",
      name: "cross_entropy",
      output: null,
      target: null,
      weight: 1,
      reduce: "mean",
    },
  ]);
  expect(optimizer).toMatchObject({ kind: "adam", beta1: 0.9, beta2: 0.999, weightDecay: 0 });
  expect(rest).toMatchObject({ clipNorm: null, clipValue: null, l1: 0, l2: 0, ema: null });
});

it("measures and monitors what suits the target", () => {
  const { settings } = trainOf("loss: mse", {
    data: numbers,
    model: "model: { layers: [dense: 1] }",
  });
  expect(settings.metrics).toEqual([{ kind: "mae" }]);
  expect(settings.monitor).toEqual({ metric: "loss", mode: "min" });
  expect(trainOf("loss: cross_entropy, metrics: [confusion, { top_k: 2 }]").settings).toMatchObject(
    {
      metrics: [{ kind: "confusion" }, { kind: "top_k", k: 2 }],
      monitor: { metric: "top_2", mode: "max" },
    },
  );
  expect(trainOf("loss: cross_entropy, monitor: loss").settings.monitor.mode).toBe("min");
});

describe("optimizers", () => {
  it("have learning rates of their own, which train or they themselves override", () => {
    const rates = ["sgd", "adam", "adamw", "rmsprop", "adagrad", "lion"].map(
      (name) => trainOf(`loss: cross_entropy, optimizer: ${name}`).settings.learningRate,
    );
    expect(rates).toEqual([0.01, 0.001, 0.001, 0.001, 0.01, 0.0001]);
    expect(trainOf("loss: cross_entropy, learning_rate: 0.5").settings.learningRate).toBe(0.5);
    expect(trainOf("loss: cross_entropy, optimizer: { sgd: 0.5 }").settings.learningRate).toBe(0.5);
    const inner =
      "loss: cross_entropy, optimizer: { sgd: { learning_rate: 0.5, momentum: 0.9, nesterov: true } }";
    expect(trainOf(inner)).toMatchObject({
      settings: { learningRate: 0.5 },
      optimizer: { kind: "sgd", momentum: 0.9, nesterov: true },
    });
  });

  it("decay weights only where that is decoupled", () => {
    expect(trainOf("loss: cross_entropy, optimizer: adamw").optimizer.weightDecay).toBe(0.01);
    expect(
      trainOf("loss: cross_entropy, optimizer: lion, weight_decay: 0.3").optimizer.weightDecay,
    ).toBe(0.3);
    expect(codes("loss: cross_entropy, optimizer: rmsprop, weight_decay: 0.3")).toEqual([
      "weight-decay-without-effect",
    ]);
  });
});

describe("losses", () => {
  it("name outputs and targets", () => {
    const train =
      "losses: [{ cross_entropy: { output: head, target: a } }, { mse: { target: b, weight: 0.5, reduce: sum } }]";
    const { losses, settings } = trainOf(train, { data: several, model: heads });
    expect(losses).toMatchObject([
      { kind: "cross_entropy", output: "head", target: "a" },
      { kind: "mse", output: null, target: "b", weight: 0.5, reduce: "sum" },
    ]);
    expect(settings.monitor.metric).toBe("accuracy");
  });

  it("of one kind are numbered", () => {
    const train =
      "losses: [cross_entropy, { cross_entropy: { weight: 2 } }, { hinge: { weight: 3 } }]";
    expect(trainOf(train).losses.map(({ name }) => name)).toEqual([
      "cross_entropy_1",
      "cross_entropy_2",
      "hinge",
    ]);
  });

  it("read a block's output by its name", () => {
    const more = "blocks: { b: { layers: [dense: 2, { dense: 2, as: inner }] } }";
    const model = "model: { layers: [block: b, relu] }";
    const output = (name: string): string | null | undefined =>
      trainOf(`losses: [{ cross_entropy: { output: ${name} } }]`, { more, model }).losses[0]
        ?.output;
    expect(output("b_1")).toBe("b_1/inner");
    expect(output("b_1/inner")).toBe("b_1/inner");
  });

  it("take shared settings of train, unless they have their own", () => {
    const shared = "label_smoothing: 0.1, class_weights: { a: 2 }";
    const train = `${shared}, losses: [cross_entropy, { cross_entropy: { label_smoothing: 0, class_weights: balanced } }]`;
    expect(trainOf(train).losses).toMatchObject([
      { labelSmoothing: 0.1, classWeights: { a: 2 } },
      { labelSmoothing: 0, classWeights: "balanced" },
    ]);
  });

  it("must suit their targets", () => {
    const model = "model: { layers: [dense: 1] }";
    expect(codes("loss: cross_entropy", { data: numbers, model })).toEqual([
      "loss-target-mismatch",
    ]);
    expect(codes("loss: huber")).toEqual(["loss-target-mismatch"]);
    const three =
      specWith()
        .match(/^data:.*$/m)?.[0]
        ?.replace("[a, b]", "[a, b, c]") ?? "";
    expect(codes("loss: binary_cross_entropy", { data: three, model })).toEqual([
      "loss-target-mismatch",
    ]);
  });

  it("may compare with a feature, or with a number", () => {
    const data =
      "data: { source: { arrays: true }, features: { x: { type: vector, shape: [4] } } }";
    const model = "model: { layers: [dense: 2, dense: 4] }";
    expect(trainOf("loss: { mse: { target: x } }", { data, model }).losses[0]?.target).toBe("x");
    expect(trainOf("loss: { mse: { target: 0.5 } }", { data, model }).losses[0]?.target).toBe(0.5);
  });
});

it("reads every other setting", () => {
  const train = `loss: cross_entropy, clip: { norm: 1, value: 0.5 }, ema: 0.99, l1: 1e-5, l2: 1e-4,
    early_stopping: { patience: 3, min_delta: 0.01, restore_best: false }, accumulate: 4, warmup: 100,
    batch: 64, epochs: 3, seed: 7, shuffle: false, checkpoint: { every_steps: 10, keep: 1 },
    schedule: { step: { every: 2, factor: 0.5 } }`;
  const use = trainOf(train);
  expect(use).toMatchObject({ clipNorm: 1, clipValue: 0.5, ema: 0.99, l1: 1e-5, l2: 1e-4 });
  expect(use.settings).toMatchObject({
    earlyStopping: { patience: 3, minDelta: 0.01, restoreBest: false },
    accumulate: 4,
    warmupSteps: 100,
    batch: 64,
    epochs: 3,
    seed: 7,
    shuffle: false,
    checkpoint: { everySteps: 10, keep: 1 },
    schedule: { kind: "step", every: 2, factor: 0.5 },
  });
  expect(trainOf("loss: cross_entropy, clip: 2, early_stopping: 4, checkpoint: 5")).toMatchObject({
    clipNorm: 2,
    settings: { earlyStopping: { patience: 4, restoreBest: true }, checkpoint: { everySteps: 5 } },
  });
});

it("measures several outputs under the names that the trainer uses", () => {
  const data = several.replace("b: { type: number }", "b: { type: category, classes: [p, q] }");
  const losses =
    "losses: [{ cross_entropy: { output: head, target: a } }, { binary_cross_entropy: { target: b } }]";
  const use = trainOf(`${losses}, metrics: [accuracy]`, { data, model: heads });
  expect(use.settings.monitor).toEqual({ metric: "a.accuracy", mode: "max" });
  expect(
    codes(`${losses}, metrics: [accuracy], monitor: accuracy`, { data, model: heads }),
  ).toEqual(["unknown-monitor"]);
});
