/**
 * @file Training: creates or resumes a run, repeats epochs until the end, and leaves a folder from
 * which any interrupted run continues to bit-identical weights.
 */
import { factsHash } from "../checkpoint/facts.js";
import type { StartingPoint } from "../checkpoint/foreign/initial.js";
import { writeSafetensors } from "../checkpoint/safetensors.js";
import type { CheckpointStore } from "../checkpoint/store.js";
import type { DeviceState, Engine } from "../engine.js";
import { DlcError } from "../errors.js";
import { initialState } from "../init.js";
import { sha256 } from "../sha256.js";
import type { ModelDefinition, TrainSpec } from "../spec.js";
import { type HostTensor, sizeOf } from "../tensor.js";
import { withCheckpoint } from "./after-fault.js";
import type { TrainEvent, TrainResult } from "./events.js";
import { initialMonitor } from "./monitor.js";
import { checkPhaseEpochs } from "./phase-epochs.js";
import { precisionNotes } from "./precision.js";
import { noSums, type RunProgress, unpackProgress } from "./progress-state.js";
import { createRun, type Run, type TrainingPrograms } from "./run.js";
import { describeRun } from "./run-description.js";
import type { TrainingHost } from "./run-store.js";
import { batchesPerEpoch, type TrainingData } from "./source.js";
import type { StepProgram } from "./step.js";

export interface TrainOptions {
  readonly engine: Engine;
  /** Why this engine was chosen; for the `started` event. */
  readonly why?: string;
  readonly data: TrainingData;
  /** A hash of the data's content; a run is not continued with other data. Absent: unknown. */
  readonly dataHash?: string;
  /** The run, as its store calls it: a folder's path; created if need be. */
  readonly run: string;
  /** Delete what the run holds and start over. */
  readonly fresh?: boolean;
  /** Settings that replace those of the spec. */
  readonly settings?: Partial<TrainSpec>;
  /** Weights to start a new run from, instead of initial values. */
  readonly initial?: Readonly<Record<string, HostTensor>>;
  /** A file to start a new run from, where `initial` is not given. A run that is continued does not read it. */
  readonly startFrom?: StartingPoint;
  /** When aborted, training ends after the current step with a checkpoint. */
  readonly signal?: AbortSignal;
  /** Seconds after which training pauses with a checkpoint. */
  readonly timeLimit?: number;
  readonly onEvent?: (event: TrainEvent) => void;
}

export interface Trained {
  readonly result: TrainResult;
  /** The state with the trained weights; the caller disposes of it. */
  readonly state: DeviceState;
}

/** SHA-256 of the weights that a new run starts from; null: fresh ones. */
const originHash = ({ initial, startFrom }: TrainOptions): string | null =>
  initial === undefined ? (startFrom?.sha256 ?? null) : sha256(writeSafetensors(initial));

/**
 * Trains `definition` on `options.data`, in a run of the host's store. Called again with the same arguments it continues an
 * interrupted run, and returns the result of a finished one.
 * @throws DlcError `not-trainable`, `precision-unsupported`, `invalid-setting`, `unknown-monitor`, `no-examples`, `run-busy`, `different-run`, `foreign-checkpoint`,
 *   `no-intact-checkpoint`, `non-finite-loss`, `non-finite-input`, `out-of-device-memory`, `device-lost`, `file-operation-failed`, …
 */
export async function trainIn(
  { runs, breathe = rest }: TrainingHost,
  definition: ModelDefinition,
  options: TrainOptions,
): Promise<Trained> {
  const { settings, programs } = requireTrainable(definition, options);
  const { engine, data } = options;
  const notes = precisionNotes(settings.precision, engine);
  const folder = await runs.openRun(
    options.run,
    describeRun(definition, {
      settings,
      engine: { name: engine.name, device: engine.device, threads: engine.threads },
      examples: { train: data.train.size, validation: data.validation?.size ?? 0 },
      dataHash: options.dataHash ?? null,
      startedFrom: originHash(options),
    }),
    {
      identity: { ...definition, factsHash: factsHash(definition) },
      specs: definition.state,
    },
    options.fresh ?? false,
  );
  try {
    const store = folder.checkpoints;
    await store.tidy();
    const emit = options.onEvent ?? (() => {});
    const warn = (code: string, message: string): void => emit({ kind: "warning", code, message });
    for (const { code, message } of [...notes, ...folder.warnings]) warn(code, message);
    const found = await store.newest((name, reason) =>
      warn(
        "damaged-checkpoint",
        `checkpoint ${name} is damaged and is not used: ${reason}; it was put aside as .corrupt-${name}`,
      ),
    );
    const start = found === null ? firstProgress : unpackProgress(found.contents);
    const given = found === null ? (options.initial ?? (await options.startFrom?.load())) : null;
    const values = found?.contents.state ?? {
      ...initialState(definition.state, settings.seed),
      ...given,
    };
    const log = await folder.resumeLog(start.metricsBytes);
    if (log.bytes !== start.metricsBytes || log.damaged > 0) {
      warn("metrics-log-cut", "metrics.ndjson has lost lines; the missing epochs are not shown");
    }
    const state = engine.createState(definition.state, values);
    try {
      const run = createRun({
        definition,
        settings,
        programs,
        engine,
        state,
        data,
        folder,
        store,
        emit,
        warn,
        stop: stopCheck(options),
        breathe,
        progress: { ...start, metricsBytes: log.bytes },
        history: log.records,
        saved: found?.name ?? null,
      });
      await completeSave(run, store, found?.name ?? null);
      const from = options.initial === undefined ? (options.startFrom?.from ?? null) : null;
      const startedFrom =
        from === null || !given ? null : { from, tensors: Object.keys(given).length };
      emit(startedEvent(definition, options, run, found?.name ?? null, startedFrom));
      const result = await run.complete();
      emit({ kind: "finished", result });
      return { result, state };
    } catch (error) {
      state.dispose();
      throw await withCheckpoint(error, folder);
    }
  } finally {
    await folder.release();
  }
}

/** Engines of Node compute in other threads and let the process go on by themselves. */
const rest = async (): Promise<void> => {};

const firstProgress: RunProgress = {
  step: 0,
  batches: 0,
  epoch: 0,
  position: 0,
  pending: 0,
  sums: noSums,
  monitor: initialMonitor,
  metricsBytes: 0,
  finished: null,
};

function requireTrainable(
  definition: ModelDefinition,
  options: TrainOptions,
): { settings: TrainSpec; programs: TrainingPrograms } {
  const { evaluate, apply = null } = definition.programs;
  const updates = updatesOf(definition);
  if (definition.train === null || updates.length === 0 || evaluate === undefined) {
    throw new DlcError("not-trainable", `${definition.name} cannot be trained`, {
      place: "train",
      help: "Add a train section to its spec and build it again.",
    });
  }
  const settings = { ...definition.train, ...options.settings };
  if (settings.accumulate !== definition.train.accumulate) {
    throw new DlcError("not-trainable", "the package was built for another train.accumulate", {
      place: "train.accumulate",
      help: "Change it in the spec and build again; it is part of the generated programs.",
    });
  }
  if (settings.precision !== definition.train.precision) {
    throw new DlcError("not-trainable", "the package was built for another train.precision", {
      place: "train.precision",
      help: "Change it in the spec and build again; it is part of the generated programs.",
    });
  }
  for (const key of ["batch", "epochs", "accumulate"] as const) {
    if (!Number.isSafeInteger(settings[key]) || settings[key] < 1) {
      throw new DlcError(
        "invalid-setting",
        `${key} is ${settings[key]}, not a whole number from 1 up`,
        {
          place: `train.${key}`,
        },
      );
    }
  }
  checkPhaseEpochs(updates, settings, definition.heads, options.data.validation !== null);
  if (options.data.train.size === 0) {
    throw new DlcError("no-examples", "there are no training examples", {
      place: "data.source",
      help: "Check the source and how much of it the split holds back.",
    });
  }
  return { settings, programs: { updates, evaluate, apply } };
}

/** One update per batch, or the phases'; empty if the model cannot be trained. */
function updatesOf({ programs: { train: program, phases } }: ModelDefinition): StepProgram[] {
  if (phases !== undefined && phases.length > 0) {
    return phases.map(({ name, steps, learningRate, epochs = always, train }) => {
      return { phase: name, steps, learningRate, epochs, program: train };
    });
  }
  if (program === undefined) return [];
  return [{ phase: null, steps: 1, learningRate: null, epochs: always, program }];
}

const always = [1, null] as const;

/** Why to stop before the next batch; null: go on. */
function stopCheck({ signal, timeLimit }: TrainOptions): Run["stop"] {
  const deadline =
    timeLimit === undefined ? Number.POSITIVE_INFINITY : Date.now() + timeLimit * 1000;
  return () => {
    if (signal?.aborted === true) return "interrupted";
    return Date.now() >= deadline ? "time-limit" : null;
  };
}

/** What follows a checkpoint, in case a kill came between, or a damaged one was put aside. */
async function completeSave(run: Run, store: CheckpointStore, last: string | null): Promise<void> {
  const names = await store.names();
  const best = run.progress.monitor.best?.checkpoint ?? null;
  await store.point("last", last);
  await store.point("best", best !== null && names.includes(best) ? best : null);
  await store.prune(run.settings.checkpoint.keep + 1, [best, last]);
}

function startedEvent(
  definition: ModelDefinition,
  options: TrainOptions,
  run: Run,
  checkpoint: string | null,
  startedFrom: Extract<TrainEvent, { kind: "started" }>["startedFrom"],
): TrainEvent {
  const { engine, data } = options;
  const weights = Object.values(definition.state).filter(({ role }) => role === "weight");
  return {
    kind: "started",
    run: run.folder.path,
    engine: engine.name,
    device: engine.device,
    threads: engine.threads,
    why: options.why ?? "chosen by the caller",
    parameters: weights.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
    examples: { train: data.train.size, validation: data.validation?.size ?? 0 },
    epochs: run.settings.epochs,
    batch: run.settings.batch,
    batchesPerEpoch: batchesPerEpoch(data.train, run.settings.batch),
    startedFrom,
    resumedFrom:
      checkpoint === null
        ? null
        : {
            checkpoint: run.folder.checkpointPath(checkpoint),
            epoch: run.progress.epoch + 1,
            step: run.progress.step,
          },
  };
}
