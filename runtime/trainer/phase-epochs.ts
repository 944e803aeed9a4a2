/**
 * @file Phases in time: which updates run in which epochs, and the extent that each takes for a run of
 * its own. Pure functions of the epoch, so that a resumed run goes on with the same phases.
 */
import { DlcError } from "../errors.js";
import type { HeadSpec, TrainSpec } from "../spec.js";
import { metricUses } from "./metrics/index.js";
import type { RunLength } from "./schedule.js";
import type { StepProgram } from "./step.js";

/** The first and the last epoch, from 1, of an update in a run of so many. */
function spanOf({ epochs }: StepProgram, total: number): readonly [first: number, last: number] {
  const [first, last] = epochs;
  return [first, Math.min(last ?? total, total)];
}

/** Does it run in this epoch (from 0)? */
export function runsIn({ epochs: [first, last] }: StepProgram, epoch: number): boolean {
  return first <= epoch + 1 && (last === null || epoch + 1 <= last);
}

/** Its own epochs: what its schedule and its warm-up span. */
export function lengthOf(update: StepProgram, run: RunLength): RunLength {
  const [first, last] = spanOf(update, run.epochs);
  return { ...run, epochs: Math.max(1, last - first + 1) };
}

/** Optimiser steps of the run before its first; phases exclude accumulation. */
export function stepsBefore({ epochs: [first] }: StepProgram, run: RunLength): number {
  return (first - 1) * run.batchesPerEpoch;
}

/** Does a phase run in this epoch (from 0) that did not run in the one before? */
export function beginsIn(updates: readonly StepProgram[], epoch: number): boolean {
  return updates.some(({ epochs: [first] }) => first === epoch + 1);
}

/** Is there a phase that has yet to begin after this epoch (from 0)? */
export function isStillToBegin(
  updates: readonly StepProgram[],
  epoch: number,
  total: number,
): boolean {
  return updates.some(({ epochs: [first] }) => first > epoch + 1 && first <= total);
}

/** Losses of an evaluation, of which `loss` adds up the phases that run in this epoch (from 0). */
export function ofRunning<V>(
  metrics: Readonly<Record<string, V | number>>,
  updates: readonly StepProgram[],
  epoch: number,
): Readonly<Record<string, V | number>> {
  const running = updates.filter((update) => runsIn(update, epoch));
  if (running.length === updates.length) return metrics;
  const parts = running.map(({ phase }) => metrics[`loss.${phase}`]);
  const loss = parts.reduce((sum: number, part) => sum + Number(part), 0);
  return { ...metrics, loss };
}

/**
 * Before training: every epoch has a phase to run, and a value to monitor.
 * @throws DlcError `invalid-setting`, `unknown-monitor`
 */
export function checkPhaseEpochs(
  updates: readonly StepProgram[],
  settings: Pick<TrainSpec, "epochs" | "metrics" | "monitor">,
  heads: readonly HeadSpec[],
  isValidated: boolean,
): void {
  const monitored = isValidated
    ? undefined
    : metricUses(settings.metrics, heads).find(({ name }) => name === settings.monitor.metric);
  // Nothing changes between the epochs in which phases begin or have just ended.
  const turning = updates.flatMap(({ epochs: [first, last] }) => [first, (last ?? 0) + 1]);
  for (const epoch of turning.sort((a, b) => a - b)) {
    if (epoch > settings.epochs) continue;
    const running = updates.filter((update) => runsIn(update, epoch - 1));
    if (running.length === 0) {
      throw new DlcError("invalid-setting", `no phase runs in epoch ${epoch}`, {
        place: "train.epochs",
        help: "Train for fewer epochs, or let a phase run in it: see 'first_epoch' and 'last_epoch'.",
      });
    }
    const { head, name } = monitored ?? {};
    if (head === undefined) continue;
    if (running.some(({ program }) => program.outputs[head.name] !== undefined)) continue;
    throw new DlcError(
      "unknown-monitor",
      `${name} cannot be monitored: no phase that runs in epoch ${epoch} measures it`,
      {
        place: "train.monitor",
        help: "Hold back validation rows, on which every metric is measured, or monitor: epoch.",
      },
    );
  }
}
