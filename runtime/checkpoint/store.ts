/**
 * @file The checkpoints of one run: names, what a store of them does, and what stores have in common.
 */
import { DlcError } from "../errors.js";
import type { StateSpec } from "../program.js";
import {
  type CheckpointContents,
  CheckpointFault,
  type CheckpointFiles,
  type CheckpointIdentity,
  readCheckpoint,
} from "./checkpoint.js";
import { isRecord, parseStrictJson } from "./strict-json.js";

export const checkpointsFolder = "checkpoints";
export const pointerNames = ["best", "last"] as const;
export type PointerName = (typeof pointerNames)[number];

/** `step-00001234`; a second checkpoint of the same step (a pause before validation) is `step-00001234.1`. */
const namePattern = /^step-(\d{8,15})(?:\.(\d{1,6}))?$/;

export function isCheckpointName(name: string): boolean {
  return namePattern.test(name);
}

/** The checkpoint names among others, newest first. */
export function sortCheckpoints(entries: readonly string[]): string[] {
  return entries.filter(isCheckpointName).sort((a, b) => compareNames(b, a));
}

function compareNames(a: string, b: string): number {
  const [x, y] = [namePattern.exec(a), namePattern.exec(b)];
  return Number(x?.[1]) - Number(y?.[1]) || Number(x?.[2] ?? 0) - Number(y?.[2] ?? 0);
}

/** The name that a checkpoint of this step gets beside those there are (newest first). */
export function nextCheckpointName(step: number, names: readonly string[]): string {
  const base = `step-${String(step).padStart(8, "0")}`;
  const newest = names.find((name) => name.split(".")[0] === base);
  return newest === undefined ? base : `${base}.${Number(newest.split(".")[1] ?? 0) + 1}`;
}

/** The content of a pointer. */
export function renderPointer(name: string): string {
  return `${JSON.stringify({ checkpoint: `${checkpointsFolder}/${name}` })}\n`;
}

/** The checkpoint that a pointer names; null if it makes no sense. */
export function parsePointer(text: string): string | null {
  try {
    const value = parseStrictJson(text);
    const target = isRecord(value) ? value.checkpoint : undefined;
    const name =
      typeof target === "string" && target.startsWith(`${checkpointsFolder}/`)
        ? target.slice(checkpointsFolder.length + 1)
        : "";
    return isCheckpointName(name) ? name : null;
  } catch {
    return null;
  }
}

export interface FoundCheckpoint {
  readonly name: string;
  readonly contents: CheckpointContents;
}

export interface CheckpointStore {
  /** Removes what an interrupted save left behind. */
  tidy(): Promise<void>;
  /** All checkpoints, newest first. */
  names(): Promise<readonly string[]>;
  /**
   * The newest intact checkpoint; null if the run has none. Damaged ones are reported and put aside
   * (renamed to `.corrupt-…`, never deleted).
   * @throws DlcError `foreign-checkpoint`, or `no-intact-checkpoint` when all are damaged.
   */
  newest(onDamaged: (name: string, reason: string) => void): Promise<FoundCheckpoint | null>;
  /** @throws CheckpointFault */
  read(name: string): Promise<CheckpointContents>;
  /** The name that a checkpoint of this step would get. */
  nextName(step: number): Promise<string>;
  write(name: string, step: number, contents: CheckpointContents): Promise<void>;
  /** Points `best` or `last` to a checkpoint; null removes the pointer. */
  point(pointer: PointerName, name: string | null): Promise<void>;
  /** Deletes all but the `recent` newest and those named. */
  prune(recent: number, keep: readonly (string | null)[]): Promise<void>;
}

/** Whose checkpoints a store reads and writes. */
export interface CheckpointOwner {
  readonly identity: CheckpointIdentity;
  readonly specs: Readonly<Record<string, StateSpec>>;
}

/**
 * The newest checkpoint that is intact; null where there is none at all. `place`: of all of them, for messages.
 * @throws DlcError `foreign-checkpoint`, or `no-intact-checkpoint` when all are damaged.
 */
export async function newestIntact(
  { identity, specs }: CheckpointOwner,
  place: string,
  all: readonly CheckpointFiles[],
  onDamaged: (name: string, reason: string) => Promise<void>,
): Promise<FoundCheckpoint | null> {
  for (const files of all) {
    try {
      return { name: files.name, contents: await readCheckpoint(files, identity, specs) };
    } catch (error) {
      if (!(error instanceof CheckpointFault)) throw error;
      if (error.kind === "foreign") throw foreign(files.place, error.reason);
      await onDamaged(files.name, error.message);
    }
  }
  if (all.length === 0) return null;
  throw new DlcError(
    "no-intact-checkpoint",
    all.length === 1
      ? "the only checkpoint is not intact"
      : `none of the ${all.length} checkpoints is intact`,
    {
      place,
      help: "Start the run over with --fresh, or train into another run folder.",
    },
  );
}

/** Where a checkpoint that was put aside goes, beside those that were before. */
export function asideName(name: string, taken: (name: string) => boolean): string {
  let aside = `.corrupt-${name}`;
  for (let i = 1; taken(aside); i++) aside = `.corrupt-${name}-${i}`;
  return aside;
}

export function foreign(
  place: string,
  reason: string,
  help = "Start the run over with --fresh, train into another run folder, or go back to the spec that it was trained with.",
): DlcError {
  return new DlcError(
    "foreign-checkpoint",
    `the checkpoint does not belong to this model: ${reason}`,
    { place, help },
  );
}
