/** @file One batch through the train program, and the update when enough batches are gathered. */
import type { DeviceState, Engine } from "../engine.js";
import type { Program, Scalars, StateSpec } from "../program.js";
import { derive } from "../random.js";
import type { TrainSpec } from "../spec.js";
import { type HostTensor, scalar } from "../tensor.js";
import { inputsOf } from "./evaluate.js";
import { explainNonFinite } from "./non-finite.js";
import { lengthOf, runsIn, stepsBefore } from "./phase-epochs.js";
import { addSteps, type ScaledSteps, scaledStep } from "./precision.js";
import type { RunProgress } from "./progress-state.js";
import { scalarsOf } from "./scalars.js";
import { learningRateAt, type RunLength } from "./schedule.js";
import type { Batch } from "./source.js";

/** One of the updates that a batch makes. */
export interface StepProgram {
  /** null: the only one. */
  readonly phase: string | null;
  /** Calls per batch, each with random numbers of its own. */
  readonly steps: number;
  /** Base learning rate; null: that of the settings. */
  readonly learningRate: number | null;
  /** First and last epoch in which it runs, from 1; last null: to the end. */
  readonly epochs: readonly [first: number, last: number | null];
  readonly program: Program;
}

/** What stays the same from batch to batch. */
export interface StepContext {
  readonly engine: Engine;
  readonly state: DeviceState;
  readonly specs: Readonly<Record<string, StateSpec>>;
  /** In order; several with phases. */
  readonly updates: readonly StepProgram[];
  /** Set exactly if `settings.accumulate` > 1, which phases exclude. */
  readonly apply: Program | null;
  readonly settings: TrainSpec;
  readonly length: RunLength;
}

export interface StepResult {
  /** The counters after the batch; sums are not touched. */
  readonly progress: RunProgress;
  /** Losses and heads. With phases `loss` is the sum, and `loss.<phase>` is each one's. */
  readonly outputs: Readonly<Record<string, HostTensor>>;
  readonly loss: number;
  /** Of the updates that this batch has made; null without loss scaling. */
  readonly scaled: ScaledSteps | null;
  /** Of the (first) update. */
  readonly learningRate: number;
}

/**
 * The learning rate of update `step` (from 1) of the run. Each phase's schedule spans the epochs in
 * which the phase runs.
 */
function rateOf(
  { settings, length }: Pick<StepContext, "settings" | "length">,
  update: StepProgram,
  step: number,
  reduction: number,
): number {
  const learningRate = update.learningRate ?? settings.learningRate;
  const own = step - stepsBefore(update, length);
  return learningRateAt({ ...settings, learningRate }, lengthOf(update, length), own, reduction);
}

/** As reports show it: the rate of the first update that runs in the epoch at hand, at a step of the run. */
export function shownRate(context: StepContext, progress: RunProgress, step: number): number {
  const update = context.updates.find((candidate) => runsIn(candidate, progress.epoch));
  if (update === undefined) throw new Error(`nothing to update in epoch ${progress.epoch + 1}`);
  return rateOf(context, update, step, progress.monitor.plateau.reduction);
}

/** The scalars of an update's call. `again` counts its own calls of this batch, `calls` those of all updates. */
export function scalarsOfCall(
  context: StepContext,
  update: StepProgram,
  progress: RunProgress,
  again = 0,
  calls = 0,
): Scalars {
  const { settings, length } = context;
  const stepsDone = progress.step - stepsBefore(update, length);
  const batchKey = derive(settings.seed, progress.batches + 1);
  return {
    learning_rate: rateOf(context, update, progress.step + 1, progress.monitor.plateau.reduction),
    step: stepsDone * update.steps + again + 1,
    random_key: update.phase === null ? batchKey : derive(batchKey, calls),
  };
}

/** The counters after a batch. */
export function afterBatch({ settings, length }: StepContext, progress: RunProgress): RunProgress {
  const isLast =
    progress.epoch + 1 >= settings.epochs && progress.position + 1 >= length.batchesPerEpoch;
  const pending = progress.pending + 1;
  const isUpdate = pending >= settings.accumulate || isLast;
  return {
    ...progress,
    step: progress.step + Number(isUpdate),
    batches: progress.batches + 1,
    position: progress.position + 1,
    pending: isUpdate ? 0 : pending,
  };
}

/**
 * Trains on one batch. Gradients of `accumulate` batches make one update; batches that are left at
 * the end of an epoch are carried into the next one, and at the end of the run they are applied.
 * Phases of this epoch run one after the other, each `steps` times, on what those before have left.
 * @throws DlcError `non-finite-loss` or `non-finite-input`; then the state is as before the failing call.
 */
export async function trainBatch(
  context: StepContext,
  progress: RunProgress,
  batch: Batch,
): Promise<StepResult> {
  const { updates, settings, apply } = context;
  const learningRate = shownRate(context, progress, progress.step + 1);
  const outputs: Record<string, HostTensor> = {};
  let loss = 0;
  let calls = 0;
  let scaled: ScaledSteps | null = null;
  for (const update of updates.filter((candidate) => runsIn(candidate, progress.epoch))) {
    let latest: Readonly<Record<string, HostTensor>> = {};
    for (let i = 0; i < update.steps; i++) {
      const scalars = scalarsOfCall(context, update, progress, i, calls);
      latest = await callOnce(context, update, scalars, progress, batch);
      scaled = addSteps(scaled, scaledStep(latest), "together");
      calls++;
    }
    loss += lossOf(latest);
    Object.assign(outputs, renamed(latest, update.phase));
  }
  if (updates.length > 1 || updates[0]?.phase != null) outputs.loss = scalar("f32", loss);
  const next = afterBatch(context, progress);
  if (next.step > progress.step && apply !== null) {
    const random_key = derive(settings.seed, progress.batches + 1);
    const scalars = { learning_rate: learningRate, step: progress.step + 1, random_key };
    const applied = await applySums(context, apply, scalars, progress, batch);
    scaled = addSteps(scaled, scaledStep(applied), "together");
  }
  return { progress: next, outputs, loss, scaled, learningRate };
}

/** Runs one update, which takes effect only if its loss is finite. */
async function callOnce(
  { engine, state, specs }: StepContext,
  { phase, program }: StepProgram,
  scalars: Scalars,
  progress: RunProgress,
  batch: Batch,
): Promise<Readonly<Record<string, HostTensor>>> {
  const executable = await engine.prepare(program, batch.rows.length);
  const call = {
    inputs: inputsOf(program, batch.inputs),
    scalars: scalarsOf(program, scalars),
    state,
  };
  const outputs = await executable.run({
    ...call,
    commit: isSound,
  });
  if (isSound(outputs)) return outputs;
  const what = Number.isFinite(lossOf(outputs)) ? "a gradient" : "the loss";
  throw await explainNonFinite({
    ...call,
    program,
    executable,
    specs,
    what: phase === null ? what : `${what} of phase ${phase}`,
    when: whenOf(progress, batch),
    batch,
    learningRate: scalars.learning_rate,
  });
}

/** Updates the weights by the gradients of several batches. */
async function applySums(
  { engine, state, specs }: StepContext,
  program: Program,
  all: Scalars,
  progress: RunProgress,
  batch: Batch,
): Promise<Readonly<Record<string, HostTensor>>> {
  const executable = await engine.prepare(program, 1);
  const call = { inputs: {}, scalars: scalarsOf(program, all), state };
  const outputs = await executable.run({ ...call, commit: (results) => !isHopeless(results) });
  if (!isHopeless(outputs)) return outputs;
  throw await explainNonFinite({
    ...call,
    program,
    executable,
    specs,
    what: "a gradient",
    when: whenOf(progress, batch),
    batch,
    learningRate: all.learning_rate,
  });
}

/** Was the step skipped though its loss was not scaled up any more? A smaller scale does not help, then. */
function isHopeless(outputs: Readonly<Record<string, HostTensor>>): boolean {
  const scaled = scaledStep(outputs);
  return scaled !== null && scaled.skipped > 0 && scaled.scale <= 1;
}

/** May an update with these outputs take effect? */
export const isSound = (outputs: Readonly<Record<string, HostTensor>>): boolean =>
  Number.isFinite(lossOf(outputs)) && !isHopeless(outputs);

const whenOf = (progress: RunProgress, batch: Batch): string =>
  `in step ${progress.step + 1} (epoch ${progress.epoch + 1}, batch ${batch.index + 1})`;

/** A phase's loss goes by the phase: `loss` is what all phases have together. */
function renamed(
  outputs: Readonly<Record<string, HostTensor>>,
  phase: string | null,
): Readonly<Record<string, HostTensor>> {
  if (phase === null) return outputs;
  const { loss, ...others } = outputs;
  return loss === undefined ? others : { ...others, [`loss.${phase}`]: loss };
}

export function lossOf(outputs: Readonly<Record<string, HostTensor>>): number {
  return outputs.loss?.data[0] ?? Number.NaN;
}
