/** @file Weights in a page's storage: of runs, and those that were saved under a name. */
import {
  notFound,
  type RunFiles,
  weightsOfPointer,
  weightsOfRun,
} from "../checkpoint/find-weights.js";
import { checkpointsFolder, isCheckpointName } from "../checkpoint/store.js";
import {
  factsInDescription,
  type LoadedWeights,
  type WeightsOwner,
  weightsOfCheckpoint,
  weightsOfFile,
} from "../checkpoint/weights.js";
import { DlcError } from "../errors.js";
import { runFile } from "../trainer/run-description.js";
import { type Storage, withStorage } from "./storage.js";
import { storedCheckpoint, storedNames, storedPointer } from "./stored-checkpoints.js";

/**
 * A run (its best checkpoint, else its last), its `best` or `last`, a checkpoint of it, or what was saved
 * under this name.
 * @throws DlcError `weights-not-found`, `damaged-weights`, `foreign-checkpoint`.
 */
export function loadStoredWeights(
  storage: Storage,
  path: string,
  model: WeightsOwner,
): Promise<LoadedWeights> {
  return withStorage("read weights", path, async () => {
    const cut = path.lastIndexOf("/");
    const [parent, name] = [path.slice(0, Math.max(cut, 0)), path.slice(cut + 1)];
    if (name === "best" || name === "last") {
      return weightsOfPointer(runOf(storage, parent), name, path, model);
    }
    if (isCheckpointName(name) && parent.endsWith(`/${checkpointsFolder}`)) {
      const run = runOf(storage, parent.slice(0, -checkpointsFolder.length - 1));
      return weightsOfCheckpoint(run.checkpoint(name), () => run.facts(), model);
    }
    const bytes = await storage.read(path);
    if (bytes !== null) return weightsOfFile(path, bytes, model);
    const kept = await storage.list(`${path}/`);
    if (kept.length === 0) throw notFound(path, "is not kept in this browser");
    return weightsOfRun(runOf(storage, path), model);
  });
}

/** @throws DlcError `file-operation-failed` where a run has this name. */
export function saveStoredWeights(
  storage: Storage,
  path: string,
  bytes: Uint8Array,
): Promise<void> {
  return withStorage("save weights", path, async () => {
    if ((await storage.list(`${path}/`)).length > 0) {
      throw new DlcError("file-operation-failed", "cannot save weights: a run has this name", {
        place: path,
        help: 'Save them under another name, such as "weights.safetensors".',
      });
    }
    await storage.change({ [path]: bytes });
  });
}

const runOf = (storage: Storage, run: string): RunFiles => ({
  place: run,
  checkpoints: () => storedNames(storage, run),
  pointer: (name) => storedPointer(storage, run, name),
  checkpoint: (name) => storedCheckpoint(storage, run, name),
  async facts() {
    const bytes = await storage.read(`${run}/${runFile}`);
    return bytes === null ? null : factsInDescription(new TextDecoder().decode(bytes));
  },
});
