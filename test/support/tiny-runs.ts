/** @file Training runs of the small model, and what is compared between them. */
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Engine,
  type HostTensor,
  type ModelDefinition,
  random,
  type TrainEvent,
  type TrainingData,
  type TrainOptions,
  type TrainResult,
  train,
} from "@dlc/runtime";
import { afterAll } from "vitest";
import { createEagerEngine } from "./eager-engine.js";
import { tinyPoints, tinySource } from "./tiny-model.mjs";

export const engine: Engine = createEagerEngine();

/** 4 batches of 16, the last one of 4 examples; 1 batch of validation. */
export const data: TrainingData = {
  train: tinySource(tinyPoints(52, 1), random.permutation),
  validation: tinySource(tinyPoints(20, 2), random.permutation),
};

/** Gives run folders that do not exist yet; all are deleted after the tests of the file. */
export function runFolders(): () => string {
  const folder = mkdtempSync(join(tmpdir(), "dlc-runs-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  let count = 0;
  return () => join(folder, `run-${++count}`);
}

export interface Outcome {
  readonly result: TrainResult;
  /** All state at the end. */
  readonly state: Readonly<Record<string, HostTensor>>;
  readonly events: readonly TrainEvent[];
}

export async function trainTiny(
  definition: ModelDefinition,
  run: string,
  options: Partial<TrainOptions> = {},
): Promise<Outcome> {
  const events: TrainEvent[] = [];
  const { result, state } = await train(definition, {
    engine,
    data,
    run,
    ...options,
    onEvent: (event) => {
      events.push(event);
      options.onEvent?.(event);
    },
  });
  const values = await state.read();
  state.dispose();
  return { result, state: values, events };
}

/** Trains until so many batches, of training and validation together, are done. */
export function trainBatches(
  definition: ModelDefinition,
  run: string,
  batches: number,
  options: Partial<TrainOptions> = {},
): Promise<Outcome> {
  const stop = new AbortController();
  let done = 0;
  return trainTiny(definition, run, {
    ...options,
    signal: stop.signal,
    onEvent: ({ kind }) => {
      if ((kind === "step" || kind === "validating") && ++done >= batches) stop.abort();
    },
  });
}

/** A hash over names and bits of tensors. */
export function fingerprint(state: Readonly<Record<string, HostTensor>>): string {
  const hash = createHash("sha256");
  for (const [name, { dtype, shape, data }] of Object.entries(state).sort()) {
    hash.update(`${name} ${dtype} ${shape}`);
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest("hex");
}

export function readMetrics(run: string): string {
  return readFileSync(join(run, "metrics.ndjson"), "utf8");
}

/** The folder that `best` or `last` of a run names. */
export function pointed(run: string, pointer: "best" | "last"): string {
  const { checkpoint } = JSON.parse(readFileSync(join(run, pointer), "utf8")) as {
    checkpoint: string;
  };
  return join(run, checkpoint);
}
