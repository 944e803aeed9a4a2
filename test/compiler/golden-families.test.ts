/**
 * @file Whole models against PyTorch: test/golden/{cnn,generative,text,image-tokens}.json, made by the scripts
 * beside them. Each runs as a generated package, on the onnx engine and by the ops' own definitions in float64.
 */
import { readFileSync } from "node:fs";
import {
  allocate,
  type DType,
  type Engine,
  type FittedFacts,
  type HostTensor,
  initialState,
  type ModelDefinition,
  type Program,
  specialTokenNames,
} from "@dlc/runtime";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { emitPackage } from "../../compiler/5-emit/emit-package.js";
import { Diagnostics } from "../../compiler/diagnostics/report.js";
import { SourceFiles } from "../../compiler/diagnostics/source-files.js";
import { compileSpec } from "../../compiler/pipeline.js";
import { createEngine } from "../../runtime/engines/index.js";
import { createEagerEngine } from "../support/eager-engine.js";
import { createWorkspace } from "../support/emitted.js";
import { specFrom } from "../support/from-yaml.js";

interface Numbers {
  readonly shape: readonly number[];
  /** null: not compared. */
  readonly data: readonly (number | null)[];
}
type Tensors = Readonly<Record<string, Numbers>>;
type HostTensors = Readonly<Record<string, HostTensor>>;

/** See `make` in test/golden/golden.py. */
interface Golden {
  /** Without its optimizer; it ends within `train`. */
  readonly spec: string;
  readonly optimizer: string;
  /** Of Adam; null: the optimiser is gradient descent. */
  readonly beta1: number | null;
  readonly rate: number;
  /** Of texts: tokens beside the special ones. */
  readonly vocabularies?: Readonly<Record<string, readonly string[]>>;
  readonly batch: Tensors;
  readonly weights: Tensors;
  /** The first step of each phase, from the weights; a model without phases has one named "". */
  readonly first: readonly {
    readonly phase: string;
    readonly key: number;
    /** Everything but the new state. */
    readonly outputs: Tensors;
    readonly gradients: Tensors;
  }[];
  /** The heads of the model at the weights, with random key 1. */
  readonly predicted: Tensors;
  /** Random keys of the steps that lead to `after`: every phase in turn. */
  readonly keys: readonly number[];
  readonly after: Tensors;
}

const read = (name: string): [string, Golden][] =>
  Object.entries(
    JSON.parse(readFileSync(new URL(`../golden/${name}.json`, import.meta.url), "utf8")),
  );
const goldens = ["cnn", "generative", "text", "image-tokens"].flatMap(read);

function hostTensor({ shape, data }: Numbers, dtype: DType): HostTensor {
  const values = allocate(dtype, data.length);
  for (const [i, value] of data.entries()) values[i] = value as number;
  return { dtype, shape, data: values };
}

/** The largest difference, relative to the largest of the numbers (if they are not all 0). */
function distance(found: HostTensor | undefined, { shape, data }: Numbers): number {
  expect(found?.shape).toEqual(shape);
  const compared = data.flatMap((v, i) =>
    v === null ? [] : [[v, found?.data[i] ?? Number.NaN] as const],
  );
  const scale = Math.max(...compared.map(([v]) => Math.abs(v))) || 1;
  return Math.max(...compared.map(([v, actual]) => Math.abs(v - actual))) / scale;
}

function expectEqual(found: HostTensors, wanted: Tensors, tolerance: number): void {
  for (const [name, tensor] of Object.entries(wanted)) {
    expect(distance(found[name], tensor), name).toBeLessThan(tolerance);
  }
}

function factsOf({ vocabularies = {}, batch }: Golden): FittedFacts {
  return Object.fromEntries(
    Object.entries(vocabularies).map(([name, tokens]) => [
      name,
      { vocabulary: [...specialTokenNames, ...tokens], length: batch[name]?.shape[1] ?? 0 },
    ]),
  );
}

/** The generated package. */
async function definitionOf(golden: Golden): Promise<ModelDefinition> {
  const spec = specFrom(`${golden.spec}\n  optimizer: ${golden.optimizer}\n`);
  const diagnostics = new Diagnostics();
  const model = compileSpec(spec, factsOf(golden), new SourceFiles(), diagnostics);
  expect(diagnostics.all).toEqual([]);
  if (model === null) throw new Error("the model does not compile");
  const workspace = createWorkspace(afterAll);
  workspace.add(await emitPackage(model));
  const module = await workspace.load(`generated/${spec.name}/index.js`);
  return module.definition as ModelDefinition;
}

/** What a step of each phase runs; "" is the name of a model without phases. */
function stepsOf({ programs: { train, phases } }: ModelDefinition) {
  if (phases !== undefined) return phases;
  if (train === undefined) throw new Error("the model does not train");
  return [{ name: "", train }];
}

/** A model on an engine, at the weights of the golden file. */
function start(engine: Engine, definition: ModelDefinition, golden: Golden) {
  const n = Object.values(golden.batch)[0]?.shape[0] ?? 0;
  const weights = Object.fromEntries(
    Object.entries(golden.weights).map(([name, numbers]) => [name, hostTensor(numbers, "f32")]),
  );
  const state = engine.createState(definition.state, {
    ...initialState(definition.state, 1),
    ...weights,
  });
  return {
    state,
    weights,
    async run(program: Program, key: number, rate: number, step: number): Promise<HostTensors> {
      const inputs = Object.fromEntries(
        Object.entries(program.inputs).map(([name, { dtype }]) => [
          name,
          hostTensor(golden.batch[name] as Numbers, dtype),
        ]),
      );
      const scalars = { learning_rate: rate, random_key: key, step };
      const executable = await engine.prepare(program, n);
      return executable.run({ inputs, scalars, state });
    },
  };
}

let onnx: Engine;
beforeAll(async () => {
  ({ engine: onnx } = await createEngine({ engine: "onnx", device: "cpu", threads: 1 }));
});
afterAll(async () => {
  await onnx.dispose();
});
const engines = { reference: createEagerEngine, onnx: () => onnx };

/**
 * The gradients of a first step with learning rate 1: what gradient descent subtracts, or Adam's first
 * moment divided by 1 − beta1.
 */
function gradientsOf(weights: HostTensors, after: HostTensors, beta1: number | null): HostTensors {
  return Object.fromEntries(
    Object.entries(weights).map(([name, { shape, dtype, data }]) => {
      const next = after[beta1 === null ? name : `${name}:m`]?.data ?? [];
      const gradient = Float32Array.from(data, (v, i) =>
        beta1 === null ? Number(v) - Number(next[i]) : Number(next[i]) / (1 - beta1),
      );
      return [name, { shape, dtype, data: gradient }];
    }),
  );
}

describe.each(goldens)("%s", (_, golden) => {
  let definition: ModelDefinition;
  let steps: ReturnType<typeof stepsOf>;
  beforeAll(async () => {
    definition = await definitionOf(golden);
    steps = stepsOf(definition);
  });

  it("has the weights and phases of the other model", () => {
    const weights = Object.keys(definition.state).filter((name) => !name.includes(":"));
    expect(weights.sort()).toEqual(Object.keys(golden.weights).sort());
    expect(steps.map(({ name }) => name)).toEqual(golden.first.map(({ phase }) => phase));
  });

  describe.each(Object.entries(engines))("on the engine %s", (__, engine) => {
    it("has the same losses, gradients and outputs", async () => {
      for (const [at, { key, outputs, gradients }] of golden.first.entries()) {
        const { weights, state, run } = start(engine(), definition, golden);
        const found = await run(steps[at]?.train as Program, key, 1, 1);
        expect(Object.keys(found).sort()).toEqual(Object.keys(outputs).sort());
        expectEqual(found, outputs, 1e-5);
        const own = gradientsOf(weights, await state.read(), golden.beta1);
        expectEqual(own, gradients, 1e-4);
      }
    });

    it("has the same weights after three steps", async () => {
      const { state, run } = start(engine(), definition, golden);
      for (const [at, key] of golden.keys.entries()) {
        const { train } = steps[at % steps.length] as { readonly train: Program };
        await run(train, key, golden.rate, Math.floor(at / steps.length) + 1);
      }
      expectEqual(await state.read(), golden.after, 1e-4);
    });

    it("predicts the same", async () => {
      const { run } = start(engine(), definition, golden);
      const heads = await run(definition.programs.infer, 1, 0, 1);
      expect(Object.keys(heads).sort()).toEqual(Object.keys(golden.predicted).sort());
      expectEqual(heads, golden.predicted, 1e-5);
    });
  });
});
