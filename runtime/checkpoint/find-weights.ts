/** @file Which checkpoint of a run has the weights that are wanted, wherever the run is kept. */
import { DlcError } from "../errors.js";
import type { FittedFacts } from "../spec.js";
import type { CheckpointFiles } from "./checkpoint.js";
import { type PointerName, pointerNames } from "./store.js";
import { type LoadedWeights, type WeightsOwner, weightsOfCheckpoint } from "./weights.js";

/** A run, as far as its weights go. */
export interface RunFiles {
  /** What messages call it. */
  readonly place: string;
  /** Checkpoint names, newest first. */
  checkpoints(): Promise<readonly string[]>;
  /** The checkpoint that `best` or `last` names; null: none. */
  pointer(name: PointerName): Promise<string | null>;
  checkpoint(name: string): CheckpointFiles;
  /** What its description tells of its data; null: nothing. */
  facts(): Promise<FittedFacts | null>;
}

/**
 * The weights that `best` or `last` of a run points to; `path`: what the caller wrote.
 * @throws DlcError `weights-not-found`, `damaged-weights`, `foreign-checkpoint`.
 */
export async function weightsOfPointer(
  run: RunFiles,
  pointer: PointerName,
  path: string,
  model: WeightsOwner,
): Promise<LoadedWeights> {
  // Training may replace the pointer and prune its former target between our two reads.
  for (let attempt = 0; ; attempt++) {
    const name = await run.pointer(pointer);
    if (name === null) throw notFound(path, "does not name a checkpoint");
    try {
      return await weightsOfCheckpoint(run.checkpoint(name), () => run.facts(), model);
    } catch (error) {
      if (attempt >= 3 || (await run.pointer(pointer)) === name) throw error;
    }
  }
}

/**
 * The weights of a run: its best checkpoint, else its last.
 * @throws DlcError `weights-not-found`, `damaged-weights`, `foreign-checkpoint`.
 */
export async function weightsOfRun(run: RunFiles, model: WeightsOwner): Promise<LoadedWeights> {
  const names = await run.checkpoints();
  for (const pointer of pointerNames) {
    const name = await run.pointer(pointer);
    // Damaged checkpoints are put aside; their pointer is of no use.
    if (name === null || !names.includes(name)) continue;
    return weightsOfPointer(run, pointer, `${run.place}/${pointer}`, model);
  }
  const [newest] = names;
  if (newest === undefined) {
    const lost = (await run.pointer("last")) !== null;
    throw notFound(
      run.place,
      lost ? "has lost its checkpoints, or all are damaged" : "holds no checkpoint",
    );
  }
  return weightsOfCheckpoint(run.checkpoint(newest), () => run.facts(), model);
}

export function notFound(path: string, reason: string): DlcError {
  return new DlcError("weights-not-found", `there are no weights: ${path} ${reason}`, {
    place: path,
    help: "Give a run folder (runs/<name>), its best or last file, a checkpoint folder or a .safetensors file; train first if there is none.",
  });
}
