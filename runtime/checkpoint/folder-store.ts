/**
 * @file The checkpoints of a run that is a folder. Only the holder of the run folder's lock may write.
 */
import { readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "../folder.js";
import { encodeCheckpoint, readCheckpoint } from "./checkpoint.js";
import { checkpointFolder, writeCheckpointFolder } from "./checkpoint-folder.js";
import { replaceFile, syncFolder, systemCode, withIo } from "./disk.js";
import {
  asideName,
  type CheckpointOwner,
  type CheckpointStore,
  checkpointsFolder,
  newestIntact,
  nextCheckpointName,
  type PointerName,
  parsePointer,
  renderPointer,
  sortCheckpoints,
} from "./store.js";

/** Checkpoint names, newest first. An absent folder has none. */
export async function listCheckpoints(run: string): Promise<string[]> {
  const entries = await readdir(join(run, checkpointsFolder)).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return [];
    throw error;
  });
  return sortCheckpoints(entries);
}

/** The checkpoint that `best` or `last` names; null if there is no such pointer or it makes no sense. */
export async function readPointer(run: string, pointer: PointerName): Promise<string | null> {
  return readPointerFile(join(run, pointer));
}

export async function readPointerFile(path: string): Promise<string | null> {
  const text = await readFile(path, "utf8").catch(() => "");
  return parsePointer(text);
}

export function createCheckpointStore(run: string, owner: CheckpointOwner): CheckpointStore {
  const { identity, specs } = owner;
  const folder = join(run, checkpointsFolder);
  const files = (name: string) => checkpointFolder(join(folder, name));
  const names = () => withIo("read the checkpoints", folder, () => listCheckpoints(run));

  return {
    names,
    tidy: () => withIo("tidy the checkpoints", folder, () => tidy(folder)),
    newest: (onDamaged) =>
      withIo("read the checkpoints", folder, async () =>
        newestIntact(owner, folder, (await names()).map(files), async (name, reason) => {
          onDamaged(name, reason);
          await putAside(folder, name);
        }),
      ),
    read: (name) => readCheckpoint(files(name), identity, specs),
    nextName: async (step) => nextCheckpointName(step, await names()),
    write: (name, step, contents) =>
      withIo("save a checkpoint", join(folder, name), () =>
        writeCheckpointFolder(
          join(folder, name),
          encodeCheckpoint(name, step, identity, specs, contents),
        ),
      ),
    point: (pointer, name) =>
      withIo("save a pointer", join(run, pointer), async () => {
        if (name === null) await rm(join(run, pointer), { force: true });
        else await replaceFile(join(run, pointer), renderPointer(name));
      }),
    prune: (recent, keep) =>
      withIo("remove old checkpoints", folder, async () => {
        const old = (await listCheckpoints(run)).slice(recent);
        for (const name of old) if (!keep.includes(name)) await remove(folder, name);
      }),
  };
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
  await rename(
    join(folder, name),
    join(
      folder,
      asideName(name, (one) => taken.has(one)),
    ),
  );
  await syncFolder(folder);
}
