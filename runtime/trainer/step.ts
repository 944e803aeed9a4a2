/** @file One batch through the train program, and the update when enough batches are gathered. */
import type { DeviceState, Engine } from "../engine.js";
import type { Program, Scalars, StateSpec } from "../program.js";
import { derive } from "../random.js";
import type { TrainSpec } from "../spec.js";
import type { HostTensor } from "../tensor.js";
import { inputsOf } from "./evaluate.js";
import { explainNonFinite } from "./non-finite.js";
import type { RunProgress } from "./progress-state.js";
import { learningRateAt, type RunLength } from "./schedule.js";
import type { Batch } from "./source.js";

/** What stays the same from batch to batch. */
export interface StepContext {
  readonly engine: Engine;
  readonly state: DeviceState;
  readonly specs: Readonly<Record<string, StateSpec>>;
  readonly program: Program;
  /** Set exactly if `settings.accumulate` > 1. */
  readonly apply: Program | null;
  readonly settings: TrainSpec;
  readonly length: RunLength;
}

export interface StepResult {
  /** The counters after the batch; sums are not touched. */
  readonly progress: RunProgress;
  readonly outputs: Readonly<Record<string, HostTensor>>;
  readonly loss: number;
  readonly learningRate: number;
}

/**
 * Trains on one batch. Gradients of `accumulate` batches make one update; batches that are left at
 * the end of an epoch are carried into the next one, and at the end of the run they are applied.
 * @throws DlcError `non-finite-loss` or `non-finite-input`; then the state is as before the batch.
 */
export async function trainBatch(
  context: StepContext,
  progress: RunProgress,
  batch: Batch,
): Promise<StepResult> {
  const { engine, program, settings, length, state, apply } = context;
  const executable = await engine.prepare(program, batch.rows.length);
  const learningRate = learningRateAt(
    settings,
    length,
    progress.step + 1,
    progress.monitor.plateau.reduction,
  );
  const scalars: Scalars = {
    learning_rate: learningRate,
    step: progress.step + 1,
    random_key: derive(settings.seed, progress.batches + 1),
  };
  const call = {
    inputs: inputsOf(program, batch.inputs),
    scalars: scalarsOf(program, scalars),
    state,
  };
  const outputs = await executable.run({
    ...call,
    commit: (results) => Number.isFinite(lossOf(results)),
  });
  const loss = lossOf(outputs);
  if (!Number.isFinite(loss)) {
    throw await explainNonFinite({
      ...call,
      program,
      executable,
      specs: context.specs,
      what: "the loss",
      when: `in step ${scalars.step} (epoch ${progress.epoch + 1}, batch ${batch.index + 1})`,
      batch,
      learningRate,
    });
  }
  const isLast =
    progress.epoch + 1 >= settings.epochs && progress.position + 1 >= length.batchesPerEpoch;
  const pending = progress.pending + 1;
  const updates = pending >= settings.accumulate || isLast;
  if (updates && apply !== null) {
    const update = await engine.prepare(apply, 1);
    await update.run({ inputs: {}, scalars: scalarsOf(apply, scalars), state });
  }
  return {
    progress: {
      ...progress,
      step: progress.step + Number(updates),
      batches: progress.batches + 1,
      position: progress.position + 1,
      pending: updates ? 0 : pending,
    },
    outputs,
    loss,
    learningRate,
  };
}

function lossOf(outputs: Readonly<Record<string, HostTensor>>): number {
  return outputs.loss?.data[0] ?? Number.NaN;
}

function scalarsOf(program: Program, all: Scalars): Partial<Scalars> {
  return Object.fromEntries(
    (Object.keys(all) as (keyof Scalars)[])
      .filter((name) => program.scalars[name] !== undefined)
      .map((name) => [name, all[name]]),
  );
}
