/** @file Where runs are kept: what training needs of it. */
import type { CheckpointOwner, CheckpointStore } from "../checkpoint/store.js";
import type { EpochRecord } from "./events.js";
import type { RunDescription } from "./run-description.js";
import type { RunLog } from "./run-log.js";

export interface RunWarning {
  readonly code: string;
  readonly message: string;
}

/** A run that is open: nobody else trains in it until it is released. */
export interface OpenRun {
  /** What results and messages call it: the folder's path, or its name in a storage. */
  readonly path: string;
  /** Conditions that do not stop the run but that its user should know. */
  readonly warnings: readonly RunWarning[];
  readonly checkpoints: CheckpointStore;
  /** What results and messages call a checkpoint. */
  checkpointPath(name: string): string;
  /** Cuts the metrics log to the part that a checkpoint vouches for, and reads it. */
  resumeLog(bytes: number): Promise<RunLog>;
  /** Appends a line; resolves to the length of the log once it is kept. */
  appendLog(record: EpochRecord): Promise<number>;
  release(): Promise<void>;
}

export interface RunStore {
  /**
   * Creates or opens a run and locks it. `fresh`: what it holds is deleted first.
   * @throws DlcError `run-busy`, `not-a-run-folder`, `damaged-run`, `different-run`, `file-operation-failed`.
   */
  openRun(
    run: string,
    description: RunDescription,
    owner: CheckpointOwner,
    fresh: boolean,
  ): Promise<OpenRun>;
}

/** Where training takes place. */
export interface TrainingHost {
  readonly runs: RunStore;
  /** Lets the host do its other work; called between steps. Absent: it needs no help to get its turn. */
  readonly breathe?: () => Promise<void>;
}
