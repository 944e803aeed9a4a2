/** @file A run that was interrupted, anywhere and as often as one likes, ends as if it had not been. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { TrainSpec } from "@dlc/runtime";
import { describe, expect, it } from "vitest";
import { type TinyOptions, tinyModel } from "../support/tiny-model.mjs";
import {
  fingerprint,
  type Outcome,
  pointed,
  readMetrics,
  runFolders,
  trainBatches,
  trainTiny,
} from "../support/tiny-runs.js";

const newRun = runFolders();

const common: Partial<TrainSpec> = {
  metrics: [{ kind: "accuracy" }, { kind: "auc" }, { kind: "f1" }, { kind: "top_k", k: 2 }],
};
const cases: Readonly<Record<string, TinyOptions>> = {
  "a plain run": { settings: common },
  "checkpoints inside epochs": {
    settings: { ...common, checkpoint: { everySteps: 3, keep: 2 } },
  },
  "gathered gradients and averaged weights": { accumulate: 3, ema: true, settings: common },
  "a cosine schedule with warm-up": {
    ema: true,
    settings: { ...common, schedule: { kind: "cosine", floor: 0.1 }, warmupSteps: 5 },
  },
  "a plateau schedule and early stopping": {
    settings: {
      ...common,
      epochs: 5,
      monitor: { metric: "loss", mode: "max" },
      schedule: { kind: "reduce_on_plateau", factor: 0.5, patience: 1, minimum: 0 },
      earlyStopping: { patience: 2, minDelta: 0, restoreBest: true },
    },
  },
  "early stopping that restores the best of averaged weights": {
    accumulate: 2,
    ema: true,
    settings: {
      ...common,
      monitor: { metric: "auc", mode: "max" },
      earlyStopping: { patience: 2, minDelta: 0.5, restoreBest: true },
    },
  },
};

/** Everything that must not depend on interruptions; the name of a checkpoint may. */
function essence(run: string, { result, state }: Outcome): unknown {
  const { best, history, epochs, step, status } = result;
  const last = pointed(run, "last");
  const stored = (file: string): string => readFileSync(join(last, file), "base64");
  return {
    ...{ history, epochs, step, status, best: { ...best, checkpoint: "" } },
    state: fingerprint(state),
    metrics: readMetrics(run),
    weights: stored("weights.safetensors"),
    optimizer: stored("optimizer.safetensors"),
    progress: stored("state.json").length > 0,
  };
}

describe.each(Object.entries(cases))("%s", (_, options) => {
  it("continues to the same end from every possible interruption", async () => {
    const definition = tinyModel(options);
    const reference = newRun();
    const whole = await trainTiny(definition, reference);
    const expected = essence(reference, whole);
    const batches = whole.events.filter(
      ({ kind }) => kind === "step" || kind === "validating",
    ).length;
    for (let at = 1; at < batches; at++) {
      const run = newRun();
      const part = await trainBatches(definition, run, at);
      // An abort with the last event of the run comes too late to interrupt anything.
      if (at < batches - 1) expect(part.result.status).toBe("interrupted");
      expect(essence(run, await trainTiny(definition, run))).toEqual(expected);
    }
  });

  it("continues to the same end when interrupted after every batch", async () => {
    const definition = tinyModel(options);
    const reference = newRun();
    const expected = essence(reference, await trainTiny(definition, reference));
    const run = newRun();
    let outcome = await trainBatches(definition, run, 1);
    let calls = 1;
    while (outcome.result.status === "interrupted") {
      outcome = await trainBatches(definition, run, 1);
      calls++;
    }
    expect(calls).toBeGreaterThan(10);
    expect(essence(run, outcome)).toEqual(expected);
  });
});
