/**
 * @file Models of texts and sequences: the training program of the generated package takes the same first
 * three steps on the onnx engine as by the ops' own definitions in float64, and predicts the same.
 */
import {
  type Engine,
  type FittedFacts,
  type HostTensor,
  initialState,
  type ModelDefinition,
  type Program,
  random,
  specialTokenNames,
  specialTokens,
} from "@dlc/runtime";
import { afterAll, beforeAll, expect, it } from "vitest";
import { emitPackage } from "../../compiler/5-emit/emit-package.js";
import { Diagnostics } from "../../compiler/diagnostics/report.js";
import { SourceFiles } from "../../compiler/diagnostics/source-files.js";
import { compileSpec } from "../../compiler/pipeline.js";
import { createEngine } from "../../runtime/engines/index.js";
import { createEagerEngine } from "../support/eager-engine.js";
import { createWorkspace } from "../support/emitted.js";
import { specFrom } from "../support/from-yaml.js";

const text = "type: text, tokens: char";

/** Specs without `dlc`, `name` and a source. */
const specs: Readonly<Record<string, string>> = {
  "a language model": `data:
  source: arrays
  features: { verse: { ${text}, max_length: 9 } }
model:
  layers:
    - previous: verse
    - embedding: 5
    - lstm: { units: 6, return: sequence, recurrent_dropout: 0.2 }
    - layer_norm
    - logits: verse
train:
  loss: { cross_entropy: { target: verse, label_smoothing: 0.1 } }
`,
  "an encoder and a decoder": `data:
  source: arrays
  features: { verse: { ${text}, max_length: 9 } }
  targets: { answer: { ${text}, max_length: 4 } }
model:
  layers:
    - { embedding: 5, from: verse }
    - { conv1d: { filters: 5, kernel: 3, padding: same, activation: relu }, as: words }
    - { gru: { units: 3, bidirectional: true }, as: encoder }
    - previous: answer
    - embedding: 5
    - recurrent:
        states: { h: { from: encoder } }
        cell:
          - concat: [x, h]
          - { dense: { units: 6, activation: tanh }, as: next }
        next: { h: next }
        return: sequence
    - { logits: answer, as: scores }
    - { max_pool1d: 2, from: words }
    - { avg_pool1d: 2 }
    - global_max_pool1d
    - { dense: 1, as: size }
train:
  losses:
    - cross_entropy: { output: scores, target: answer }
    - mse: { output: size, target: 0.5, weight: 0.1 }
  accumulate: 2
`,
  "a forecast": `data:
  source: arrays
  features: { path: { type: sequence, max_length: 8, channels: 2, scale: none } }
model:
  layers:
    - conv1d: { filters: 4, kernel: 2, padding: causal }
    - { simple_rnn: { units: 4, return: sequence }, as: memory }
    - { global_avg_pool1d: {}, as: gist }
    - { dense: 2, from: memory }
    - { dense: 1, from: gist, as: mood }
train:
  losses:
    - mae: { output: dense_1, target: path }
    - mse: { output: mood, target: 0 }
`,
};

const tokens = 4;
const facts: FittedFacts = Object.fromEntries(
  ["verse", "answer"].map((name) => [
    name,
    { vocabulary: [...specialTokenNames, "a", "b", "c", "d"], length: 9 },
  ]),
);

const n = 5;

/** Texts and sequences of several lengths; the first is complete, and none is empty. */
function drawn(program: Program, name: string): HostTensor {
  const { dtype, shape } = program.inputs[name] ?? { dtype: "f32", shape: [] };
  const [, steps = 1, channels = 1] = shape.map(Number);
  const key = random.keyOf(name);
  const lengths = Array.from({ length: n }, (_, row) =>
    row === 0 ? steps : 1 + Math.floor(steps * random.uniform(row, key)),
  );
  const isThere = (at: number): boolean => at % steps < (lengths[Math.floor(at / steps)] as number);
  if (dtype === "i32") {
    const data = Int32Array.from({ length: n * steps }, (_, i) =>
      isThere(i) ? specialTokens.end + 1 + Math.floor(tokens * random.uniform(i, key)) : 0,
    );
    return { dtype: "i32", shape: [n, steps], data };
  }
  const data = Float32Array.from({ length: n * steps * channels }, (_, i) => {
    if (!isThere(Math.floor(i / channels))) return 0;
    return i % channels === channels - 1 ? 1 : random.normal(i, key);
  });
  return { dtype: "f32", shape: [n, steps, channels], data };
}

type Tensors = Readonly<Record<string, HostTensor>>;

async function take(engine: Engine, { programs, state: specs }: ModelDefinition) {
  const { train, apply, infer } = programs;
  if (train === undefined) throw new Error("the model does not train");
  const state = engine.createState(specs, initialState(specs, 1));
  const inputs = (program: Program): Tensors =>
    Object.fromEntries(Object.keys(program.inputs).map((name) => [name, drawn(program, name)]));
  const outputs: Tensors[] = [];
  for (let step = 1; step <= 3; step++) {
    const scalars = { learning_rate: 0.01, step, random_key: random.derive(7, step) };
    const executable = await engine.prepare(train, n);
    outputs.push(await executable.run({ inputs: inputs(train), scalars, state }));
    if (apply !== undefined) {
      await (await engine.prepare(apply, n)).run({ inputs: {}, scalars, state });
    }
  }
  const executable = await engine.prepare(infer, n);
  outputs.push(await executable.run({ inputs: inputs(infer), scalars: {}, state }));
  return [...outputs, await state.read()];
}

/** The largest difference, relative to the largest value. */
function distance(given: HostTensor | undefined, wanted: HostTensor): number {
  const largest = Math.max(1e-3, ...Array.from(wanted.data, Math.abs));
  const off = Array.from(wanted.data, (v, i) => Math.abs((given?.data[i] ?? Number.NaN) - v));
  return Math.max(...off) / largest;
}

let onnx: Engine;
beforeAll(async () => {
  ({ engine: onnx } = await createEngine({ engine: "onnx", device: "cpu", threads: 1 }));
});
afterAll(async () => {
  await onnx.dispose();
});

it.each(Object.keys(specs))("%s", async (name) => {
  const diagnostics = new Diagnostics();
  const spec = specFrom(specs[name] as string);
  const model = compileSpec(spec, facts, new SourceFiles(), diagnostics);
  expect(diagnostics.all).toEqual([]);
  if (model === null) throw new Error("the model does not compile");
  const workspace = createWorkspace();
  workspace.add(await emitPackage(model));
  const { definition } = (await workspace.load(`generated/${spec.name}/index.js`)) as {
    definition: ModelDefinition;
  };
  const given = await take(onnx, definition);
  const wanted = await take(createEagerEngine(), definition);
  wanted.forEach((tensors, i) => {
    expect(Object.keys(tensors).length).toBeGreaterThan(0);
    for (const [key, tensor] of Object.entries(tensors)) {
      expect([i, key, distance(given[i]?.[key], tensor)]).toEqual([i, key, expect.closeTo(0, 3)]);
    }
  });
});
