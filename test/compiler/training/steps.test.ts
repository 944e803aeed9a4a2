/** @file Training steps: optimisers, clipping, accumulation and moving averages. */
import { describe, expect, it } from "vitest";
import type { OptimizerUse } from "../../../compiler/1-load/resolved-spec.js";
import {
  type TrainingPrograms,
  trainingPrograms,
} from "../../../compiler/3-differentiate/training-step.js";
import { Diagnostics } from "../../../compiler/diagnostics/report.js";
import {
  advance,
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
  trained,
  type Values,
} from "../../support/lowering.js";
import {
  category,
  classNames,
  image,
  numeric,
  specOf,
  type TrainParts,
  vector,
} from "../../support/spec.js";

/** y = x·w + b with two inputs, trained by mse: few enough numbers to follow by hand. */
const linear = (train: TrainParts) =>
  specOf({
    features: { x: vector(2) },
    targets: { y: numeric() },
    layers: "- dense: 1",
    train: { losses: [{ kind: "mse" }], ...train },
  });

const n = 3;
const x = [1, 2, -1, 0.5, 3, -2];
const y = [1, -2, 0.5];
const batch = { x: tensor([n, 2], x), y: tensor([n, 1], y) };

/** The gradient of the mean squared error towards [w0, w1, b]. */
function gradient([w0, w1, b]: readonly [number, number, number]): [number, number, number] {
  const g: [number, number, number] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    const [p, q] = [x[2 * i] as number, x[2 * i + 1] as number];
    const off = (2 / n) * (p * w0 + q * w1 + b - (y[i] as number));
    g[0] += off * p;
    g[1] += off * q;
    g[2] += off;
  }
  return g;
}

const start: readonly [number, number, number] = [0.5, -1, 0.25];
const startValues = (programs: TrainingPrograms): Values => ({
  ...stateValues(programs.state),
  "dense_1.kernel": tensor([2, 1], start.slice(0, 2)),
  "dense_1.bias": tensor([1], start.slice(2)),
});
const weights = (values: Values): number[] => [
  ...numbers(values["dense_1.kernel"]),
  ...numbers(values["dense_1.bias"]),
];

/** The weights after each of `steps` updates. */
function follow(train: TrainParts, steps: number, learningRate: number): number[][] {
  const programs = trained(linear(train));
  let values = startValues(programs);
  return Array.from({ length: steps }, (_, step) => {
    const scalars = { learning_rate: scalarOf(learningRate), step: scalarOf(step + 1) };
    values = advance(values, run(programs.train, { ...values, ...batch, ...scalars }, n));
    return weights(values);
  });
}

/**
 * The optimisers once more, each for one number: returns a function from weight, gradient and step
 * to the next weight that keeps its own memory. Written from the papers, not from the sources.
 */
type Single = (w: number, g: number, t: number) => number;
const reference = (o: OptimizerUse, lr: number, decays: boolean): Single => {
  let [m, v] = [0, 0];
  const decay = decays ? o.weightDecay : 0;
  const kinds: Record<OptimizerUse["kind"], Single> = {
    sgd: (w, g) => {
      v = o.momentum * v + g;
      return w - lr * (o.nesterov ? g + o.momentum * v : v);
    },
    adam: (w, g, t) => {
      m = o.beta1 * m + (1 - o.beta1) * g;
      v = o.beta2 * v + (1 - o.beta2) * g * g;
      const [mHat, vHat] = [m / (1 - o.beta1 ** t), v / (1 - o.beta2 ** t)];
      return w - (lr * mHat) / (Math.sqrt(vHat) + o.epsilon);
    },
    adamw: (w, g, t) => kinds.adam(w, g, t) - lr * decay * w,
    rmsprop: (w, g) => {
      m = o.rho * m + (1 - o.rho) * g * g;
      v = o.momentum * v + g / (Math.sqrt(m) + o.epsilon);
      return w - lr * v;
    },
    adagrad: (w, g) => {
      v += g * g;
      return w - (lr * g) / (Math.sqrt(v) + o.epsilon);
    },
    lion: (w, g) => {
      const direction = Math.sign(o.beta1 * m + (1 - o.beta1) * g);
      m = o.beta2 * m + (1 - o.beta2) * g;
      return w - lr * (direction + decay * w);
    },
  };
  return kinds[o.kind];
};

const settings: readonly Partial<OptimizerUse>[] = [
  { kind: "sgd" },
  { kind: "sgd", momentum: 0.9 },
  { kind: "sgd", momentum: 0.9, nesterov: true },
  { kind: "adam" },
  { kind: "adamw", weightDecay: 0.1 },
  { kind: "rmsprop" },
  { kind: "rmsprop", momentum: 0.5, rho: 0.99 },
  { kind: "adagrad", epsilon: 1e-10 },
  { kind: "lion", beta2: 0.99, weightDecay: 0.1 },
];

it.each(settings)(
  "optimiser %o takes the steps its paper says, decaying kernels alone",
  (optimizer) => {
    const learningRate = 0.05;
    const spec = linear({ optimizer });
    const full = spec.train?.optimizer as OptimizerUse;
    const rules = [true, true, false].map((decays) => reference(full, learningRate, decays));
    let w = start;
    const wanted = Array.from({ length: 5 }, (_, step) => {
      const g = gradient(w);
      w = rules.map((rule, i) => rule(w[i] as number, g[i] as number, step + 1)) as never;
      return [...w];
    });
    expectClose(follow({ optimizer }, 5, learningRate).flat(), wanted.flat(), 1e-8);
  },
);

describe("clipping", () => {
  const step = (parts: TrainParts): number[] =>
    (follow(parts, 1, 1)[0] as number[]).map((w, i) => (start[i] as number) - w);
  const g = gradient(start);
  const norm = Math.hypot(...g);

  it("by norm scales all gradients together", () => {
    expectClose(
      step({ clipNorm: 1 }),
      g.map((v) => v / (norm + 1e-6)),
    );
  });

  it("by norm leaves small gradients alone", () => {
    expectClose(step({ clipNorm: norm + 1 }), g);
  });

  it("by value cuts every element", () => {
    expectClose(
      step({ clipValue: 0.7 }),
      g.map((v) => Math.max(-0.7, Math.min(0.7, v))),
    );
    expect(g.some((v) => Math.abs(v) > 0.7)).toBe(true);
  });
});

describe("accumulation", () => {
  it("of k equal-sized batches takes the step of one big batch", () => {
    const parts: TrainParts = { optimizer: { kind: "adam" }, clipNorm: 0.5 };
    const scalars = { learning_rate: scalarOf(0.1), step: scalarOf(1) };
    const big = trained(linear(parts));
    const rows = { x: noise("rows", [6, 2], 1), y: noise("targets", [6, 1], 1) };
    const before = startValues(big);
    const wanted = advance(before, run(big.train, { ...before, ...rows, ...scalars }, 6));

    const small = trained(linear({ ...parts, accumulate: 3 }));
    if (small.apply === undefined) throw new Error("no apply program");
    let values = startValues(small);
    for (let i = 0; i < 3; i++) {
      const part = {
        x: tensor([2, 2], rows.x.data.slice(4 * i, 4 * i + 4)),
        y: tensor([2, 1], rows.y.data.slice(2 * i, 2 * i + 2)),
      };
      values = advance(values, run(small.train, { ...values, ...part }, 2));
      expect(weights(values)).toEqual(weights(before));
    }
    values = advance(values, run(small.apply, { ...values, ...scalars }, 1));
    expectClose(weights(values), weights(wanted));
    expectClose(values["dense_1.kernel:m"], numbers(wanted["dense_1.kernel:m"]));
    expectClose(values["dense_1.kernel:gradient"], [0, 0]);
  });

  it("keeps running statistics moving with every batch", () => {
    const spec = specOf({
      features: { x: vector(2) },
      targets: { y: numeric() },
      layers: "- batch_norm\n- dense: 1",
      train: { losses: [{ kind: "mse" }], accumulate: 2 },
    });
    const { train, apply, state } = trained(spec);
    const updated = (names: readonly { name: string; role: string }[] = []): string[] =>
      names.filter(({ role }) => role === "state").map(({ name }) => name);
    expect(updated(train.outputs)).toContain("batch_norm_1.mean");
    expect(updated(apply?.outputs)).not.toContain("batch_norm_1.mean");
    expect(updated(train.outputs)).not.toContain("dense_1.kernel");
    expect(updated(apply?.outputs)).toContain("dense_1.kernel");
    expect(state["dense_1.kernel:gradient"]).toMatchObject({ role: "accumulator", shape: [2, 1] });
    expect(Object.keys(inputValues(apply as never, 1)).sort()).toEqual(["learning_rate"]);
  });
});

describe("moving averages", () => {
  it("follow the weights and are what evaluation and prediction read", () => {
    const { train, infer, evaluate, state } = trained(linear({ ema: 0.75 }));
    expect(state["dense_1.kernel:average"]).toMatchObject({
      role: "average",
      init: { kind: "copy", of: "dense_1.kernel" },
    });
    let values: Values = {
      ...stateValues(state),
      "dense_1.kernel": tensor([2, 1], [1, 2]),
      "dense_1.bias": tensor([1], [0]),
      "dense_1.kernel:average": tensor([2, 1], [1, 2]),
      "dense_1.bias:average": tensor([1], [0]),
    };
    const scalars = { learning_rate: scalarOf(0.1) };
    const before = values;
    values = advance(values, run(train, { ...values, ...batch, ...scalars }, n));
    const mixed = numbers(values["dense_1.kernel"]).map(
      (w, i) => 0.25 * w + 0.75 * (numbers(before["dense_1.kernel"])[i] as number),
    );
    expectClose(values["dense_1.kernel:average"], mixed);

    const bias = numbers(values["dense_1.bias:average"])[0] as number;
    const wanted = [0, 1, 2].map(
      (i) =>
        (x[2 * i] as number) * (mixed[0] as number) +
        (x[2 * i + 1] as number) * (mixed[1] as number) +
        bias,
    );
    expectClose(run(infer, { ...values, ...batch }, n).y, wanted);
    expectClose(run(evaluate, { ...values, ...batch }, n).y, wanted);
  });

  it("are absent unless asked for", () => {
    const { state, infer, model } = trained(linear({}));
    expect(Object.keys(state)).toEqual(["dense_1.kernel", "dense_1.bias"]);
    expect(infer).toBe(model.infer);
  });
});

describe("what cannot be trained", () => {
  const ending = (layers: string, output: string | null) =>
    specOf({
      features: { x: vector(2) },
      targets: { y: numeric() },
      layers,
      train: { losses: [{ kind: "mse", output }] },
    });

  it("weights that the loss does not depend on are warned of, once per way", () => {
    const spec = ending("- { dense: 1, as: out }\n- dense: 2\n- { dense: 3, as: extra }", "out");
    const found = complaints(spec);
    expect(found.map(({ code, severity }) => [code, severity])).toEqual([
      ["weight-without-gradient", "warning"],
    ]);
    expect(found[0]?.message).toContain("kernel and bias of extra");
    expect(found[0]?.span).toEqual(spec.layers[2]?.span);
  });

  it("weights before a step without slope are warned of", () => {
    const layers = "- dense: 4\n- embedding: { size: 2, vocabulary: 9 }\n- flatten\n- dense: 1";
    expect(complaints(ending(layers, null))).toMatchObject([
      { code: "weight-without-gradient", message: expect.stringContaining("dense_1") },
    ]);
  });

  it("layers that nothing reads are left to loading, which reports them", () => {
    expect(complaints(ending("- { dense: 3, as: lost }\n- { dense: 1, from: x }", null))).toEqual(
      [],
    );
  });

  it("an operation without a gradient is reported at its layer", () => {
    const spec = linear({});
    const model = lowered(spec);
    const { builder: b, training } = model;
    if (b === null || training === null) throw new Error("no training");
    const [loss, ...others] = training.outputs;
    if (loss === undefined) throw new Error("no loss");
    // No layer uses such an operation: an optimiser's update stands in for one.
    const span = { file: "spec.yaml", start: 3, end: 9 };
    b.origin = { layer: "odd_1", type: "odd", span, phase: "forward" };
    const value = b.applySgd(loss.value, loss.value, loss.value);
    const outputs = [{ ...loss, value }, ...others];
    const diagnostics = new Diagnostics();
    const odd = { ...model, training: { name: "train", outputs } };
    expect(trainingPrograms(odd, spec.train as never, diagnostics)).toBeNull();
    expect(diagnostics.all).toMatchObject([
      {
        code: "missing-gradient",
        message:
          "'odd_1' cannot be trained through: applySgd has no gradient (an optimiser's update is not part of a loss)",
        span,
      },
    ]);
  });

  it("a model without weights is refused", () => {
    const spec = specOf({
      features: { x: vector(1) },
      targets: { y: numeric() },
      layers: "- relu",
      train: { losses: [{ kind: "mse" }] },
    });
    expect(complaints(spec).map(({ code }) => code)).toEqual(["nothing-to-train"]);
  });
});

it("a small convolutional classifier learns its batch by heart", () => {
  const spec = specOf({
    features: { photo: image(6, 6, 1) },
    targets: { kind: category(classNames(3)) },
    layers: `
- conv2d: { filters: 4, kernel: 3, activation: relu }
- batch_norm
- max_pool2d: 2
- flatten
- dropout: 0.1
- dense: 3`,
    train: { optimizer: { kind: "adam" }, ema: 0.5 },
  });
  const { train, evaluate, state } = trained(spec);
  let values: Values = { ...inputValues(train, 6, 3), ...stateValues(state) };
  const loss = (): number => numbers(run(evaluate, values, 6).loss)[0] as number;
  const first = loss();
  for (let step = 1; step <= 40; step++) {
    const scalars = {
      learning_rate: scalarOf(0.05),
      step: scalarOf(step),
      random_key: scalarOf(step, "u32"),
    };
    values = advance(values, run(train, { ...values, ...scalars }, 6));
  }
  expect(first).toBeGreaterThan(0.5);
  const last = numbers(run(train, values, 6).loss)[0] as number;
  expect(last).toBeLessThan(first / 10);
});
