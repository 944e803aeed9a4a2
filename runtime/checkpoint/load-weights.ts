/** @file Reads trained weights from wherever a user may point: a run, a checkpoint, a file. */
import { stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { DlcError } from "../errors.js";
import type { FittedFacts } from "../spec.js";
import type { HostTensor } from "../tensor.js";
import { checkpointFolder } from "./checkpoint-folder.js";
import { readRegularFile, replaceFile, systemCode, withIo } from "./disk.js";
import { listCheckpoints, readPointer, readPointerFile } from "./folder-store.js";
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
    return isCheckpointName(basename(found)) ? loadCheckpoint(found, model) : loadRun(found, model);
  });
}

async function loadFile(path: string, model: WeightsOwner): Promise<LoadedWeights> {
  const pointer = basename(path);
  if (pointer === "best" || pointer === "last") {
    // Training may replace the pointer and prune its former target between our two reads.
    for (let attempt = 0; ; attempt++) {
      const name = await readPointerFile(path);
      if (name === null) throw notFound(path, "does not name a checkpoint");
      try {
        return await loadCheckpoint(join(dirname(path), checkpointsFolder, name), model);
      } catch (error) {
        if (attempt >= 3 || (await readPointerFile(path)) === name) throw error;
      }
    }
  }
  return weightsOfFile(path, await readRegularFile(path), model);
}

async function loadRun(run: string, model: WeightsOwner): Promise<LoadedWeights> {
  const names = await listCheckpoints(run);
  for (const pointer of ["best", "last"] as const) {
    const name = await readPointer(run, pointer);
    // Damaged checkpoints are put aside; their pointer is of no use.
    if (name !== null && names.includes(name)) return loadFile(join(run, pointer), model);
  }
  const [newest] = names;
  if (newest === undefined) {
    const lost = (await readPointer(run, "last")) !== null;
    throw notFound(
      run,
      lost ? "has lost its checkpoints, or all are damaged" : "holds no checkpoint",
    );
  }
  return loadCheckpoint(join(run, checkpointsFolder, newest), model);
}

function loadCheckpoint(folder: string, model: WeightsOwner): Promise<LoadedWeights> {
  const description = () => readFacts(join(dirname(dirname(folder)), "run.json"));
  return weightsOfCheckpoint(checkpointFolder(folder), description, model);
}

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

function notFound(path: string, reason: string): DlcError {
  return new DlcError("weights-not-found", `there are no weights: ${path} ${reason}`, {
    place: path,
    help: "Give a run folder (runs/<name>), its best or last file, a checkpoint folder or a .safetensors file; train first if there is none.",
  });
}
