/** @file The classic networks in `models/zoo`: their published sizes, and taking steps with them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  allocate,
  type Engine,
  type FeatureSpec,
  type HostTensor,
  initialState,
  type ModelDefinition,
  type Program,
  random,
  sizeOf,
  specialTokenNames,
} from "@dlc/runtime";
import { emitPackage } from "../../compiler/5-emit/emit-package.js";
import type { CompiledModel } from "../../compiler/compiled-model.js";
import { compile } from "../../compiler/pipeline.js";
import { createWorkspace } from "./emitted.js";

export const models = fileURLToPath(new URL("../../models/", import.meta.url));

export interface Published {
  readonly name: string;
  /** Trained numbers: no running statistics. */
  readonly parameters: number;
  /** A layer that the published number leaves out. */
  readonly without: string | null;
}

/** The table of `models/README.md`: `| [name](zoo/name/README.md) | 60,000 without `output` | … |`. */
export function publishedSizes(): readonly Published[] {
  const text = readFileSync(join(models, "README.md"), "utf8");
  const row = /^\| \[([\w-]+)\]\(zoo\/\1\/README\.md\) +\| ([\d,]+)(?: without `(\w+)`)? +\|/gm;
  return [...text.matchAll(row)].map(([, name = "", digits = "", without = null]) => ({
    name,
    parameters: Number(digits.replaceAll(",", "")),
    without,
  }));
}

/** Compiles a network; parameters such as its image size are set. */
export async function compileZoo(
  name: string,
  set: Readonly<Record<string, string>> = {},
): Promise<CompiledModel> {
  const { model, diagnostics } = await compile(join(models, "zoo", name, "spec.yaml"), {
    set,
    checkData: false,
  });
  if (model === null) throw new Error(`${name}: ${diagnostics.all.map((d) => d.message).join()}`);
  return model;
}

/** The package that is emitted for a model, imported. */
export async function importModel(model: CompiledModel): Promise<ModelDefinition> {
  const workspace = createWorkspace();
  workspace.add(await emitPackage(model));
  const module = await workspace.load(`generated/${model.spec.name}/index.js`);
  return module.definition as ModelDefinition;
}

/** Examples of a feature: noise, classes in turn, or rows of equal probabilities. */
export function examplesOf(name: string, feature: FeatureSpec, n: number): HostTensor {
  const key = random.keyOf(name);
  if (feature.type === "category") {
    const count = feature.classes?.length ?? 2;
    return { dtype: "i32", shape: [n], data: Int32Array.from({ length: n }, (_, i) => i % count) };
  }
  if (feature.type === "text" || feature.type === "sequence") return stepsOf(feature, n);
  const shape = [n, ...(feature.type === "number" ? [1] : feature.shape)];
  const dtype = feature.type === "image" ? "u8" : "f32";
  const data = allocate(dtype, sizeOf(shape));
  const share = 1 / (shape.at(-1) ?? 1);
  for (let i = 0; i < data.length; i++) {
    data[i] = dtype === "u8" ? Math.floor(256 * random.uniform(i, key)) : share;
  }
  return { dtype, shape, data };
}

type StepFeature = Extract<FeatureSpec, { type: "text" | "sequence" }>;

/** Examples that are shorter from one to the next, of the first token or of ones. */
function stepsOf(feature: StepFeature, n: number): HostTensor {
  const { length } = feature;
  const width = feature.type === "text" ? 1 : feature.channels + 1;
  const shape = feature.type === "text" ? [n, length] : [n, length, width];
  const dtype = feature.type === "text" ? "i32" : "f32";
  const data = allocate(dtype, sizeOf(shape));
  const token = feature.type === "text" ? specialTokenNames.length : 1;
  for (let row = 0; row < n; row++) {
    const steps = Math.max(1, length - row);
    data.fill(token, row * length * width, (row * length + steps) * width);
  }
  return { dtype, shape, data };
}

export interface Steps {
  readonly losses: readonly number[];
  /** Of the inference program after the last step. */
  readonly predictions: Readonly<Record<string, HostTensor>>;
  readonly state: Readonly<Record<string, HostTensor>>;
}

/** Training steps on the same `n` examples, then a prediction for them. */
export async function takeSteps(
  engine: Engine,
  definition: ModelDefinition,
  { n, steps, learningRate }: { n: number; steps: number; learningRate: number },
): Promise<Steps> {
  const { programs, state: specs, data } = definition;
  const inputsOf = (program: Program): Record<string, HostTensor> =>
    Object.fromEntries(
      Object.keys(program.inputs).map((name) => {
        const feature = data?.features[name] ?? data?.targets[name];
        if (feature === undefined) throw new Error(`no feature ${name}`);
        return [name, examplesOf(name, feature, n)];
      }),
    );
  if (programs.train === undefined) throw new Error("the model does not train");
  const state = engine.createState(specs, initialState(specs, 1));
  try {
    const train = await engine.prepare(programs.train, n);
    const losses: number[] = [];
    for (let step = 1; step <= steps; step++) {
      const scalars = { learning_rate: learningRate, step, random_key: random.derive(7, step) };
      const { loss } = await train.run({ inputs: inputsOf(programs.train), scalars, state });
      losses.push(loss?.data[0] ?? Number.NaN);
    }
    train.dispose();
    const infer = await engine.prepare(programs.infer, n);
    const predictions = await infer.run({ inputs: inputsOf(programs.infer), scalars: {}, state });
    infer.dispose();
    return { losses, predictions, state: await state.read() };
  } finally {
    state.dispose();
  }
}
