/** @file Weights that PyTorch and Keras saved: test/golden/foreign*, made by make-foreign.py. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { InitialWeights } from "@dlc/runtime";
import { afterAll, describe, expect, it } from "vitest";
import type { CompiledModel } from "../../compiler/compiled-model.js";
import { renderText } from "../../compiler/diagnostics/render.js";
import { compile } from "../../compiler/pipeline.js";
import { startingPoint } from "../../runtime/checkpoint/foreign/initial.js";
import { run, tensor, type Values } from "../support/lowering.js";

interface Numbers {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

const golden = fileURLToPath(new URL("../golden/", import.meta.url));
const cases = JSON.parse(readFileSync(join(golden, "foreign.json"), "utf8")) as Readonly<
  Record<string, { readonly x: Numbers; readonly output: Numbers }>
>;

const cnn = `
    - conv2d: { filters: 6, kernel: 3, padding: 1 }
    - batch_norm: { epsilon: 1.0e-5 }
    - relu
    - max_pool2d: 2
    - conv2d: { filters: 12, kernel: 3, padding: 1, groups: 6, bias: false, activation: relu }
    - flatten
    - { batch_norm: { epsilon: 1.0e-5 }, as: flat }
    - { dense: { units: 7, activation: relu }, as: hidden }
    - dense: 3`;

const reader = (kind: string, middle: string): string => `
    - ${kind}: { units: 4, bidirectional: true, return: sequence }${middle}
    - dense: 2`;

/** Layers, and the map where shapes alone do not tell. */
const models: Readonly<Record<string, readonly [layers: string, map?: string]>> = {
  cnn: [cnn],
  "cnn-half": [cnn],
  "cnn-bfloat": [cnn],
  "cnn-double": [cnn, "{ features.0: conv2d_1, features.4: conv2d_2, classifier.0: hidden }"],
  painter: [
    `
    - dense: 24
    - batch_norm: { epsilon: 1.0e-5 }
    - relu
    - reshape: [3, 2, 4]
    - { transposed_conv2d: { filters: 2, kernel: 3, stride: 2, padding: 1 }, as: up }`,
  ],
  ...Object.fromEntries(
    [
      ["lstm", "lstm"],
      ["gru", "gru"],
      ["rnn", "simple_rnn"],
    ].map(([name, kind = ""]) => [
      name,
      [reader(kind, `\n    - ${kind}: { units: 5, return: sequence }\n    - ${kind}: 5`)],
    ]),
  ),
  words: [
    `
    - embedding: { size: 4, vocabulary: 9 }
    - layer_norm: { epsilon: 1.0e-5 }
    - conv1d: { filters: 6, kernel: 3 }
    - prelu
    - flatten
    - dense: 2`,
    "{ act: prelu_1 }",
  ],
  encoder: [
    `
    - { attention: { kind: multi_head, heads: 2 }, as: a1 }
    - { add: [x, a1], as: b1 }
    - { layer_norm: { epsilon: 1.0e-5 }, as: c1 }
    - { feed_forward: 12, as: d1 }
    - { add: [c1, d1], as: e1 }
    - { layer_norm: { epsilon: 1.0e-5 }, as: f1 }
    - { attention: { kind: multi_head, heads: 2 }, as: a2 }
    - { add: [f1, a2], as: b2 }
    - { layer_norm: { epsilon: 1.0e-5 }, as: c2 }
    - { feed_forward: 12, as: d2 }
    - { add: [c2, d2], as: e2 }
    - { layer_norm: { epsilon: 1.0e-5 }, as: f2 }
    - global_avg_pool1d
    - dense: 2`,
  ],
  attentions: [
    `
    - attention: { kind: multi_head, heads: 2 }
    - { attention: { kind: multi_head, heads: 4 }, as: last, from: { query: attention_1, memory: x } }`,
    "{ own: attention_1, other: last }",
  ],
  "keras-cnn": [
    `
    - conv2d: { filters: 6, kernel: 3, padding: same }
    - batch_norm
    - relu
    - max_pool2d: 2
    - depthwise_conv2d: { kernel: 3, multiplier: 2 }
    - separable_conv2d: { filters: 5, kernel: [1, 2], multiplier: 2 }
    - transposed_conv2d: { filters: 4, kernel: 3, stride: 2, padding: same }
    - flatten
    - dense: { units: 7, activation: relu }
    - { dense: 3, as: head }`,
  ],
  ...Object.fromEntries(
    ["lstm", "gru", "simple_rnn"].map((kind) => [
      `keras-${kind.replace("_", "")}`,
      [reader(kind, `\n    - conv1d: { filters: 5, kernel: 2 }\n    - ${kind}: 5`)],
    ]),
  ),
};

const folder = mkdtempSync(join(tmpdir(), "dlc-initial-"));
afterAll(() => rmSync(folder, { recursive: true }));

const nested = (list: readonly number[]): string => `[${list.join(", ")}]`;

/** Compiles a model that starts from the case's file. */
async function compiled(name: string): Promise<CompiledModel> {
  const [layers, map = "{}"] = models[name] ?? [""];
  const { x, output } = cases[name] as (typeof cases)[string];
  copyFileSync(join(golden, `foreign-${name}.safetensors`), join(folder, `${name}.safetensors`));
  const file = join(folder, `${name}.yaml`);
  writeFileSync(
    file,
    `dlc: 1
name: example
data:
  source: { arrays: true }
  features: { x: { type: vector, shape: ${nested(x.shape.slice(1))} } }
  targets: { y: { type: vector, shape: ${nested(output.shape.slice(1))} } }
model:
  layers:${layers}
train: { loss: mse }
init: { from: ${name}.safetensors, layout: ${name.startsWith("keras") ? "keras" : "pytorch"}, map: ${map} }
`,
  );
  const { model, diagnostics, sources } = await compile(file);
  expect(renderText(diagnostics.all, sources)).toBe("");
  return model as CompiledModel;
}

describe.each(Object.keys(cases))("%s", (name) => {
  it("gives the outputs of the network that saved it", async () => {
    const { programs, state, initial } = await compiled(name);
    const plan = initial as InitialWeights;
    const weights = Object.entries(state).filter(([, { role }]) =>
      ["weight", "buffer"].includes(role),
    );
    expect(Object.keys(plan.tensors).sort()).toEqual(weights.map(([one]) => one).sort());
    const start = await startingPoint({ state, initial: plan }, folder, join(folder, "run"));
    const loaded = Object.entries(await start.load()).map(([one, { shape, data }]) => [
      one,
      tensor(shape, Float64Array.from(data)),
    ]);
    const { x, output } = cases[name] as (typeof cases)[string];
    const values: Values = { ...Object.fromEntries(loaded), x: tensor(x.shape, x.data) };
    const [result] = Object.values(run(programs.infer, values, x.shape[0] as number));
    expect(result?.shape).toEqual(output.shape);
    const scale = Math.max(...output.data.map(Math.abs));
    const distances = output.data.map((v, i) => Math.abs(v - (result?.data[i] ?? Number.NaN)));
    expect(Math.max(...distances) / scale).toBeLessThan(1e-5);
  });
});
