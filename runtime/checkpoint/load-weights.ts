/** @file Reads trained weights from wherever a user may point: a run, a checkpoint, a file. */
import { stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { DlcError } from "../errors.js";
import type { StateSpec } from "../program.js";
import type { FittedFacts, ModelDefinition } from "../spec.js";
import type { HostTensor } from "../tensor.js";
import { CheckpointFault, readWeights, tensorProblem } from "./checkpoint.js";
import { readRegularFile, replaceFile, systemCode, withIo } from "./disk.js";
import { factDifferences, factsHash, factsOf } from "./facts.js";
import { readSafetensors, SafetensorsError, writeSafetensors } from "./safetensors.js";
import {
  checkpointsFolder,
  foreign,
  isCheckpointName,
  listCheckpoints,
  readPointer,
  readPointerFile,
} from "./store.js";
import { isRecord, parseStrictJson } from "./strict-json.js";

type Model = Pick<ModelDefinition, "name" | "state" | "stateHash" | "specHash" | "data" | "facts">;

export interface LoadedWeights {
  /** Weights, buffers and averages by name. */
  readonly values: Readonly<Record<string, HostTensor>>;
  /** The checkpoint folder or file that they came from. */
  readonly path: string;
  /** The training step, where known. */
  readonly step: number | null;
  /** Were they saved by exactly this spec? False: same weights, but for example other settings. */
  readonly sameSpec: boolean;
  /**
   * How the data that they were trained with differ in classes or scales, so that predictions would be
   * wrong; null where they do not, or where the weights do not say.
   */
  readonly otherFacts: string | null;
}

/**
 * Loads weights from a run folder (its best checkpoint, else its last), from a `best` or `last`
 * pointer in a run folder, from a checkpoint folder or from a `.safetensors` file.
 * @throws DlcError `weights-not-found`, `damaged-weights`, `foreign-checkpoint`.
 */
export async function loadWeights(path: string, model: Model): Promise<LoadedWeights> {
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

async function loadFile(path: string, model: Model): Promise<LoadedWeights> {
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
  try {
    const { tensors, metadata } = readSafetensors(await readRegularFile(path));
    return {
      values: selectWeights(path, tensors, model.state),
      path,
      step: null,
      sameSpec: metadata.specHash === model.specHash,
      otherFacts: await otherFacts(metadata.factsHash, null, model),
    };
  } catch (error) {
    if (error instanceof SafetensorsError) throw damaged(path, error.message);
    throw error;
  }
}

async function loadRun(run: string, model: Model): Promise<LoadedWeights> {
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

async function loadCheckpoint(folder: string, model: Model): Promise<LoadedWeights> {
  try {
    const { tensors, manifest } = await readWeights(folder, basename(folder), model.stateHash);
    return {
      values: selectWeights(folder, tensors, model.state),
      path: folder,
      step: manifest.step,
      sameSpec: manifest.specHash === model.specHash,
      otherFacts: await otherFacts(manifest.factsHash, dirname(dirname(folder)), model),
    };
  } catch (error) {
    if (!(error instanceof CheckpointFault)) throw error;
    throw error.kind === "foreign"
      ? foreign(folder, error.reason, otherModelHelp)
      : damaged(folder, error.message);
  }
}

/** What differs, as far as the run's description tells. */
async function otherFacts(
  hash: string | undefined,
  run: string | null,
  model: Model,
): Promise<string | null> {
  if (hash === undefined || hash === factsHash(model)) return null;
  const before = run === null ? null : await readFacts(join(run, "run.json"));
  const [first] = before === null ? [] : factDifferences(before, factsOf(model));
  return first ?? "its data had other classes or scales";
}

/** The facts that a run's description (`run.json`) tells; null where it tells none. */
export async function readFacts(file: string): Promise<FittedFacts | null> {
  try {
    const value = parseStrictJson(new TextDecoder().decode(await readRegularFile(file)));
    return isRecord(value) && isRecord(value.facts) ? (value.facts as FittedFacts) : null;
  } catch {
    return null;
  }
}

const otherModelHelp =
  "Give weights that were trained with this spec, or train it: dlc train <spec>.";

/** The tensors of the model, which must all be there and have its shapes; nothing else may be there. */
function selectWeights(
  path: string,
  tensors: Readonly<Record<string, HostTensor>>,
  specs: Readonly<Record<string, StateSpec>>,
): Record<string, HostTensor> {
  const values: Record<string, HostTensor> = {};
  for (const [name, spec] of Object.entries(specs)) {
    if (spec.role === "slot" || spec.role === "accumulator") continue;
    // Weights from elsewhere have no averages; the weights themselves stand in.
    const of = spec.role === "average" && tensors[name] === undefined ? spec.init.of : undefined;
    const tensor = tensors[of ?? name];
    const problem = tensorProblem(of ?? name, tensor, spec);
    if (problem !== null || tensor === undefined)
      throw foreign(path, problem ?? `lacks ${name}`, otherModelHelp);
    values[name] = tensor;
  }
  const extra = Object.keys(tensors).find((name) => specs[name] === undefined);
  if (extra !== undefined)
    throw foreign(path, `it holds ${extra}, which the model does not have`, otherModelHelp);
  return values;
}

/** Writes weights, buffers and averages as one safetensors file, atomically. */
export async function saveWeights(
  path: string,
  values: Readonly<Record<string, HostTensor>>,
  model: Model,
): Promise<void> {
  const { specHash, stateHash } = model;
  const bytes = writeSafetensors(values, { specHash, stateHash, factsHash: factsHash(model) });
  await withIo("save weights", path, () => replaceFile(resolve(path), bytes));
}

function notFound(path: string, reason: string): DlcError {
  return new DlcError("weights-not-found", `there are no weights: ${path} ${reason}`, {
    place: path,
    help: "Give a run folder (runs/<name>), its best or last file, a checkpoint folder or a .safetensors file; train first if there is none.",
  });
}

function damaged(path: string, reason: string): DlcError {
  return new DlcError("damaged-weights", `the weights are damaged: ${reason}`, {
    place: path,
    help: "Use another checkpoint of the run (its last or best), or train again: a run with --fresh starts over.",
  });
}
