/** @file Files with weights to start from: finding one, reading its header, its hash and single tensors. */
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { locate } from "../../data/path.js";
import { DlcError } from "../../errors.js";
import type { FittedFacts } from "../../spec.js";
import { CheckpointFault, listedWeights } from "../checkpoint.js";
import { checkpointFolder } from "../checkpoint-folder.js";
import { systemCode } from "../disk.js";
import { listCheckpoints, readPointer, readPointerFile } from "../folder-store.js";
import { readFacts } from "../load-weights.js";
import {
  headerEnd,
  lengthBytes,
  parseHeader,
  SafetensorsError,
  type SafetensorsHeader,
  type TensorEntry,
} from "../safetensors-header.js";
import { checkpointsFolder, isCheckpointName } from "../store.js";
import { foreignWidths } from "./elements.js";

export interface WeightsFile {
  /** The safetensors file, absolute. */
  readonly path: string;
  /** As the spec writes it: what messages say. */
  readonly shown: string;
  /** What the checkpoint's manifest says of it; null for a file outside of checkpoints. */
  readonly sha256: string | null;
}

/**
 * The file that `text` names: a run folder (its best checkpoint, else its last), a run's `best` or
 * `last`, a checkpoint folder or a safetensors file; relative to `base`, or `npm:package/path`.
 * @throws DlcError `weights-not-found`, `damaged-weights`
 */
export async function locateWeights(text: string, base: string): Promise<WeightsFile> {
  const path = text.startsWith("npm:") ? packageFile(text, base) : resolve(base, text);
  const found = await stat(path).catch((error: unknown) => {
    throw notFound(text, systemCode(error) === "ENOENT" ? "does not exist" : reasonOf(error));
  });
  if (found.isDirectory()) {
    return isCheckpointName(basename(path)) ? ofCheckpoint(path, text) : ofRun(path, text);
  }
  const pointer = basename(path);
  if (pointer !== "best" && pointer !== "last") return { path, shown: text, sha256: null };
  const name = await readPointerFile(path);
  if (name === null) throw notFound(text, "does not name a checkpoint");
  return ofCheckpoint(join(dirname(path), checkpointsFolder, name), text);
}

function packageFile(text: string, base: string): string {
  try {
    return locate(text, base).path;
  } catch (error) {
    throw notFound(text, `cannot be found: ${reasonOf(error)}`);
  }
}

async function ofRun(run: string, shown: string): Promise<WeightsFile> {
  const names = await Promise.all([readPointer(run, "best"), readPointer(run, "last")]);
  const [newest = null] = await listCheckpoints(run);
  const name = names.find((one) => one !== null) ?? newest;
  if (name === null) throw notFound(shown, "holds no checkpoint");
  return ofCheckpoint(join(run, checkpointsFolder, name), shown);
}

async function ofCheckpoint(folder: string, shown: string): Promise<WeightsFile> {
  try {
    const { file, sha256 } = await listedWeights(checkpointFolder(folder));
    return { path: join(folder, file), shown, sha256 };
  } catch (error) {
    if (error instanceof CheckpointFault) throw damaged(shown, error.message);
    throw error;
  }
}

/**
 * Reads the header alone, whatever the tensors hold.
 * @throws DlcError `weights-not-found`, `not-safetensors`, `damaged-weights`
 */
export async function readWeightsHeader(file: WeightsFile): Promise<SafetensorsHeader> {
  return reading(file, headerOf);
}

/** What the run of this checkpoint knew of its data: classes, vocabularies, scales. null: nothing tells. */
export async function factsOfWeights({ path, sha256 }: WeightsFile): Promise<FittedFacts | null> {
  if (sha256 === null) return null;
  return readFacts(join(dirname(dirname(dirname(path))), "run.json"));
}

/** SHA-256 of the whole file, in pieces: it may be larger than memory. */
export async function hashWeights(file: WeightsFile): Promise<string> {
  return reading(file, async (handle) => {
    const hash = createHash("sha256");
    const piece = Buffer.alloc(1 << 20);
    for (let at = 0; ; ) {
      const { bytesRead } = await handle.read(piece, 0, piece.length, at);
      if (bytesRead === 0) return hash.digest("hex");
      hash.update(piece.subarray(0, bytesRead));
      at += bytesRead;
    }
  });
}

/** Calls `work` with the file's header and a reader of single tensors' bytes. */
export async function readingTensors<T>(
  file: WeightsFile,
  work: (
    header: SafetensorsHeader,
    read: (entry: TensorEntry) => Promise<Uint8Array>,
  ) => Promise<T>,
): Promise<T> {
  return reading(file, async (handle) => {
    const header = await headerOf(handle);
    return work(header, ({ begin, end }) => readBytes(handle, header.start + begin, end - begin));
  });
}

const openingBrace = 0x7b;

async function headerOf(handle: FileHandle): Promise<SafetensorsHeader> {
  const { size } = await handle.stat();
  const first = await readBytes(handle, 0, Math.min(lengthBytes + 1, size));
  // What is cut off still begins as the format does: with a length, then JSON of an object.
  if (first.length > lengthBytes && first[lengthBytes] !== openingBrace) {
    throw new SafetensorsError("not-safetensors", "it begins otherwise");
  }
  const end = headerEnd(first, size);
  return parseHeader(await readBytes(handle, 0, end), size, foreignWidths);
}

async function readBytes(handle: FileHandle, from: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await handle.read(bytes, done, length - done, from + done);
    if (bytesRead === 0) throw new SafetensorsError("too-short", "the file became shorter");
    done += bytesRead;
  }
  return bytes;
}

/** Opens without waiting (a named pipe would block for ever); links are followed, as caches use them. */
async function reading<T>(
  { path, shown }: WeightsFile,
  work: (handle: FileHandle) => Promise<T>,
): Promise<T> {
  let handle: FileHandle;
  try {
    handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    throw notFound(shown, `cannot be opened: ${reasonOf(error)}`);
  }
  try {
    if (!(await handle.stat()).isFile()) throw notFound(shown, "is not a regular file");
    return await work(handle);
  } catch (error) {
    if (!(error instanceof SafetensorsError)) throw error;
    throw error.fault === "not-safetensors" ? otherFormat(shown) : damaged(shown, error.message);
  } finally {
    await handle.close();
  }
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : "no reason");

function notFound(shown: string, reason: string): DlcError {
  return new DlcError("weights-not-found", `there are no weights: ${shown} ${reason}`, {
    place: shown,
    help: "Give a run folder (runs/<name>), its best or last file, a checkpoint folder or a .safetensors file, relative to the spec.",
  });
}

function otherFormat(shown: string): DlcError {
  return new DlcError("not-safetensors", `${shown} is not a safetensors file`, {
    place: shown,
    help: "Save the weights in the safetensors format: PyTorch and Keras models can be converted to it.",
  });
}

export function damaged(shown: string, reason: string): DlcError {
  return new DlcError("damaged-weights", `the weights of ${shown} are damaged: ${reason}`, {
    place: shown,
    help: "Save or download the file again, or use another checkpoint.",
  });
}
