/** @file The checkpoints of a run in a page's storage: the files of a checkpoint folder, byte for byte. */
import {
  CheckpointFault,
  type CheckpointFiles,
  encodeCheckpoint,
  readCheckpoint,
} from "../checkpoint/checkpoint.js";
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
} from "../checkpoint/store.js";
import { type Storage, withStorage } from "./storage.js";

/** Checkpoint names of a run, newest first. */
export async function storedNames(storage: Storage, run: string): Promise<string[]> {
  return sortCheckpoints(await entries(storage, run));
}

export async function storedPointer(
  storage: Storage,
  run: string,
  pointer: PointerName,
): Promise<string | null> {
  const bytes = await storage.read(`${run}/${pointer}`);
  return bytes === null ? null : parsePointer(new TextDecoder().decode(bytes));
}

export function storedCheckpoint(storage: Storage, run: string, name: string): CheckpointFiles {
  const place = placeOf(run, name);
  return {
    name,
    place,
    async check() {
      const files = await storage.list(`${place}/`);
      if (files.length === 0) throw new CheckpointFault("damaged", name, "is missing");
    },
    async read(file) {
      const bytes = await storage.read(`${place}/${file}`);
      if (bytes === null) throw new Error("is missing");
      return bytes;
    },
  };
}

export function createStoredCheckpoints(
  storage: Storage,
  run: string,
  owner: CheckpointOwner,
): CheckpointStore {
  const { identity, specs } = owner;
  const place = `${run}/${checkpointsFolder}`;
  const files = (name: string): CheckpointFiles => storedCheckpoint(storage, run, name);
  const names = (): Promise<string[]> =>
    withStorage("read the checkpoints", place, () => storedNames(storage, run));

  return {
    names,
    // A change that is interrupted leaves nothing behind.
    tidy: async () => {},
    newest: (onDamaged) =>
      withStorage("read the checkpoints", place, async () =>
        newestIntact(owner, place, (await names()).map(files), async (name, reason) => {
          onDamaged(name, reason);
          await putAside(storage, run, name);
        }),
      ),
    read: (name) => readCheckpoint(files(name), identity, specs),
    nextName: async (step) => nextCheckpointName(step, await names()),
    write: (name, step, contents) =>
      withStorage("save a checkpoint", placeOf(run, name), () =>
        storage.change(
          Object.fromEntries(
            Object.entries(encodeCheckpoint(name, step, identity, specs, contents)).map(
              ([file, bytes]) => [`${placeOf(run, name)}/${file}`, bytes],
            ),
          ),
        ),
      ),
    point: (pointer, name) =>
      withStorage("save a pointer", `${run}/${pointer}`, () =>
        storage.change({
          [`${run}/${pointer}`]:
            name === null ? null : new TextEncoder().encode(renderPointer(name)),
        }),
      ),
    prune: (recent, keep) =>
      withStorage("remove old checkpoints", place, async () => {
        const old = (await names()).slice(recent).filter((name) => !keep.includes(name));
        const paths = await Promise.all(old.map((name) => storage.list(`${placeOf(run, name)}/`)));
        await storage.change(Object.fromEntries(paths.flat().map((path) => [path, null])));
      }),
  };
}

const placeOf = (run: string, name: string): string => `${run}/${checkpointsFolder}/${name}`;

/** What lies under the checkpoints of a run. */
async function entries(storage: Storage, run: string): Promise<string[]> {
  const prefix = `${run}/${checkpointsFolder}/`;
  const paths = await storage.list(prefix);
  return [...new Set(paths.map((path) => path.slice(prefix.length).split("/")[0] ?? ""))];
}

async function putAside(storage: Storage, run: string, name: string): Promise<void> {
  const taken = new Set(await entries(storage, run));
  const from = `${placeOf(run, name)}/`;
  const to = `${placeOf(
    run,
    asideName(name, (one) => taken.has(one)),
  )}/`;
  const moved: Record<string, Uint8Array | null> = {};
  for (const path of await storage.list(from)) {
    moved[to + path.slice(from.length)] = await storage.read(path);
    moved[path] = null;
  }
  await storage.change(moved);
}
