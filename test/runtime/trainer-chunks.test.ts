/** @file Runs on an engine that takes several steps at a time leave what runs step by step leave, bit for bit. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  createEngine,
  type DlcError,
  type Engine,
  random,
  type TrainEvent,
  type TrainOptions,
  type TrainSpec,
} from "@dlc/runtime";
import { afterAll, describe, expect, it } from "vitest";
import { chunkLength, inChunks } from "../../runtime/trainer/chunk.js";
import type { RunProgress } from "../../runtime/trainer/progress-state.js";
import type { Batch } from "../../runtime/trainer/source.js";
import type { StepContext } from "../../runtime/trainer/step.js";
import { type TinyOptions, tinyModel, tinyPoints, tinySource } from "../support/tiny-model.mjs";
import { data, fingerprint, type Outcome, runFolders, trainTiny } from "../support/tiny-runs.js";

const newRun = runFolders();
const { engine: single } = await createEngine({ engine: "onnx", device: "cpu", threads: 1 });
afterAll(() => single.dispose());

/** 13 batches of 16 and one of 4; 1 batch of validation. */
const many = { ...data, train: tinySource(tinyPoints(13 * 16 + 4, 1), random.permutation) };

/** The engine, made to take five steps at a time, and how many it took each time. */
function chunking(stepsPerCall = 5): { readonly engine: Engine; readonly taken: number[] } {
  const taken: number[] = [];
  const engine: Engine = {
    ...single,
    stepsPerCall,
    prepare: async (program, batch) => {
      const executable = await single.prepare(program, batch);
      const { runSteps } = executable;
      if (runSteps === undefined) throw new Error("the engine has no chunks");
      return {
        ...executable,
        runSteps(call) {
          taken.push(call.steps.length);
          return runSteps(call);
        },
      };
    },
  };
  return { engine, taken };
}

/** Names and bytes of every file below a folder, without those that tell the time. */
function filesOf(folder: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || entry.name === "run.json") continue;
    const path = join(entry.parentPath, entry.name);
    found[path.slice(folder.length)] = readFileSync(path, "base64");
  }
  return found;
}

/** Events without the clock's. */
const untimed = (events: readonly TrainEvent[], run: string): unknown =>
  events.map((event) =>
    JSON.parse(
      JSON.stringify(event, (key, value: unknown) =>
        ["remaining", "examplesPerSecond", "seconds"].includes(key)
          ? undefined
          : typeof value === "string"
            ? value.replaceAll(run, "RUN")
            : value,
      ),
    ),
  );

const essence = (run: string, { result, state, events }: Outcome) => ({
  result: JSON.parse(JSON.stringify(result).replaceAll(run, "RUN")) as unknown,
  state: fingerprint(state),
  events: untimed(events, run),
  files: filesOf(run),
});

const failure = (promise: Promise<unknown>): Promise<DlcError> =>
  promise.then(
    () => {
      throw new Error("it succeeded");
    },
    (error: unknown) => error as DlcError,
  );

const metrics: TrainSpec["metrics"] = [{ kind: "accuracy" }, { kind: "auc" }, { kind: "f1" }];
const cases: Readonly<Record<string, TinyOptions>> = {
  "a plain run": { settings: { metrics } },
  "with checkpoints inside epochs": {
    settings: { metrics, checkpoint: { everySteps: 4, keep: 20 } },
  },
  "with averaged weights, a schedule and warm-up": {
    ema: true,
    settings: { metrics, schedule: { kind: "cosine", floor: 0.1 }, warmupSteps: 5 },
  },
  "that stops early and puts the best weights back": {
    settings: {
      epochs: 6,
      monitor: { metric: "loss", mode: "max" },
      earlyStopping: { patience: 1, minDelta: 0, restoreBest: true },
    },
  },
};

describe.each(Object.entries(cases))("a run %s", (_, options) => {
  it("is the same with chunks: weights, events, logs and checkpoints", async () => {
    const { engine, taken } = chunking();
    const [plain, chunked] = [newRun(), newRun()];
    const definition = tinyModel(options);
    const expected = await trainTiny(definition, plain, { engine: single, data: many });
    const given = await trainTiny(definition, chunked, { engine, data: many });
    expect(essence(chunked, given)).toEqual(essence(plain, expected));
    expect(Math.max(...taken)).toBeGreaterThan(2);
  });
});

describe("a chunk", () => {
  it("never goes beyond a checkpoint, an epoch, or what the engine asks for", async () => {
    const { engine, taken } = chunking(6);
    const settings = { epochs: 3, checkpoint: { everySteps: 8, keep: 1 } };
    const { events } = await trainTiny(tinyModel({ settings }), newRun(), { engine, data: many });
    // The smaller batch at the end of an epoch is trained on alone.
    expect(taken.reduce((sum, steps) => sum + steps, 0)).toBe(3 * 13);
    expect(Math.max(...taken)).toBeLessThanOrEqual(6);
    let step = 0;
    let inEpoch = 0;
    for (const steps of taken) {
      expect(Math.floor((step + steps - 1) / 8)).toBe(Math.floor(step / 8));
      step += steps;
      inEpoch += steps;
      expect(inEpoch).toBeLessThanOrEqual(13);
      if (inEpoch < 13) continue;
      step++;
      inEpoch = 0;
    }
    const saved = events.flatMap((event) => (event.kind === "checkpoint" ? [event.step] : []));
    expect(saved).toEqual([8, 14, 16, 24, 28, 32, 40, 42]);
  });

  it("is not made of batches whose gradients are gathered", async () => {
    const { engine, taken } = chunking();
    const definition = tinyModel({ accumulate: 3 });
    const [plain, chunked] = [newRun(), newRun()];
    const expected = await trainTiny(definition, plain, { engine: single, data: many });
    const given = await trainTiny(definition, chunked, { engine, data: many });
    expect(essence(chunked, given)).toEqual(essence(plain, expected));
    expect(taken).toEqual([]);
  });

  it("ends before a request to stop is heard, and the run continues to the same end", async () => {
    const definition = tinyModel();
    const straight = await trainTiny(definition, newRun(), { engine: single, data: many });
    for (const at of [1, 2, 4, 9, 13, 14, 20, 40]) {
      const run = newRun();
      const { engine } = chunking();
      const stop = new AbortController();
      let steps = 0;
      const interrupted: Partial<TrainOptions> = {
        ...{ engine, data: many, signal: stop.signal },
        onEvent: ({ kind }) => {
          if (kind === "step" && ++steps === at) stop.abort();
        },
      };
      const part = await trainTiny(definition, run, interrupted);
      expect(part.result.status).toBe("interrupted");
      expect(part.result.step).toBe(steps);
      expect(steps).toBeLessThan(at + 5);
      const { result, state } = await trainTiny(definition, run, { engine, data: many });
      expect(fingerprint(state)).toBe(fingerprint(straight.state));
      expect(result.history).toEqual(straight.result.history);
    }
  });

  it.for([
    ["a row that is not finite", {}, 37],
    ["weights that explode", { learningRate: 1e39 }, null],
  ] as const)("with %s is done again step by step", async ([, changes, row]) => {
    const points = tinyPoints(13 * 16 + 4, 1);
    if (row !== null) points.x[2 * row + 1] = Number.NaN;
    const broken = { ...data, train: tinySource(points, random.permutation) };
    const settings = { ...changes, checkpoint: { everySteps: 3, keep: 9 } };
    const outcomes = [];
    const { engine: chunked, taken } = chunking();
    for (const engine of [single, chunked]) {
      const run = newRun();
      const events: TrainEvent[] = [];
      const error = await failure(
        trainTiny(tinyModel({ settings }), run, {
          ...{ engine, data: broken },
          onEvent: (event) => events.push(event),
        }),
      );
      const { code, message, place, help } = error;
      outcomes.push({ code, message, place, help, files: filesOf(run) });
      outcomes.push(untimed(events, run));
    }
    expect(taken.at(-1)).toBeGreaterThan(1);
    expect(outcomes.slice(2)).toEqual(outcomes.slice(0, 2));
    expect(outcomes[0]).toMatchObject({ code: expect.stringMatching(/^non-finite-/) });
  });

  it("is declined as a whole: nothing of it takes effect", async () => {
    const definition = tinyModel();
    const { train } = definition.programs;
    if (train === undefined) throw new Error("no training");
    const trained = await trainTiny(definition, newRun(), { engine: single, data });
    const state = single.createState(definition.state, trained.state);
    const executable = await single.prepare(train, 2);
    const inputs = {
      x: { dtype: "f32", shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) },
      y: { dtype: "i32", shape: [2], data: Int32Array.of(0, 1) },
    } as const;
    const steps = [1, 2].map((random_key) => ({
      inputs,
      scalars: { learning_rate: 1, random_key },
    }));
    let losses: (number | undefined)[] = [];
    const before = fingerprint(await state.read());
    await executable.runSteps?.({
      steps,
      state,
      commit: (outputs) => {
        losses = outputs.map(({ loss }) => loss?.data[0]);
        return false;
      },
    });
    expect(losses).toEqual([expect.any(Number), expect.any(Number)]);
    expect(losses[0]).not.toBe(losses[1]);
    expect(fingerprint(await state.read())).toBe(before);
    await executable.runSteps?.({ steps, state, commit: () => true });
    expect(fingerprint(await state.read())).not.toBe(before);
  });
});

describe("the length of a chunk", () => {
  const definition = tinyModel({ settings: { checkpoint: { everySteps: 10, keep: 1 } } });
  const { train } = definition.programs;
  if (train === undefined) throw new Error("no training");
  const update = {
    ...{ phase: null, steps: 1, learningRate: null, program: train },
    epochs: [1, null] as const,
  };
  const context: StepContext = {
    engine: { ...single, stepsPerCall: 32 },
    state: single.createState({}, {}),
    specs: definition.state,
    updates: [update],
    apply: null,
    settings: definition.train,
    length: { epochs: 4, batchesPerEpoch: 100, accumulate: 1 },
  };
  const batchOf = (n: number): Batch => ({ inputs: {}, rows: new Uint32Array(n), index: 0 });
  const at = (step: number) => ({ step, epoch: 0 }) as RunProgress;
  const settings = { ...definition.train, checkpoint: { everySteps: 0, keep: 1 } };

  it.for([
    ["what the engine prefers", { settings }, 0, 16, 0.001, 32],
    ["one step, where the engine has no preference", { settings, engine: single }, 0, 16, 0.001, 1],
    ["one step, while the engine's speed is unknown", { settings }, 0, 16, null, 1],
    ["steps of a second together", { settings }, 0, 16, 0.1, 10],
    ["one step that takes longer", { settings }, 0, 16, 7, 1],
    ["steps up to the next checkpoint", {}, 4, 16, 0.001, 6],
    ["steps after a checkpoint", {}, 20, 16, 0.001, 10],
    ["one step of a smaller batch", { settings }, 0, 15, 0.001, 1],
    ["one step of several phases", { settings, updates: [update, update] }, 0, 16, 0.001, 1],
    ["one step of a phase", { settings, updates: [{ ...update, phase: "a" }] }, 0, 16, 0.001, 1],
    [
      "one step that is repeated",
      { settings, updates: [{ ...update, steps: 2 }] },
      0,
      16,
      0.001,
      1,
    ],
    ["one step where gradients are gathered", { settings, apply: train }, 0, 16, 0.001, 1],
  ] as const)("is %s", ([, changes, step, n, seconds, expected]) => {
    expect(chunkLength({ ...context, ...changes }, at(step), batchOf(n), seconds)).toBe(expected);
  });

  it("is limited by what waits in memory", () => {
    const wide = { ...train, outputs: { loss: { dtype: "f32", shape: ["n", 2 ** 20] } } } as const;
    const updates = [{ ...update, program: wide }];
    const most = chunkLength({ ...context, settings, updates }, at(0), batchOf(16), 0.001);
    // 64 MiB of results a step, and some bytes of inputs.
    expect(most).toBe(3);
  });

  it("is asked for with the first batch of each, and batches of another size go apart", async () => {
    async function* sizes(...list: readonly number[]): AsyncGenerator<Batch> {
      for (const n of list) yield batchOf(n);
    }
    const limits = [1, 3, 2, 9, 1];
    const groups: number[][] = [];
    const source = sizes(4, 4, 4, 4, 4, 4, 4, 3);
    for await (const group of inChunks(source, () => limits.shift() ?? 0)) {
      groups.push(group.map(({ rows }) => rows.length));
    }
    expect(groups).toEqual([[4], [4, 4, 4], [4, 4], [4], [3]]);
  });
});
