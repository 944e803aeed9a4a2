/** @file Trained weights of a model: from the bytes of a file or from a checkpoint, and as bytes. */
import { DlcError } from "../errors.js";
import type { StateSpec } from "../program.js";
import type { FittedFacts, ModelDefinition } from "../spec.js";
import type { HostTensor } from "../tensor.js";
import { CheckpointFault, type CheckpointFiles, readWeights, tensorProblem } from "./checkpoint.js";
import { factDifferences, factsHash, factsOf } from "./facts.js";
import { readSafetensors, SafetensorsError, writeSafetensors } from "./safetensors.js";
import { foreign } from "./store.js";
import { isRecord, parseStrictJson } from "./strict-json.js";

/** What weights are checked against. */
export type WeightsOwner = Pick<
  ModelDefinition,
  "name" | "state" | "stateHash" | "specHash" | "data" | "facts"
>;

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
 * The weights in the bytes of a `.safetensors` file; `path`: what messages call it.
 * @throws DlcError `damaged-weights`, `foreign-checkpoint`.
 */
export function weightsOfFile(path: string, bytes: Uint8Array, model: WeightsOwner): LoadedWeights {
  try {
    const { tensors, metadata } = readSafetensors(bytes);
    return {
      values: selectWeights(path, tensors, model.state),
      path,
      step: null,
      sameSpec: metadata.specHash === model.specHash,
      otherFacts: otherFacts(metadata.factsHash, null, model),
    };
  } catch (error) {
    if (error instanceof SafetensorsError) throw damaged(path, error.message);
    throw error;
  }
}

/**
 * The weights of a checkpoint; `description`: the facts that its run tells, if any.
 * @throws DlcError `damaged-weights`, `foreign-checkpoint`.
 */
export async function weightsOfCheckpoint(
  files: CheckpointFiles,
  description: () => Promise<FittedFacts | null>,
  model: WeightsOwner,
): Promise<LoadedWeights> {
  const { place } = files;
  try {
    const { tensors, manifest } = await readWeights(files, model.stateHash);
    return {
      values: selectWeights(place, tensors, model.state),
      path: place,
      step: manifest.step,
      sameSpec: manifest.specHash === model.specHash,
      otherFacts: otherFacts(manifest.factsHash, await description(), model),
    };
  } catch (error) {
    if (!(error instanceof CheckpointFault)) throw error;
    throw error.kind === "foreign"
      ? foreign(place, error.reason, otherModelHelp)
      : damaged(place, error.message);
  }
}

/** What differs, as far as the run's description tells. */
function otherFacts(
  hash: string | undefined,
  before: FittedFacts | null,
  model: WeightsOwner,
): string | null {
  if (hash === undefined || hash === factsHash(model)) return null;
  const [first] = before === null ? [] : factDifferences(before, factsOf(model));
  return first ?? "its data had other classes or scales";
}

/** The facts that the text of a run's description (`run.json`) tells; null where it tells none. */
export function factsInDescription(text: string): FittedFacts | null {
  try {
    const value = parseStrictJson(text);
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

/** Weights, buffers and averages as the bytes of one safetensors file. */
export function encodeWeights(
  values: Readonly<Record<string, HostTensor>>,
  model: WeightsOwner,
): Uint8Array<ArrayBuffer> {
  const { specHash, stateHash } = model;
  return writeSafetensors(values, { specHash, stateHash, factsHash: factsHash(model) });
}

function damaged(path: string, reason: string): DlcError {
  return new DlcError("damaged-weights", `the weights are damaged: ${reason}`, {
    place: path,
    help: "Use another checkpoint of the run (its last or best), or train again: a run with --fresh starts over.",
  });
}
