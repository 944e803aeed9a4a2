/**
 * @file Learning rates: pure functions of the optimiser step (and, for reduce_on_plateau, of what
 * the run has seen so far), so that a resumed run continues with the very same rate.
 */
import type { ScheduleSpec, TrainSpec } from "../spec.js";

/** The extent of a run. */
export interface RunLength {
  readonly epochs: number;
  readonly batchesPerEpoch: number;
  /** Batches per optimiser step. */
  readonly accumulate: number;
}

/** Optimiser steps of the whole run; the last one may stand for fewer batches. */
export function totalSteps({ epochs, batchesPerEpoch, accumulate }: RunLength): number {
  return Math.ceil((epochs * batchesPerEpoch) / accumulate);
}

interface Position {
  /** Updates done before this one. */
  readonly before: number;
  /** Updates of the whole run. */
  readonly total: number;
  /** Epochs done before this update, as a fraction. */
  readonly epochs: number;
  /** The epoch (from 0) in which the update takes place. */
  readonly epoch: number;
  /** Product of the reductions of reduce_on_plateau so far. */
  readonly reduction: number;
  readonly learningRate: number;
}

type Kind = ScheduleSpec["kind"];
type Rules = {
  readonly [K in Kind]: (schedule: Extract<ScheduleSpec, { kind: K }>, at: Position) => number;
};

/** Half a cosine wave from 1 (progress 0) to 0 (progress 1). */
function halfCosine(progress: number): number {
  return (1 + Math.cos(Math.PI * Math.min(1, progress))) / 2;
}

/** Factors that the base learning rate is multiplied with. */
const rules: Rules = {
  constant: () => 1,
  step: ({ every, factor }, { epoch }) => factor ** Math.floor(epoch / every),
  exponential: ({ decay }, { epochs }) => decay ** epochs,
  cosine: ({ floor }, { before, total }) => floor + (1 - floor) * halfCosine(before / total),
  one_cycle: ({ rise, start, final }, { before, total }) => {
    // The first update is at 1/start, the peak at `rise`, the last update at 1/final.
    const progress = total <= 1 ? 1 : before / (total - 1);
    if (progress < rise) return 1 + (1 / start - 1) * halfCosine(progress / rise);
    const down = rise >= 1 ? 0 : (progress - rise) / (1 - rise);
    return 1 / final + (1 - 1 / final) * halfCosine(down);
  },
  reduce_on_plateau: ({ minimum }, { reduction, learningRate }) =>
    Math.max(reduction, Math.min(1, minimum / learningRate)),
};

/**
 * The learning rate of optimiser step `step` (from 1). `reduction` is `PlateauState.reduction`.
 * Warm-up multiplies it by step / warmupSteps up to 1, so the first update is not lost to a rate of 0.
 */
export function learningRateAt(
  train: Pick<TrainSpec, "learningRate" | "schedule" | "warmupSteps">,
  length: RunLength,
  step: number,
  reduction: number,
): number {
  const batches = length.epochs * length.batchesPerEpoch;
  /** Index of the last batch that belongs to this update. */
  const batch = Math.min(step * length.accumulate, batches) - 1;
  const rule = rules[train.schedule.kind] as (schedule: ScheduleSpec, at: Position) => number;
  const factor = rule(train.schedule, {
    before: step - 1,
    total: totalSteps(length),
    epochs: ((step - 1) * length.accumulate) / length.batchesPerEpoch,
    epoch: Math.floor(batch / length.batchesPerEpoch),
    reduction,
    learningRate: train.learningRate,
  });
  const warmup = train.warmupSteps > 0 ? Math.min(1, step / train.warmupSteps) : 1;
  return train.learningRate * factor * warmup;
}
