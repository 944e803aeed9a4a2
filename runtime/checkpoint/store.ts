/**
 * @file The checkpoints of one run: finding the newest intact one, naming, pointing and pruning.
 * Only the holder of the run folder's lock may write.
 */
import { readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { DlcError } from "../errors.js";
import { makeFolder } from "../folder.js";
import type { StateSpec } from "../program.js";
import {
  type CheckpointContents,
  CheckpointFault,
  type CheckpointIdentity,
  readCheckpoint,
  writeCheckpoint,
} from "./checkpoint.js";
import { replaceFile, syncFolder, systemCode, withIo } from "./disk.js";
import { isRecord, parseStrictJson } from "./strict-json.js";

export const checkpointsFolder = "checkpoints";
export type PointerName = "best" | "last";

/** `step-00001234`; a second checkpoint of the same step (a pause before validation) is `step-00001234.1`. */
const namePattern = /^step-(\d{8,15})(?:\.(\d{1,6}))?$/;

export function isCheckpointName(name: string): boolean {
  return namePattern.test(name);
}

/** Checkpoint names, newest first. An absent folder has none. */
export async function listCheckpoints(run: string): Promise<string[]> {
  const entries = await readdir(join(run, checkpointsFolder)).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return [];
    throw error;
  });
  return entries.filter(isCheckpointName).sort((a, b) => compareNames(b, a));
}

function compareNames(a: string, b: string): number {
  const [x, y] = [namePattern.exec(a), namePattern.exec(b)];
  return Number(x?.[1]) - Number(y?.[1]) || Number(x?.[2] ?? 0) - Number(y?.[2] ?? 0);
}

/** The checkpoint that `best` or `last` names; null if there is no such pointer or it makes no sense. */
export async function readPointer(run: string, pointer: PointerName): Promise<string | null> {
  return readPointerFile(join(run, pointer));
}

export async function readPointerFile(path: string): Promise<string | null> {
  try {
    const value = parseStrictJson(await readFile(path, "utf8"));
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

export function createCheckpointStore(
  run: string,
  identity: CheckpointIdentity,
  specs: Readonly<Record<string, StateSpec>>,
): CheckpointStore {
  const folder = join(run, checkpointsFolder);
  const read = (name: string): Promise<CheckpointContents> =>
    readCheckpoint(join(folder, name), name, identity, specs);

  async function newest(
    onDamaged: (name: string, reason: string) => void,
  ): Promise<FoundCheckpoint | null> {
    const names = await listCheckpoints(run);
    for (const name of names) {
      try {
        return { name, contents: await read(name) };
      } catch (error) {
        if (!(error instanceof CheckpointFault)) throw error;
        if (error.kind === "foreign") throw foreign(join(folder, name), error.reason);
        onDamaged(name, error.message);
        await putAside(folder, name);
      }
    }
    if (names.length === 0) return null;
    throw new DlcError(
      "no-intact-checkpoint",
      names.length === 1
        ? "the only checkpoint is not intact"
        : `none of the ${names.length} checkpoints is intact`,
      {
        place: folder,
        help: "Start the run over with --fresh, or train into another run folder.",
      },
    );
  }

  return {
    tidy: () => withIo("tidy the checkpoints", folder, () => tidy(folder)),
    newest: (onDamaged) => withIo("read the checkpoints", folder, () => newest(onDamaged)),
    read,
    nextName: (step) => withIo("read the checkpoints", folder, () => nextName(run, step)),
    write: (name, step, contents) =>
      withIo("save a checkpoint", join(folder, name), () =>
        writeCheckpoint(join(folder, name), name, step, identity, specs, contents),
      ),
    point: (pointer, name) =>
      withIo("save a pointer", join(run, pointer), async () => {
        if (name === null) await rm(join(run, pointer), { force: true });
        else {
          const target = JSON.stringify({ checkpoint: `${checkpointsFolder}/${name}` });
          await replaceFile(join(run, pointer), `${target}\n`);
        }
      }),
    prune: (recent, keep) =>
      withIo("remove old checkpoints", folder, async () => {
        const old = (await listCheckpoints(run)).slice(recent);
        for (const name of old) if (!keep.includes(name)) await remove(folder, name);
      }),
  };
}

async function nextName(run: string, step: number): Promise<string> {
  const base = `step-${String(step).padStart(8, "0")}`;
  const [newest] = (await listCheckpoints(run)).filter((name) => name.split(".")[0] === base);
  return newest === undefined ? base : `${base}.${Number(newest.split(".")[1] ?? 0) + 1}`;
}

async function tidy(folder: string): Promise<void> {
  makeFolder(folder);
  for (const entry of await readdir(folder)) {
    if (entry.startsWith(".tmp-")) await rm(join(folder, entry), { recursive: true, force: true });
  }
}

/** Renames first: a half-deleted checkpoint must not look like a damaged one. */
async function remove(folder: string, name: string): Promise<void> {
  const doomed = join(folder, `.tmp-pruned-${name}`);
  await rename(join(folder, name), doomed);
  await rm(doomed, { recursive: true, force: true });
}

async function putAside(folder: string, name: string): Promise<void> {
  const taken = new Set(await readdir(folder));
  let aside = `.corrupt-${name}`;
  for (let i = 1; taken.has(aside); i++) aside = `.corrupt-${name}-${i}`;
  await rename(join(folder, name), join(folder, aside));
  await syncFolder(folder);
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
