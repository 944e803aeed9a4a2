/** @file Phases that run in some epochs only: schedules, checkpoints, monitoring, interruptions. */
import { DlcError, type ModelDefinition, random, type TrainingData } from "@dlc/runtime";
import { afterAll, describe, expect, it } from "vitest";
import { emitPackage } from "../../compiler/5-emit/emit-package.js";
import { createEmitter } from "../../compiler/5-emit/typescript.js";
import { createWorkspace } from "../support/emitted.js";
import { compiledFrom } from "../support/from-yaml.js";
import {
  fingerprint,
  readMetrics,
  runFolders,
  trainBatches,
  trainTiny,
} from "../support/tiny-runs.js";

const folders: (() => void)[] = [];
afterAll(() => {
  for (const remove of folders) remove();
});

/** An autoencoder, and a classifier that is trained later on what it has learnt. */
async function modelOf(settings: string): Promise<ModelDefinition> {
  const workspace = createWorkspace((remove) => folders.push(remove));
  const yaml = `
data:
  source: { arrays: true }
  features: { x: { type: vector, shape: [4] } }
  targets: { kind: { type: category, classes: [a, b] } }
networks:
  encoder: { layers: [{ dense: { units: 3, activation: tanh } }] }
  decoder: { layers: [{ dense: 4 }] }
  judge: { layers: [{ dense: 2 }] }
model:
  layers:
    - { use: encoder, from: x, as: code }
    - { use: decoder, from: code, as: again }
    - { use: judge, from: code, as: scores }
train:
  batch: 16
  epochs: 4
  ${settings}
`;
  workspace.add(await emitPackage(compiledFrom(yaml), { emitter: createEmitter() }));
  const module = await workspace.load("generated/example/index.js");
  return module.definition as ModelDefinition;
}

const twoPhases = `learning_rate: 0.1
  schedule: cosine
  warmup: 2
  checkpoint: { every_steps: 3 }
  phases:
    - { name: learn, update: [encoder, decoder], losses: [{ mse: { output: again, target: x } }], last_epoch: 2 }
    - { name: tell, update: judge, losses: [{ cross_entropy: { output: scores, target: kind } }], first_epoch: 3 }`;

const key = random.keyOf("phases in time");
const source = (count: number): TrainingData["train"] => ({
  size: count,
  async *batches({ batch, epoch, from }) {
    const order = random.permutation(count, random.derive(5, epoch));
    for (let index = from; index * batch < count; index++) {
      const rows = [...order.slice(index * batch, (index + 1) * batch)];
      const x = rows.flatMap((i) => [0, 1, 2, 3].map((k) => random.normal(4 * i + k, key)));
      const kind = rows.map((i) => Number(random.normal(4 * i, key) > 0));
      yield {
        index,
        rows,
        inputs: {
          x: { dtype: "f32", shape: [rows.length, 4], data: Float32Array.from(x) },
          kind: { dtype: "i32", shape: [rows.length], data: Int32Array.from(kind) },
        },
      };
    }
  },
});
/** 4 batches an epoch. */
const data = (): TrainingData => ({ train: source(52), validation: source(20) });
const newRun = runFolders();

/** Learning rate and step of every call of a phase. */
function watched(definition: ModelDefinition) {
  const seen: { phase: string; step: number; rate: number }[] = [];
  const phases = definition.programs.phases?.map((phase) => ({
    ...phase,
    train: {
      ...phase.train,
      run: (o: never, args: { scalars: Record<string, { data: ArrayLike<number> }> }) => {
        const { step, learning_rate } = args.scalars;
        seen.push({
          phase: phase.name,
          step: step?.data[0] as number,
          rate: learning_rate?.data[0] as number,
        });
        return phase.train.run(o, args as never);
      },
    },
  }));
  const model = { ...definition, programs: { ...definition.programs, phases } };
  return { seen, model: model as unknown as ModelDefinition };
}

describe("phases in time", async () => {
  const definition = await modelOf(twoPhases);

  it("run in their epochs, and leave alone what only others update", async () => {
    const run = newRun();
    const first = await trainTiny(definition, run, { data: data(), settings: { epochs: 2 } });
    const { state, result } = await trainTiny(definition, run, { data: data() });
    expect(result).toMatchObject({ status: "finished", epochs: 4, step: 16 });
    const same = (name: string): boolean => `${first.state[name]?.data}` === `${state[name]?.data}`;
    const weights = Object.keys(state).filter((name) => !name.includes(":"));
    expect(weights.filter(same).every((name) => !name.startsWith("judge."))).toBe(true);
    expect(weights.filter((name) => !same(name)).every((n) => n.startsWith("judge."))).toBe(true);
    const names = result.history.map(({ train }) => Object.keys(train).sort());
    expect(names).toEqual([
      ["loss", "loss.learn"],
      ["loss", "loss.learn"],
      ["accuracy", "loss", "loss.tell"],
      ["accuracy", "loss", "loss.tell"],
    ]);
  });

  it("have schedule, warm-up and count of steps over their own epochs", async () => {
    const { seen, model } = watched(definition);
    const { result } = await trainTiny(model, newRun(), { data: data() });
    const [learn, tell] = ["learn", "tell"].map((name) =>
      seen.filter(({ phase }) => phase === name),
    ) as [typeof seen, typeof seen];
    expect(learn.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(tell.map(({ step, rate }) => [step, rate])).toEqual(
      learn.map(({ step, rate }) => [step, rate]),
    );
    const cosine = (t: number): number => (0.1 * (1 + Math.cos((Math.PI * t) / 8))) / 2;
    expect(tell[0]?.rate).toBeCloseTo(0.1 / 2, 6);
    expect(tell[5]?.rate).toBeCloseTo(cosine(5), 6);
    for (const epoch of [1, 3]) {
      expect(result.history[epoch]?.learningRate).toBeCloseTo(cosine(7), 6);
    }
  });

  it("count in the loss of validation only while they run", async () => {
    const { result } = await trainTiny(definition, newRun(), { data: data() });
    for (const [epoch, { validation }] of result.history.entries()) {
      const losses = validation as Record<string, number>;
      expect(losses.loss).toBe(losses[epoch < 2 ? "loss.learn" : "loss.tell"]);
    }
  });

  it("continue from every interruption to the same bits", async () => {
    const whole = newRun();
    const { state } = await trainTiny(definition, whole, { data: data() });
    for (let at = 1; at < 4 * 5; at++) {
      const run = newRun();
      await trainBatches(definition, run, at, { data: data() });
      const resumed = await trainTiny(definition, run, { data: data() });
      expect(fingerprint(resumed.state)).toBe(fingerprint(state));
      expect(readMetrics(run)).toBe(readMetrics(whole));
    }
  });

  it("must leave no epoch idle", async () => {
    const { programs } = definition;
    const phases = (programs.phases ?? []).map((phase) => ({ ...phase, epochs: [1, 2] as const }));
    const ended = { ...definition, programs: { ...programs, phases } };
    const training = trainTiny(ended, newRun(), { data: data(), settings: { epochs: 3 } });
    await expect(training).rejects.toMatchObject({ code: "invalid-setting" });
    await expect(training).rejects.toThrow("no phase runs in epoch 3");
  });

  it("need a value to monitor in every epoch", async () => {
    const training = trainTiny(definition, newRun(), { data: { ...data(), validation: null } });
    await expect(training).rejects.toBeInstanceOf(DlcError);
    await expect(training).rejects.toThrow(
      "accuracy cannot be monitored: no phase that runs in epoch 1 measures it",
    );
  });
});

describe("the best epoch", () => {
  it("is one of the last stage, and early stopping waits for it", async () => {
    const definition = await modelOf(`learning_rate: 0.05
  monitor: { metric: loss, mode: max } # a loss that falls never improves
  early_stopping: { patience: 1, restore_best: true }
  phases:
    - { name: learn, update: [encoder, decoder], losses: [{ mse: { output: again, target: x, weight: 100 } }], last_epoch: 2 }
    - { name: tell, update: judge, losses: [{ cross_entropy: { output: scores, target: kind } }], first_epoch: 3 }`);
    const { result } = await trainTiny(definition, newRun(), {
      data: data(),
      settings: { epochs: 6 },
    });
    // Epochs 1 and 2 have larger losses. Epoch 3 is the best of the second stage, and 4 one too many.
    expect(result).toMatchObject({ status: "early-stopping", epochs: 4, best: { epoch: 3 } });
    const losses = result.history.map(({ validation }) => validation?.loss as number);
    expect(losses[1]).toBeLessThan(losses[0] as number);
    expect(losses[3]).toBeLessThan(losses[2] as number);
  });
});
