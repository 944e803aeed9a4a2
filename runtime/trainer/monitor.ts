/** @file Decisions at the end of an epoch: is it the best so far, reduce the rate, stop early? */
import { DlcError } from "../errors.js";
import type { TrainSpec } from "../spec.js";
import type { MetricValue } from "./metrics/define-metric.js";

export interface BestEpoch {
  readonly value: number;
  /** From 1, as shown to users. */
  readonly epoch: number;
  readonly step: number;
  /** The checkpoint that holds its weights. */
  readonly checkpoint: string;
  /** Its loss, on the split that is monitored: decides between equal values. Absent: unknown. */
  readonly loss?: number;
}

export interface MonitorState {
  readonly best: BestEpoch | null;
  /** Early stopping: the value that the next one must beat by minDelta, and epochs without that. */
  readonly reference: number | null;
  readonly waited: number;
  /** reduce_on_plateau: the best value, epochs since, and the product of the reductions. */
  readonly plateau: {
    readonly best: number | null;
    readonly waited: number;
    readonly reduction: number;
  };
}

export const initialMonitor: MonitorState = {
  best: null,
  reference: null,
  waited: 0,
  plateau: { best: null, waited: 0, reduction: 1 },
};

/** Is `value` better than `than` by more than `delta`? NaN never is; anything beats nothing. */
function improves(value: number, than: number | null, mode: "min" | "max", delta: number): boolean {
  if (Number.isNaN(value)) return false;
  if (than === null) return true;
  return mode === "min" ? value < than - delta : value > than + delta;
}

export interface Verdict {
  readonly state: MonitorState;
  readonly isBest: boolean;
  readonly stop: boolean;
}

/** What phases in time ask of the monitor. By default it is one long comparison. */
export interface Stages {
  /** A phase has begun with this epoch: what was best before it says nothing. */
  readonly isFirst: boolean;
  /** A phase begins with the next epoch: waiting begins anew. */
  readonly isLast: boolean;
  /** A phase is still to come: not the time to stop. */
  readonly mayStop: boolean;
}

const oneStage: Stages = { isFirst: false, isLast: false, mayStop: true };

/** The state after an epoch with the monitored `value`. `epoch` counts from 1. */
export function judgeEpoch(
  state: MonitorState,
  train: Pick<TrainSpec, "monitor" | "schedule" | "earlyStopping">,
  value: number,
  at: Omit<BestEpoch, "value">,
  { isFirst, isLast, mayStop }: Stages = oneStage,
): Verdict {
  const { mode } = train.monitor;
  const best = isFirst ? null : state.best;
  const isBest = improves(value, best?.value ?? null, mode, 0) || winsTie(best, value, at);
  const improved = improves(value, state.reference, mode, train.earlyStopping?.minDelta ?? 0);
  const waited = improved ? 0 : state.waited + 1;
  return {
    isBest,
    stop: mayStop && train.earlyStopping !== null && waited >= train.earlyStopping.patience,
    state: {
      ...(isLast
        ? initialMonitor
        : {
            reference: improved ? value : state.reference,
            waited,
            plateau: judgePlateau(state.plateau, train, value),
          }),
      best: isBest ? { value, ...at } : best,
    },
  };
}

/**
 * Coarse metrics tie often: an accuracy of 1 after few epochs would keep the least trained weights for
 * ever. Of equal values the one with the smaller loss is better.
 */
function winsTie(best: MonitorState["best"], value: number, { loss }: { loss?: number }): boolean {
  if (best === null || value !== best.value) return false;
  return typeof loss === "number" && typeof best.loss === "number" && loss < best.loss;
}

function judgePlateau(
  plateau: MonitorState["plateau"],
  { schedule, monitor }: Pick<TrainSpec, "monitor" | "schedule">,
  value: number,
): MonitorState["plateau"] {
  if (schedule.kind !== "reduce_on_plateau") return plateau;
  if (improves(value, plateau.best, monitor.mode, 0)) {
    return { ...plateau, best: value, waited: 0 };
  }
  if (plateau.waited + 1 < schedule.patience) return { ...plateau, waited: plateau.waited + 1 };
  return { ...plateau, waited: 0, reduction: plateau.reduction * schedule.factor };
}

/**
 * The monitored number among an epoch's metrics.
 * @throws DlcError `unknown-monitor`
 */
export function monitoredValue(
  metrics: Readonly<Record<string, MetricValue>>,
  name: string,
): number {
  const value = metrics[name];
  if (typeof value === "number") return value;
  const names = Object.keys(metrics).filter((key) => typeof metrics[key] === "number");
  throw new DlcError("unknown-monitor", `there is no metric ${name} to monitor`, {
    place: "train.monitor",
    help: `Monitor one of ${names.join(", ")}, or add ${name} to train.metrics.`,
  });
}
