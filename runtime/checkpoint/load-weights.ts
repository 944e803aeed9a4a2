/** @file Reads trained weights from wherever a user may point: a run, a checkpoint, a file. */
import { stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import type { FittedFacts } from "../spec.js";
import type { HostTensor } from "../tensor.js";
import { checkpointFolder } from "./checkpoint-folder.js";
import { readRegularFile, replaceFile, systemCode, withIo } from "./disk.js";
import { notFound, type RunFiles, weightsOfPointer, weightsOfRun } from "./find-weights.js";
import { listCheckpoints, readPointer } from "./folder-store.js";
import { checkpointsFolder, isCheckpointName } from "./store.js";
import {
  encodeWeights,
  factsInDescription,
  type LoadedWeights,
  type WeightsOwner,
  weightsOfCheckpoint,
  weightsOfFile,
} from "./weights.js";

/**
 * Loads weights from a run folder (its best checkpoint, else its last), from a `best` or `last`
 * pointer in a run folder, from a checkpoint folder or from a `.safetensors` file.
 * @throws DlcError `weights-not-found`, `damaged-weights`, `foreign-checkpoint`.
 */
export async function loadWeights(path: string, model: WeightsOwner): Promise<LoadedWeights> {
  const found = resolve(path);
  return withIo("read weights", found, async () => {
    const kind = await stat(found).catch((error: unknown) => {
      if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return null;
      throw error;
    });
    if (kind === null) throw notFound(path, "does not exist");
    if (!kind.isDirectory()) return loadFile(found, model);
    return isCheckpointName(basename(found))
      ? loadCheckpoint(found, model)
      : weightsOfRun(runFiles(found), model);
  });
}

async function loadFile(path: string, model: WeightsOwner): Promise<LoadedWeights> {
  const pointer = basename(path);
  if (pointer === "best" || pointer === "last") {
    return weightsOfPointer(runFiles(dirname(path)), pointer, path, model);
  }
  return weightsOfFile(path, await readRegularFile(path), model);
}

function loadCheckpoint(folder: string, model: WeightsOwner): Promise<LoadedWeights> {
  const { facts } = runFiles(dirname(dirname(folder)));
  return weightsOfCheckpoint(checkpointFolder(folder), facts, model);
}

const runFiles = (run: string): RunFiles => ({
  place: run,
  checkpoints: () => listCheckpoints(run),
  pointer: (name) => readPointer(run, name),
  checkpoint: (name) => checkpointFolder(join(run, checkpointsFolder, name)),
  facts: () => readFacts(join(run, "run.json")),
});

/** The facts that a run's description (`run.json`) tells; null where it tells none. */
export async function readFacts(file: string): Promise<FittedFacts | null> {
  const bytes = await readRegularFile(file).catch(() => null);
  return bytes === null ? null : factsInDescription(new TextDecoder().decode(bytes));
}

/** Writes weights, buffers and averages as one safetensors file, atomically. */
export async function saveWeights(
  path: string,
  values: Readonly<Record<string, HostTensor>>,
  model: WeightsOwner,
): Promise<void> {
  await saveWeightsFile(path, encodeWeights(values, model));
}

/** Writes the bytes of a safetensors file, atomically. */
export async function saveWeightsFile(path: string, bytes: Uint8Array): Promise<void> {
  await withIo("save weights", path, () => replaceFile(resolve(path), bytes));
}
