/** @file Models that are trained in phases and that generate, as their packages run. */
import { createModel, type ModelDefinition, random, type TrainingData } from "@dlc/runtime";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { emitPackage } from "../../compiler/5-emit/emit-package.js";
import { createEmitter } from "../../compiler/5-emit/typescript.js";
import { createWorkspace, type Workspace } from "../support/emitted.js";
import { compiledFrom } from "../support/from-yaml.js";
import {
  fingerprint,
  readMetrics,
  runFolders,
  trainBatches,
  trainTiny,
} from "../support/tiny-runs.js";

const yaml = `
data:
  source: { arrays: true }
  features: { x: { type: vector, shape: [2] }, kind: { type: category, classes: [a, b] } }
networks:
  generator: { inputs: [z, kind], layers: [{ concat: [z, kind] }, { dense: { units: 4, activation: tanh } }, batch_norm, { dense: 2 }] }
  critic: { inputs: [x, kind], layers: [{ concat: [x, kind] }, { dense: { units: 4, activation: leaky_relu } }, { dense: 1 }] }
model:
  layers:
    - { noise: 3, as: z }
    - { use: generator, from: [z, kind], as: drawn }
    - { use: critic, from: [x, kind], as: real }
    - { use: critic, from: [drawn, kind], as: fake }
train:
  batch: 16
  epochs: 2
  checkpoint: { every_steps: 2 }
  phases:
    - name: judge
      update: critic
      steps: 2
      learning_rate: 0.01
      losses: [{ binary_cross_entropy: { output: real, target: 0.9 } }, { binary_cross_entropy: { output: fake, target: 0 } }]
    - { update: generator, losses: [{ binary_cross_entropy: { output: fake, target: 1 } }] }
generate: { from: z, network: generator, like: x }
`;

const folders: (() => void)[] = [];
afterAll(() => {
  for (const remove of folders) remove();
});
let workspace: Workspace;
let definition: ModelDefinition;
beforeAll(async () => {
  workspace = createWorkspace((remove) => {
    folders.push(remove);
  });
  workspace.add(await emitPackage(compiledFrom(yaml), { emitter: createEmitter() }));
  const module = await workspace.load("generated/example/index.js");
  definition = module.definition as ModelDefinition;
});

const key = random.keyOf("phases");
const rows = Array.from({ length: 52 }, (_, i) => [
  random.normal(2 * i, key),
  random.normal(2 * i + 1, key),
]);
/** Batches of the points above, in an order that depends on the epoch. */
const data = (): TrainingData => ({
  validation: null,
  train: {
    size: rows.length,
    async *batches({ batch, epoch, from }) {
      const order = random.permutation(rows.length, random.derive(5, epoch));
      for (let index = from; index * batch < rows.length; index++) {
        const chosen = [...order.slice(index * batch, (index + 1) * batch)];
        const shape = [chosen.length];
        yield {
          index,
          rows: chosen,
          inputs: {
            x: {
              dtype: "f32",
              shape: [...shape, 2],
              data: Float32Array.from(chosen.flatMap((i) => rows[i] as number[])),
            },
            kind: { dtype: "i32", shape, data: Int32Array.from(chosen, (i) => i % 2) },
          },
        };
      }
    },
  },
});
const newRun = runFolders();

describe("training in phases", () => {
  it("runs every phase for each batch and reports the loss of each", async () => {
    const { result } = await trainTiny(definition, newRun(), { data: data() });
    expect(result).toMatchObject({ status: "finished", step: 8, best: { epoch: 2 } });
    const names = [
      "loss.judge",
      "loss.judge.binary_cross_entropy_1",
      "loss.judge.binary_cross_entropy_2",
      "loss.generator",
    ];
    const last = result.history.at(-1)?.train as Record<string, number>;
    expect(Object.keys(last).sort()).toEqual([...names, "loss"].sort());
    expect(last.loss).toBeCloseTo(
      (last["loss.judge"] as number) + (last["loss.generator"] as number),
      6,
    );
  });

  it("continues from every interruption to the same bits", async () => {
    const whole = newRun();
    const { state } = await trainTiny(definition, whole, { data: data() });
    for (let at = 1; at < 8; at++) {
      const run = newRun();
      await trainBatches(definition, run, at, { data: data() });
      const resumed = await trainTiny(definition, run, { data: data() });
      expect(fingerprint(resumed.state)).toBe(fingerprint(state));
      expect(readMetrics(run)).toBe(readMetrics(whole));
    }
  });

  it("gives each step of a phase random numbers and an update number of its own", async () => {
    const seen: Record<string, number>[] = [];
    const watched = {
      ...definition,
      programs: {
        ...definition.programs,
        phases: definition.programs.phases?.map((phase) => ({
          ...phase,
          train: {
            ...phase.train,
            run: (o: never, args: { scalars: Record<string, { data: ArrayLike<number> }> }) => {
              const entries = Object.entries(args.scalars).map(([k, v]) => [
                k,
                v.data[0] as number,
              ]);
              seen.push({ ...(Object.fromEntries(entries) as Record<string, number>) });
              return phase.train.run(o, args as never);
            },
          },
        })),
      },
    } as unknown as ModelDefinition;
    await trainTiny(watched, newRun(), { data: data(), settings: { epochs: 1 } });
    expect(seen).toHaveLength(4 * 3);
    expect(new Set(seen.map(({ random_key }) => random_key)).size).toBe(12);
    const judged = seen.filter((_, i) => i % 3 < 2);
    expect(judged.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(judged[0]?.learning_rate).toBeCloseTo(0.01, 8);
    expect(seen[2]?.learning_rate).toBeCloseTo(0.001, 8);
  });
});

describe("generate", () => {
  const given = { kind: "a" };

  it("makes the same examples for the same seed, and the first of many are those of few", async () => {
    const run = newRun();
    await trainTiny(definition, run, { data: data() });
    const model = await createModel(definition, { weights: run });
    try {
      const many = await model.generate({ count: 20, seed: 3, given });
      expect(many).toHaveLength(20);
      expect(await model.generate({ count: 5, seed: 3, given })).toEqual(many.slice(0, 5));
      expect(await model.generate({ count: 20, seed: 4, given })).not.toEqual(many);
      const texts = new Set(many.map((example) => JSON.stringify(example)));
      expect(texts.size).toBe(20);
      const [other] = await model.generate({ seed: 3, given: [{ kind: "b" }] });
      expect(other).not.toEqual(many[0]);
    } finally {
      await model.dispose();
    }
  });

  it("refuses what makes no sense", async () => {
    const model = await createModel(definition);
    const failing = (options: object) => model.generate(options as never);
    await expect(failing({ given })).rejects.toMatchObject({ code: "untrained" });
    const run = newRun();
    await trainTiny(definition, run, { data: data() });
    const trained = await createModel(definition, { weights: run });
    const code = async (options: object): Promise<string> =>
      trained.generate(options as never).then(
        () => "none",
        (error: { code: string }) => error.code,
      );
    expect(await code({ count: 0, given })).toBe("invalid-setting");
    expect(await code({ seed: -1, given })).toBe("invalid-setting");
    expect(await code({ count: 3, given: [given] })).toBe("invalid-setting");
    expect(await code({})).not.toBe("none");
    expect(await code({ given: { kind: "c" } })).not.toBe("none");
    const { generate: _, ...without } = definition;
    const mute = await createModel(without, { weights: run });
    await expect(mute.generate()).rejects.toMatchObject({ code: "cannot-generate" });
    for (const each of [model, trained, mute]) await each.dispose();
  });
});

it("writes packages whose users are checked", async () => {
  workspace.write(
    "user.ts",
    [
      'import { load } from "./generated/example/index.js";',
      "const model = await load();",
      'const [first] = await model.generate({ count: 2, given: { kind: "a" } });',
      "export const numbers: Float32Array | undefined = first?.value.data;",
      "// @ts-expect-error: there is no such class",
      'await model.generate({ given: { kind: "z" } });',
    ].join("\n"),
  );
  expect(await workspace.typeErrors()).toEqual([]);
});
