/**
 * @file One checkpoint, `step-00001234`: files with tensors, the run's progress and a manifest, wherever
 * they are kept.
 */
import type { StateSpec } from "../program.js";
import { sha256 } from "../sha256.js";
import type { HostTensor } from "../tensor.js";
import {
  fileNames,
  type Manifest,
  manifestName,
  manifestVersion,
  parseManifest,
  renderManifest,
} from "./manifest.js";
import { readSafetensors, writeSafetensors } from "./safetensors.js";
import { isRecord, parseStrictJson } from "./strict-json.js";

type Tensors = Readonly<Record<string, HostTensor>>;
type Specs = Readonly<Record<string, StateSpec>>;

/** Whose checkpoint it is. */
export interface CheckpointIdentity {
  readonly dlcVersion: string;
  readonly specHash: string;
  readonly stateHash: string;
  readonly factsHash: string;
}

export interface CheckpointContents {
  /** All state tensors by name. */
  readonly state: Tensors;
  /** Where the run stands; plain JSON that the trainer understands. */
  readonly progress: Readonly<Record<string, unknown>>;
  /** Large parts of the progress. */
  readonly tensors: Tensors;
}

/** Why a checkpoint cannot be used. `file` is the file at fault, inside the checkpoint. */
export class CheckpointFault extends Error {
  override readonly name = "CheckpointFault";
  constructor(
    /** damaged: not what was written; foreign: intact, but of another model or spec. */
    readonly kind: "damaged" | "foreign",
    readonly file: string,
    readonly reason: string,
  ) {
    super(`${file}: ${reason}`);
  }
}

const weightRoles: ReadonlySet<StateSpec["role"]> = new Set(["weight", "buffer", "average"]);

/** The tensors that prediction needs, or the others. */
export function selectState(
  tensors: Tensors,
  specs: Specs,
  part: "weights" | "optimizer",
): Record<string, HostTensor> {
  return Object.fromEntries(
    Object.entries(tensors).filter(([name]) => {
      const role = specs[name]?.role;
      return role !== undefined && weightRoles.has(role) === (part === "weights");
    }),
  );
}

/** The files of a checkpoint, by name; the manifest, which makes it one, is the last. */
export function encodeCheckpoint(
  name: string,
  step: number,
  identity: CheckpointIdentity,
  specs: Specs,
  contents: CheckpointContents,
): Readonly<Record<string, Uint8Array>> {
  const { specHash, stateHash, factsHash } = identity;
  const metadata = { specHash, stateHash, factsHash };
  const files: Record<string, Uint8Array> = {
    [fileNames.weights]: writeSafetensors(selectState(contents.state, specs, "weights"), metadata),
    [fileNames.optimizer]: writeSafetensors(
      selectState(contents.state, specs, "optimizer"),
      metadata,
    ),
    [fileNames.state]: new TextEncoder().encode(`${JSON.stringify(contents.progress)}\n`),
  };
  if (Object.keys(contents.tensors).length > 0) {
    files[fileNames.metrics] = writeSafetensors(contents.tensors, metadata);
  }
  const manifest: Manifest = {
    format: "dlc-checkpoint",
    version: manifestVersion,
    dlc: identity.dlcVersion,
    name,
    step,
    specHash,
    stateHash,
    factsHash,
    files: Object.fromEntries(
      Object.entries(files).map(([file, bytes]) => [
        file,
        { bytes: bytes.length, sha256: sha256(bytes) },
      ]),
    ),
  };
  return { ...files, [manifestName]: new TextEncoder().encode(renderManifest(manifest)) };
}

/** A stored checkpoint whose files can be read. */
export interface CheckpointFiles {
  /** The name that it is stored under. */
  readonly name: string;
  /** Where it is, for messages. */
  readonly place: string;
  /** @throws CheckpointFault "damaged" where nothing of that name is a checkpoint at all. */
  check(): Promise<void>;
  /** One of its files, of at most so many bytes. @throws Error with a reason to show. */
  read(file: string, maxBytes: number): Promise<Uint8Array>;
}

/** Reads and verifies one file that the manifest lists. */
async function readListed(
  files: CheckpointFiles,
  file: string,
  manifest: Manifest,
): Promise<Uint8Array> {
  const entry = manifest.files[file];
  if (entry === undefined) throw new CheckpointFault("damaged", file, "the manifest lists none");
  const bytes = await readPart(files, file, entry.bytes);
  if (bytes.length !== entry.bytes) {
    const text = `has ${bytes.length} bytes instead of ${entry.bytes}: the file is cut off`;
    throw new CheckpointFault("damaged", file, text);
  }
  if (sha256(bytes) !== entry.sha256) {
    throw new CheckpointFault("damaged", file, "does not match its SHA-256");
  }
  return bytes;
}

async function readPart(
  files: CheckpointFiles,
  file: string,
  maxBytes: number,
): Promise<Uint8Array> {
  try {
    return await files.read(file, maxBytes);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CheckpointFault("damaged", file, reason);
  }
}

function readTensorFile(file: string, bytes: Uint8Array): Tensors {
  try {
    return readSafetensors(bytes).tensors;
  } catch (cause) {
    throw new CheckpointFault(
      "damaged",
      file,
      cause instanceof Error ? cause.message : String(cause),
    );
  }
}

/** A manifest is small; anything larger is none. */
const maxManifestBytes = 1_000_000;

/** @throws CheckpointFault "damaged" unless there is an intact manifest of the checkpoint's own name. */
async function readManifest(files: CheckpointFiles): Promise<Manifest> {
  const { name } = files;
  await files.check();
  const bytes = await readPart(files, manifestName, maxManifestBytes);
  let manifest: Manifest;
  try {
    manifest = parseManifest(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CheckpointFault("damaged", manifestName, reason);
  }
  if (manifest.name !== name) {
    throw new CheckpointFault("damaged", manifestName, `belongs to ${manifest.name}, not ${name}`);
  }
  return manifest;
}

/**
 * Reads the tensors for prediction; of a run's checkpoint any spec will do that has the same state.
 * @throws CheckpointFault if damaged, or if its tensors are not those of `specs`.
 */
export async function readWeights(
  files: CheckpointFiles,
  stateHash: string,
): Promise<{ readonly tensors: Tensors; readonly manifest: Manifest }> {
  const manifest = await readManifest(files);
  requireState(manifest, stateHash);
  const bytes = await readListed(files, fileNames.weights, manifest);
  return { tensors: readTensorFile(fileNames.weights, bytes), manifest };
}

/**
 * The file of a checkpoint that holds its weights, and the SHA-256 that it must have; whatever model
 * they belong to.
 * @throws CheckpointFault
 */
export async function listedWeights(
  files: CheckpointFiles,
): Promise<{ readonly file: string; readonly sha256: string }> {
  const manifest = await readManifest(files);
  const entry = manifest.files[fileNames.weights];
  if (entry === undefined) {
    throw new CheckpointFault("damaged", fileNames.weights, "the manifest lists none");
  }
  return { file: fileNames.weights, sha256: entry.sha256 };
}

function requireState(manifest: Manifest, stateHash: string): void {
  if (manifest.stateHash !== stateHash) {
    throw new CheckpointFault(
      "foreign",
      manifestName,
      "it was saved by a model with other weights (names, shapes or element types differ)",
    );
  }
}

/**
 * Reads a whole checkpoint: every file is verified against the manifest, every tensor against `specs`.
 * @throws CheckpointFault
 */
export async function readCheckpoint(
  files: CheckpointFiles,
  identity: CheckpointIdentity,
  specs: Specs,
): Promise<CheckpointContents> {
  const manifest = await readManifest(files);
  requireState(manifest, identity.stateHash);
  if (manifest.specHash !== identity.specHash) {
    throw new CheckpointFault(
      "foreign",
      manifestName,
      "it was saved by another version of the spec",
    );
  }
  const state: Record<string, HostTensor> = {};
  for (const part of ["weights", "optimizer"] as const) {
    const file = fileNames[part];
    const tensors = readTensorFile(file, await readListed(files, file, manifest));
    checkTensors(file, tensors, specs, part);
    Object.assign(state, tensors);
  }
  const progress = readProgress(await readListed(files, fileNames.state, manifest), manifest.step);
  const tensors =
    manifest.files[fileNames.metrics] === undefined
      ? {}
      : readTensorFile(fileNames.metrics, await readListed(files, fileNames.metrics, manifest));
  return { state, progress, tensors };
}

function readProgress(bytes: Uint8Array, step: number): Record<string, unknown> {
  let progress: unknown;
  try {
    progress = parseStrictJson(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CheckpointFault("damaged", fileNames.state, reason);
  }
  if (!isRecord(progress) || progress.step !== step) {
    throw new CheckpointFault("damaged", fileNames.state, "is of another step than the manifest");
  }
  return progress;
}

/** Do the tensors of a file have exactly the names, shapes and dtypes of the model's state? */
function checkTensors(
  file: string,
  tensors: Tensors,
  specs: Specs,
  part: "weights" | "optimizer",
): void {
  const expected = Object.entries(specs).filter(
    ([, spec]) => weightRoles.has(spec.role) === (part === "weights"),
  );
  for (const [name, spec] of expected) {
    const problem = tensorProblem(name, tensors[name], spec);
    if (problem !== null) throw new CheckpointFault("foreign", file, problem);
  }
  if (Object.keys(tensors).length !== expected.length) {
    const extra = Object.keys(tensors).find((name) => specs[name] === undefined) ?? "";
    throw new CheckpointFault("foreign", file, `holds ${extra}, which the model does not have`);
  }
}

/** What keeps a tensor from being the state tensor `name`; null if nothing does. */
export function tensorProblem(
  name: string,
  tensor: HostTensor | undefined,
  spec: Pick<StateSpec, "dtype" | "shape">,
): string | null {
  if (tensor === undefined) return `lacks ${name}`;
  const found = `${tensor.dtype} [${tensor.shape.join(", ")}]`;
  const wanted = `${spec.dtype} [${spec.shape.join(", ")}]`;
  return found === wanted ? null : `${name} is ${found}, the model has ${wanted}`;
}
