/** Whole models, random ones too: the optimised programs give what the unoptimised ones give. */
import type { Layout } from "@dlc/runtime";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ResolvedSpec } from "../../compiler/1-load/resolved-spec.js";
import { lowerModel } from "../../compiler/2-lower/lower-model.js";
import type { LoweredModel } from "../../compiler/2-lower/lowered-model.js";
import { trainingPrograms } from "../../compiler/3-differentiate/training-step.js";
import { optimize, optimizeForward, orderNodes } from "../../compiler/4-optimize/index.js";
import { Diagnostics } from "../../compiler/diagnostics/report.js";
import { evaluateValues } from "../../compiler/ir/evaluate.js";
import { parseGraph } from "../../compiler/ir/parse.js";
import { printGraph } from "../../compiler/ir/print.js";
import { nodesOf } from "../../compiler/ir/traverse.js";
import type { Graph, Value } from "../../compiler/ir/types.js";
import type { Inputs, ReferenceTensor } from "../../compiler/ops/define-op.js";
import { opKinds, ops } from "../../compiler/ops/index.js";
import { count, expectSameResults, randomValues } from "../support/graphs.js";
import { lowered, noise, stateValues, type Values } from "../support/lowering.js";
import { category, classNames, image, specOf } from "../support/spec.js";

const batch = 2;
const classes = 3;

const classifier = (size: readonly [number, number, number], layers: readonly string[]) =>
  specOf({
    features: { picture: image(...size) },
    targets: { kind: category(classNames(classes)) },
    layers: [...layers, `dense: ${classes}`].map((layer) => `- { ${layer} }\n`).join(""),
    train: { optimizer: { kind: "sgd", momentum: 0.9 }, losses: [{ labelSmoothing: 0.1 }] },
  });

/** Training programs with and without the passes that run before differentiation. */
function programsOf(
  spec: ResolvedSpec,
  model: LoweredModel,
): readonly [plain: Graph, smaller: Graph] {
  return [model, optimizeForward(model)].map((each) => {
    const programs = trainingPrograms(each, spec.train as never, new Diagnostics());
    if (programs === null) throw new Error("no training program");
    return programs.train;
  }) as [Graph, Graph];
}

/** Weights at random, variances positive. */
function valuesOf(graph: Graph, model: LoweredModel): Values {
  const state = stateValues(model.state);
  for (const [name, value] of Object.entries(state)) {
    if (!name.endsWith("variance")) continue;
    state[name] = { ...value, data: noise(name, value.shape).data.map((v) => 0.5 + v * v) };
  }
  return randomValues(graph, batch, state);
}

/**
 * Does a window of a max pool hold its maximum twice? Where its gradient goes is then up to the
 * engine. The reference sends it to each, so that more gradient comes out than goes in.
 */
function hasTies(graph: Graph, values: Values): boolean {
  return nodesOf(graph).some((node) => {
    if (node.kind !== "maxPool2d") return false;
    const images = [node.inputs[0] as Value, { node, output: 0 }];
    const [x, y] = evaluateValues(images, values, batch) as [ReferenceTensor, ReferenceTensor];
    const ones = { ...y, data: y.data.map(() => 1) };
    const inputs = [x, y, ones] as unknown as Inputs<ReferenceTensor>;
    const [dx] = ops.maxPool2dGrad.evaluate(inputs, node.attrs as never, []);
    return dx?.data.reduce((sum, value) => sum + value, 0) !== y.data.length;
  });
}

function expectSameMeaning(spec: ResolvedSpec, model: LoweredModel, layout: Layout): void {
  const [plain, smaller] = programsOf(spec, model);
  const values = valuesOf(plain, model);
  fc.pre(!hasTies(plain, values));
  const options = { mode: "training", layout, lacking: [] } as const;
  for (const graph of [plain, smaller]) {
    expectSameResults(optimize(graph, options), plain, values, batch);
  }
  const inference = optimize(model.infer, { ...options, mode: "inference" });
  expectSameResults(inference, model.infer, values, batch);
}

const layer = fc.oneof(
  fc
    .record({
      filters: fc.integer({ min: 1, max: 3 }),
      kernel: fc.integer({ min: 1, max: 3 }),
      stride: fc.constantFrom(1, 1, 2),
      padding: fc.constantFrom("same", "valid"),
      activation: fc.constantFrom("linear", "tanh", "sigmoid", "gelu"),
      bias: fc.boolean(),
    })
    .map((fields) => `conv2d: ${JSON.stringify(fields)}`),
  fc.constantFrom(
    "max_pool2d: 2",
    "max_pool2d: 2",
    "max_pool2d: { size: 3, stride: 2, padding: same }",
    "max_pool2d: { size: 2, stride: 1 }",
    "avg_pool2d: 2",
    "avg_pool2d: { size: 3, stride: 2, padding: same }",
    "batch_norm: {}",
    "tanh: {}",
    "dropout: 0.3",
    "dropout: 0",
    "zero_pad2d: 1",
    "upsample2d: 2",
    "layer_norm: {}",
    "group_norm: 1",
    "depthwise_conv2d: { kernel: 2, padding: same, activation: tanh }",
    "separable_conv2d: { filters: 2, kernel: 3, padding: same }",
    "transposed_conv2d: { filters: 2, kernel: 3, stride: 2 }",
    "prelu: {}",
  ),
);
const top = fc.constantFrom(
  ["flatten: {}"],
  ["flatten: {}", "dense: { units: 4, activation: relu }"],
  ["global_avg_pool2d: {}"],
  ["global_max_pool2d: {}", "dense: { units: 4, activation: sigmoid }", "dropout: 0.2"],
);
const size = fc.tuple(
  fc.integer({ min: 1, max: 7 }),
  fc.integer({ min: 1, max: 7 }),
  fc.integer({ min: 1, max: 3 }),
);

describe("random image classifiers", () => {
  for (const layout of ["NCHW", "NHWC"] as const) {
    it(`mean the same after optimisation for ${layout}`, { timeout: 120_000 }, () => {
      fc.assert(
        fc.property(
          size,
          fc.array(layer, { minLength: 1, maxLength: 5 }),
          top,
          (shape, body, end) => {
            const spec = classifier(shape, [...body, ...end]);
            const model = lowerModel(spec, {}, new Diagnostics());
            fc.pre(model !== null);
            if (model !== null) expectSameMeaning(spec, model, layout);
          },
        ),
        { numRuns: 25, maxSkipsPerRun: 20 },
      );
    });
  }
});

const cifar = classifier(
  [32, 32, 3],
  [
    "conv2d: { filters: 32, kernel: 3, activation: relu }",
    "max_pool2d: 2",
    "conv2d: { filters: 64, kernel: 3, activation: relu }",
    "max_pool2d: 2",
    "conv2d: { filters: 64, kernel: 3, activation: relu }",
    "flatten: {}",
    "dense: { units: 64, activation: relu }",
  ],
);

describe("the training step of a plain CNN", () => {
  const model = lowered(cifar);
  const [, smaller] = programsOf(cifar, model);
  const passes: string[] = [];
  const step = optimize(smaller, {
    mode: "training",
    layout: "NCHW",
    lacking: [],
    onPass: (name, graph, ms, counts) => {
      expect(nodesOf(graph).length).toBeGreaterThan(0);
      expect(ms).toBeGreaterThanOrEqual(0);
      expect(Object.values(counts).every((n) => Number.isInteger(n))).toBe(true);
      passes.push(name);
    },
  });

  it("transposes the image, and the features to and from flatten, and nothing else", () => {
    const transposes = nodesOf(step).filter((node) => node.kind === "transpose");
    expect(transposes.map((node) => node.types[0]?.dtype)).toEqual(["u8", "f32", "f32"]);
  });

  it("has every bias and activation in its convolution or matrix product", () => {
    const linear = nodesOf(step).filter(({ kind, origin }) => {
      return (kind === "conv2d" || kind === "matmul") && origin.phase === "forward";
    });
    expect(linear.map((node) => [node.origin.layer, node.attrs.activation])).toEqual([
      ["conv2d_1", "relu"],
      ["conv2d_2", "relu"],
      ["conv2d_3", "relu"],
      ["dense_1", "relu"],
      ["dense_2", "none"],
    ]);
    expect(linear.every((node) => node.optional.includes("bias"))).toBe(true);
    expect(count(step, "relu")).toBe(0);
  });

  it("computes no pixel that a pool ignores", () => {
    const convolutions = nodesOf(step).filter((node) => node.kind === "conv2d");
    expect(convolutions.map((node) => node.types[0]?.shape.slice(2))).toEqual([
      [28, 28],
      [12, 12],
      [4, 4],
    ]);
    expect(count(step, "pad")).toBe(0);
  });

  it("masks gradients before unpooling them, and sums biases there", () => {
    for (const node of nodesOf(step).filter(({ kind }) => kind === "maxPool2dGrad")) {
      const uses = nodesOf(step).filter((reader) => reader.inputs.some((v) => v.node === node));
      expect(uses.map(({ kind }) => kind).filter((kind) => !kind.startsWith("conv2d"))).toEqual([]);
    }
  });

  it("reads forward, then backward, then update", () => {
    const phases = nodesOf(step)
      .filter(({ kind }) => kind !== "input" && kind !== "state")
      .map(({ origin }) => origin.phase);
    const order = ["forward", "backward", "update"];
    expect(phases).toEqual([...phases].sort((a, b) => order.indexOf(a) - order.indexOf(b)));
    expect(orderNodes(step)).toEqual(nodesOf(step));
  });

  it("is the same in every run, and already optimal for a second one", () => {
    const options = { mode: "training", layout: "NCHW", lacking: [] } as const;
    expect(printGraph(optimize(smaller, options))).toBe(printGraph(step));
    expect(printGraph(optimize(step, options))).toBe(printGraph(step));
    expect(printGraph(parseGraph(printGraph(step)))).toBe(printGraph(step));
    expect(passes).toContain("convert-layout");
  });
});

it("a small MNIST network has one transpose each way at flatten", () => {
  const spec = classifier(
    [28, 28, 1],
    [
      "conv2d: { filters: 4, kernel: 3, activation: relu }",
      "max_pool2d: 2",
      "conv2d: { filters: 8, kernel: 3, activation: relu }",
      "max_pool2d: 2",
      "flatten: {}",
    ],
  );
  const [, smaller] = programsOf(spec, lowered(spec));
  const options = { mode: "training", layout: "NCHW", lacking: [] } as const;
  expect(count(optimize(smaller, options), "transpose")).toBe(2);
});

it("sequences stay channels-first from one convolution to the next", () => {
  const spec = classifier(
    [12, 1, 2],
    [
      "reshape: [12, 2]",
      "conv1d: { filters: 3, kernel: 3, activation: tanh }",
      "batch_norm: {}",
      "max_pool1d: 2",
      "conv1d: { filters: 3, kernel: 2, activation: tanh }",
      "flatten: {}",
    ],
  );
  const model = lowered(spec);
  expectSameMeaning(spec, model, "NCHW");
  const [, smaller] = programsOf(spec, model);
  const options = { mode: "training", layout: "NCHW", lacking: [] } as const;
  expect(count(optimize(smaller, options), "transpose")).toBe(3);
});

it("a residual network means the same, with batch norms folded for inference", () => {
  const spec = classifier(
    [6, 6, 2],
    [
      "conv2d: { filters: 3, kernel: 3, padding: same, bias: false }, as: stem",
      "conv2d: { filters: 3, kernel: 3, padding: same }",
      "batch_norm: {}",
      "tanh: {}",
      "conv2d: { filters: 3, kernel: 3, padding: same, bias: false }",
      "batch_norm: {}, as: body",
      "add: [body, stem]",
      "tanh: {}",
      "global_avg_pool2d: {}",
      "dense: 4",
      "batch_norm: {}",
    ],
  );
  const model = lowered(spec);
  expectSameMeaning(spec, model, "NCHW");
  const inference = optimize(model.infer, { mode: "inference", layout: "NCHW", lacking: [] });
  expect(count(inference, "batchNorm")).toBe(0);
  expect(count(inference, "transpose")).toBe(1);
});

it("every op with an expansion can be missing from the target", () => {
  const spec = classifier(
    [6, 6, 2],
    [
      "conv2d: { filters: 3, kernel: 3, activation: gelu }",
      "batch_norm: {}",
      "avg_pool2d: 2",
      "dropout: 0.2",
      "flatten: {}",
    ],
  );
  const model = lowered(spec);
  const [plain] = programsOf(spec, model);
  // These two can do without their bias and activation, but not without themselves.
  const lacking = opKinds.filter(
    (kind) => ops[kind].expand !== undefined && kind !== "conv2d" && kind !== "matmul",
  );
  const legal = optimize(plain, { mode: "training", layout: "NHWC", lacking });
  expect(nodesOf(legal).filter(({ kind }) => lacking.includes(kind as never))).toEqual([]);
  expectSameResults(legal, plain, valuesOf(plain, model), batch);
});
