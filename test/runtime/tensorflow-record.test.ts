/** @file What programs become for the tensorflow engine: native kernels, few transposes, one body per loop. Needs no TensorFlow. */
import type { ModelDefinition, Ops, Program } from "@dlc/runtime";
import { describe, expect, it } from "vitest";
import { opKinds } from "../../compiler/ops/index.js";
import { sampleBatch, sampleProgram, samplesOf } from "../../compiler/reference/op-samples.js";
import { encodeSavedModel, modelTag } from "../../runtime/engines/tensorflow/graph-def.js";
import { countOps, readSavedModel, record, recordTraining } from "../support/tensorflow-record.js";
import { trainedPackages } from "../support/trained-packages.js";

const packages = trainedPackages();

const convNet = (name: string, optimizer: string, norm: boolean): string => `
dlc: 1
name: ${name}
data:
  source: arrays
  features: { image: { type: image, shape: [16, 16, 3], scale: unit } }
  targets: { kind: { type: category, classes: [a, b, c] } }
model:
  layers:
    - conv2d: { filters: 8, kernel: 3 }${norm ? "\n    - batch_norm" : ""}
    - relu
    - max_pool2d: 2
    - conv2d: { filters: 8, kernel: 3, padding: same }${norm ? "\n    - batch_norm" : ""}
    - relu
    - max_pool2d: 2
    - flatten
    - dense: 3
train: { loss: cross_entropy, optimizer: ${optimizer}, batch: 8, epochs: 1 }
`;

const definitionOf = async (spec: string): Promise<ModelDefinition> =>
  (await packages.packageOf(spec)).definition;

/** Every input of every node is a node, or a variable that the state declares. */
function expectWhole(nodes: readonly { name: string; inputs: readonly string[] }[]): void {
  const names = new Set(nodes.map(({ name }) => name));
  expect(names.size).toBe(nodes.length);
  for (const { name, inputs } of nodes) {
    for (const input of inputs) {
      const node = input.replace(/^\^/, "").replace(/:\d+$/, "");
      if (!node.startsWith("state/")) expect(names, `${name} takes ${input}`).toContain(node);
    }
  }
}

describe("the training step of a convolutional net", () => {
  it("is made of the native kernels and their gradients, without a transpose", async () => {
    const { nodes } = recordTraining(await definitionOf(convNet("plain", "adam", false)), 8);
    const counts = countOps(nodes);
    expect(counts).toMatchObject({
      Conv2D: 2,
      Conv2DBackpropFilter: 2,
      // None towards the images.
      Conv2DBackpropInput: 1,
      MaxPool: 2,
      MaxPoolGrad: 2,
      ReluGrad: 2,
      SoftmaxCrossEntropyWithLogits: 1,
      ResourceApplyAdam: 6,
    });
    // Images come with their channels last, filters lie as the kernels want them, and flatten means channels last.
    expect(counts.Transpose).toBeUndefined();
    // All new values are written by the optimiser's kernels.
    expect(counts.AssignVariableOp).toBeUndefined();
  });

  it("normalises by the fused kernels", async () => {
    const { nodes } = recordTraining(await definitionOf(convNet("normed", "adam", true)), 8);
    const counts = countOps(nodes);
    expect(counts).toMatchObject({ FusedBatchNormV3: 2, FusedBatchNormGradV3: 2 });
    expect(counts.Transpose).toBeUndefined();
    // The running mean and variance of two norms.
    expect(counts.AssignVariableOp).toBe(4);
  });

  it.for([
    ["sgd", "sgd", "ResourceApplyGradientDescent"],
    ["momentum", "{ sgd: { momentum: 0.9 } }", "ResourceApplyMomentum"],
    ["adam", "adam", "ResourceApplyAdam"],
    ["adagrad", "adagrad", "ResourceApplyAdagradV2"],
  ] as const)("updates the weights of %s by one kernel each", async ([name, optimizer, kernel]) => {
    const { nodes } = recordTraining(await definitionOf(convNet(name, optimizer, false)), 8);
    expect(countOps(nodes)).toMatchObject({ [kernel]: 6 });
  });

  it("writes nothing before everything is read and the loss is found finite", async () => {
    const { nodes, check } = recordTraining(
      await definitionOf(convNet("guarded", "adam", true)),
      8,
    );
    const byName = new Map(nodes.map((node) => [node.name, node]));
    const reads = nodes.filter(({ op }) => op === "ReadVariableOp").map(({ name }) => name);
    const writers = nodes.filter(({ op }) => /^(ResourceApply|AssignVariable)/.test(op));
    expect(writers.length).toBeGreaterThan(0);
    for (const { inputs } of writers) {
      const [barrier] = inputs.filter((input) => input.startsWith("^"));
      const awaited = byName.get(barrier?.slice(1) ?? "")?.inputs ?? [];
      expect(awaited).toEqual(expect.arrayContaining([...reads, check].map((name) => `^${name}`)));
    }
  });
});

describe("every op", () => {
  it.for(opKinds)("%s becomes a graph whose bytes say the same", (kind) => {
    for (const sample of samplesOf(kind)) {
      const { program, state } = sampleProgram(sample);
      for (const device of ["cpu", "cuda"]) {
        const { nodes } = record(program, sampleBatch, state, device);
        const saved = readSavedModel(encodeSavedModel(nodes, device));
        expect(saved.tag).toBe(modelTag);
        expect(saved.nodes).toEqual(
          nodes.map(({ name, op, inputs: refs, attributes }) => ({
            name,
            op,
            inputs: refs,
            // On a machine with a GPU everything else would be computed there.
            device: device === "cpu" ? "/device:CPU:0" : "",
            attributes: Object.keys(attributes),
          })),
        );
        expectWhole(saved.nodes);
      }
    }
  });
});

describe("a loop", () => {
  /** An LSTM's kind of loop: a carry, a sequence, an output per step. */
  const looping = (steps: number): Program => ({
    name: "looping",
    inputs: { x: { dtype: "f32", shape: [steps, 2] }, h: { dtype: "f32", shape: [2] } },
    scalars: {},
    reads: [],
    updates: [],
    outputs: { last: { dtype: "f32", shape: [2] }, all: { dtype: "f32", shape: [steps, 2] } },
    run<T>(o: Ops<T>, { inputs }: { inputs: Readonly<Record<string, T>> }) {
      const options = { carries: 1, sequences: 1, reverse: false };
      const [last, all] = o.scan([inputs.h as T, inputs.x as T], {
        ...options,
        body: (h: T, x: T): [T, T] => {
          const next = o.tanh(o.add(h, x));
          return [next, next];
        },
      });
      return { outputs: { last, all }, state: {} };
    },
  });

  it("has one body, whatever the number of steps", () => {
    const [few, many] = [2, 200].map((steps) => record(looping(steps), 1).nodes);
    expect(countOps(many ?? [])).toEqual(countOps(few ?? []));
    expect(countOps(many ?? [])).toMatchObject({ Tanh: 1, LoopCond: 1, TensorListSetItem: 1 });
    expectWhole(many ?? []);
  });
});
