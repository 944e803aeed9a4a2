/** @file A run under way: the loop over epochs and batches, and its checkpoints. */
import { CheckpointFault, selectState } from "../checkpoint/checkpoint.js";
import type { CheckpointStore } from "../checkpoint/store.js";
import type { DeviceState, Engine } from "../engine.js";
import { DlcError } from "../errors.js";
import type { Program } from "../program.js";
import type { ModelDefinition, TrainSpec } from "../spec.js";
import { chunkLength, inChunks, trainChunk } from "./chunk.js";
import { evaluate, evaluationBatch } from "./evaluate.js";
import type { EpochRecord, MetricValues, TrainEvent, TrainResult } from "./events.js";
import { addLosses, meanLosses } from "./loss-sums.js";
import { createMetricSet, type MetricSet } from "./metrics/index.js";
import { judgeEpoch, monitoredValue } from "./monitor.js";
import { explainNonFinite, firstNonFinite, tensorTitle } from "./non-finite.js";
import { createPace, type Pace } from "./pace.js";
import { beginsIn, isStillToBegin, ofRunning, runsIn } from "./phase-epochs.js";
import { addSteps, skippedWarning } from "./precision.js";
import { noSums, packProgress, type RunProgress } from "./progress-state.js";
import type { OpenRun } from "./run-store.js";
import type { RunLength } from "./schedule.js";
import { type Batch, batchesPerEpoch, type TrainingData } from "./source.js";
import { type StepContext, type StepProgram, type StepResult, shownRate } from "./step.js";

export interface TrainingPrograms {
  /** What each batch runs, in order. */
  readonly updates: readonly StepProgram[];
  readonly evaluate: Program;
  readonly apply: Program | null;
}

export type StopReason = "interrupted" | "time-limit";

export interface RunParts {
  readonly definition: ModelDefinition;
  readonly settings: TrainSpec;
  readonly programs: TrainingPrograms;
  readonly engine: Engine;
  readonly state: DeviceState;
  readonly data: TrainingData;
  readonly folder: OpenRun;
  readonly store: CheckpointStore;
  readonly emit: (event: TrainEvent) => void;
  readonly warn: (code: string, message: string) => void;
  /** Asked before every batch. */
  readonly stop: () => StopReason | null;
  /** Lets the host do its other work. */
  readonly breathe: () => Promise<void>;
  readonly progress: RunProgress;
  readonly history: readonly EpochRecord[];
  /** The checkpoint that `progress` was read from; null for a new run. */
  readonly saved: string | null;
}

export interface Run extends RunParts {
  /** Trains to the end, or until `stop` gives a reason. */
  complete(): Promise<TrainResult>;
}

export function createRun(parts: RunParts): Run {
  const { definition, settings, programs, engine, state, data, folder, store, emit } = parts;
  const length: RunLength = {
    epochs: settings.epochs,
    batchesPerEpoch: batchesPerEpoch(data.train, settings.batch),
    accumulate: settings.accumulate,
  };
  const context: StepContext = {
    engine,
    state,
    specs: definition.state,
    updates: programs.updates,
    apply: programs.apply,
    settings,
    length,
  };
  const pace: Pace = createPace();
  const history = [...parts.history];
  let progress = parts.progress;
  let metrics: MetricSet = freshMetrics();
  metrics.restore(progress.sums.metrics);
  let saved = parts.saved;
  /** Is there progress that `saved` does not hold? */
  let unsaved = false;

  /** Of the current epoch: of the heads that its phases compute. */
  function freshMetrics(): MetricSet {
    const running = programs.updates.filter((update) => runsIn(update, progress.epoch));
    return createMetricSet(settings.metrics, definition.heads, ({ name }) =>
      running.some(({ program }) => program.outputs[name] !== undefined),
    );
  }

  async function complete(): Promise<TrainResult> {
    if (progress.finished === "epochs" && progress.epoch < settings.epochs) {
      progress = { ...progress, finished: null };
    }
    const alreadyFinished = progress.finished !== null;
    while (progress.finished === null && progress.epoch < settings.epochs) {
      const stopped = await runEpoch();
      if (stopped !== null) {
        if (unsaved) await save(progress);
        return resultOf(stopped, false, saved ?? "");
      }
    }
    return finish(alreadyFinished);
  }

  /** One epoch, or what is left of it; null when it is complete. */
  async function runEpoch(): Promise<StopReason | null> {
    const started = performance.now();
    const startPosition = progress.position;
    const trained = await trainEpoch();
    if (trained !== null) return trained;
    const trainSeconds = (performance.now() - started) / 1000;
    const examples = Math.min(
      (length.batchesPerEpoch - startPosition) * settings.batch,
      data.train.size,
    );
    const validation = await validate();
    if (typeof validation === "string") return validation;
    await endEpoch(validation, {
      seconds: (performance.now() - started) / 1000,
      examplesPerSecond: trainSeconds > 0 ? examples / trainSeconds : 0,
    });
    return null;
  }

  async function trainEpoch(): Promise<StopReason | null> {
    if (progress.position >= length.batchesPerEpoch) return null;
    pace.pause();
    const batches = data.train.batches({
      batch: settings.batch,
      epoch: progress.epoch,
      from: progress.position,
      shuffle: settings.shuffle ? settings.seed : null,
    });
    const most = (first: Batch): number =>
      chunkLength(context, progress, first, pace.secondsPerBatch);
    for await (const chunk of inChunks(batches, most)) {
      await parts.breathe();
      const stopped = parts.stop();
      if (stopped !== null) return stopped;
      await train(chunk);
    }
    if (progress.position !== length.batchesPerEpoch) {
      throw new Error(
        `epoch ended after ${progress.position} of ${length.batchesPerEpoch} batches`,
      );
    }
    return null;
  }

  /** Trains on batches and takes in what each gives, in order, as if they had come one by one. */
  async function train(chunk: readonly Batch[]): Promise<void> {
    let rest = chunk;
    for await (const results of trainChunk(context, progress, chunk)) {
      const done = rest.slice(0, results.length);
      rest = rest.slice(results.length);
      pace.batchesDone(done.map(({ rows }) => rows.length));
      for (const [i, batch] of done.entries()) await take(batch, results[i] as StepResult);
    }
  }

  async function take(batch: Batch, result: StepResult): Promise<void> {
    const { outputs, loss, scaled, learningRate } = result;
    const { sums: before, step } = progress;
    metrics.add(outputs, batch.inputs);
    const examples = before.examples + batch.rows.length;
    const losses = addLosses(before.losses, outputs, batch.rows.length);
    const steps = addSteps(before.scaled ?? null, scaled, "later");
    const sums = { ...before, examples, losses, ...(steps && { scaled: steps }) };
    progress = { ...result.progress, sums };
    unsaved = true;
    emitStep(loss, learningRate);
    if (isSaveDue(step)) await save(progress);
  }

  /** Inside an epoch only: its end has a checkpoint anyway. */
  function isSaveDue(stepBefore: number): boolean {
    const { everySteps } = settings.checkpoint;
    return (
      everySteps > 0 &&
      progress.step !== stepBefore &&
      progress.step % everySteps === 0 &&
      progress.position < length.batchesPerEpoch
    );
  }

  function emitStep(loss: number, learningRate: number): void {
    const { epoch, position, sums } = progress;
    const epochsLeft = settings.epochs - epoch - 1;
    emit({
      kind: "step",
      epoch: epoch + 1,
      epochs: settings.epochs,
      batch: position,
      batches: length.batchesPerEpoch,
      step: progress.step,
      loss,
      meanLoss: meanLosses(sums.losses, sums.examples).loss ?? Number.NaN,
      metrics: metrics.running(),
      learningRate,
      examplesPerSecond: pace.examplesPerSecond,
      remaining: pace.remaining(
        length.batchesPerEpoch - position + epochsLeft * length.batchesPerEpoch,
        data.validation === null ? 0 : epochsLeft + 1,
      ),
    });
  }

  async function validate(): Promise<MetricValues | null | StopReason> {
    if (data.validation === null || data.validation.size === 0) return null;
    let stopped: StopReason | null = null;
    const started = performance.now();
    const evaluation = await evaluate({
      engine,
      program: programs.evaluate,
      state,
      source: data.validation,
      batch: evaluationBatch(settings.batch),
      heads: definition.heads,
      metrics: settings.metrics,
      seed: settings.seed,
      breathe: parts.breathe,
      onBatch: (batch, batches) => {
        stopped = parts.stop();
        if (stopped !== null) return false;
        const { epoch } = progress;
        emit({ kind: "validating", epoch: epoch + 1, epochs: settings.epochs, batch, batches });
        return true;
      },
      blame: (failed) =>
        explainNonFinite({
          ...failed,
          specs: definition.state,
          what: "the validation loss",
          when: `after step ${progress.step} (epoch ${progress.epoch + 1})`,
          learningRate: shownRate(context, progress, progress.step),
        }),
    });
    pace.validationDone((performance.now() - started) / 1000);
    return evaluation === null
      ? stopped
      : ofRunning(evaluation.metrics, programs.updates, progress.epoch);
  }

  async function endEpoch(
    validation: MetricValues | null,
    speed: { readonly seconds: number; readonly examplesPerSecond: number },
  ): Promise<void> {
    const { sums, step, epoch } = progress;
    const record: EpochRecord = {
      epoch: epoch + 1,
      step,
      learningRate: shownRate(context, progress, step),
      train: { ...meanLosses(sums.losses, sums.examples), ...metrics.results() },
      validation,
      ...(sums.scaled && { scaled: sums.scaled }),
    };
    const skipped = sums.scaled && skippedWarning(sums.scaled, epoch + 1);
    if (skipped) parts.warn("steps-skipped", skipped);
    const checkpoint = await store.nextName(step);
    const measured = validation ?? record.train;
    const value = monitoredValue({ ...measured, epoch: epoch + 1 }, settings.monitor.metric);
    const { updates } = programs;
    const verdict = judgeEpoch(
      progress.monitor,
      settings,
      value,
      {
        epoch: epoch + 1,
        step,
        checkpoint,
        ...(Number.isFinite(measured.loss) && { loss: measured.loss as number }),
      },
      {
        isFirst: beginsIn(updates, epoch),
        isLast: beginsIn(updates, epoch + 1),
        mayStop: !isStillToBegin(updates, epoch, settings.epochs),
      },
    );
    const isLast = epoch + 1 >= settings.epochs;
    const metricsBytes = await folder.appendLog(record);
    history.push(record);
    progress = {
      ...progress,
      epoch: epoch + 1,
      position: 0,
      sums: noSums,
      monitor: verdict.state,
      metricsBytes,
      finished: verdict.stop ? "early-stopping" : isLast ? "epochs" : null,
    };
    metrics = freshMetrics();
    await save(progress, checkpoint);
    emit({
      kind: "epoch",
      record,
      epochs: settings.epochs,
      isBest: verdict.isBest,
      ...speed,
    });
  }

  /** Saves everything; pointers and pruning come after the checkpoint is safe. */
  async function save(current: RunProgress, as?: string): Promise<void> {
    const name = as ?? (await store.nextName(current.step));
    const values = await state.read();
    for (const [tensor, value] of Object.entries(values)) {
      // With loss scaling, sums of gradients may overflow: the update that they are for is skipped.
      const isJudged = settings.precision && definition.state[tensor]?.role === "accumulator";
      if (!isJudged && firstNonFinite(value) !== null) throw brokenState(tensor, current.step);
    }
    const complete: RunProgress = {
      ...current,
      sums: { ...current.sums, metrics: current.position === 0 ? {} : metrics.save() },
    };
    await store.write(name, current.step, {
      state: values,
      ...packProgress(complete, settings.seed),
    });
    saved = name;
    unsaved = false;
    await store.point("last", name);
    const best = current.monitor.best?.checkpoint ?? null;
    if (best === name) await store.point("best", best);
    await store.prune(settings.checkpoint.keep + 1, [best, name]);
    emit({ kind: "checkpoint", step: current.step, path: pathOf(name) });
    pace.pause();
  }

  function brokenState(tensor: string, step: number): DlcError {
    const layer = definition.state[tensor]?.layer ?? tensor;
    return new DlcError(
      "non-finite-loss",
      `${tensorTitle(tensor, definition.state[tensor])} of layer ${layer} is not finite after step ${step}, though the loss still was`,
      {
        place: layer,
        reason: "stopped",
        help: "Lower train.learning_rate or clip gradients. The last checkpoint is intact; the same command continues from it.",
      },
    );
  }

  function pathOf(name: string): string {
    return folder.checkpointPath(name);
  }

  /** The end of a complete run: puts the best weights in place if that is asked for. */
  async function finish(alreadyFinished: boolean): Promise<TrainResult> {
    const status = progress.finished === "early-stopping" ? "early-stopping" : "finished";
    const best = progress.monitor.best?.checkpoint ?? null;
    let weights = saved ?? "";
    if (settings.earlyStopping?.restoreBest === true && best !== null && best !== weights) {
      try {
        const { state: values } = await store.read(best);
        await state.write(selectState(values, definition.state, "weights"));
        weights = best;
      } catch (error) {
        if (!(error instanceof CheckpointFault)) throw error;
        parts.warn(
          "damaged-checkpoint",
          `the best checkpoint ${best} is damaged (${error.message}); the weights of the last epoch are kept`,
        );
      }
    }
    return resultOf(status, alreadyFinished, weights);
  }

  function resultOf(
    status: TrainResult["status"],
    alreadyFinished: boolean,
    weights: string,
  ): TrainResult {
    return {
      status,
      alreadyFinished,
      run: folder.path,
      epochs: progress.epoch,
      step: progress.step,
      history,
      best: progress.monitor.best,
      monitor: settings.monitor.metric,
      weights: weights === "" ? "" : pathOf(weights),
    };
  }

  return {
    ...parts,
    complete,
  };
}
