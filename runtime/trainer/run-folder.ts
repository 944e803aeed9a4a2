/**
 * @file The folder of a run, `runs/<name>/`: what it was started with (run.json), its metrics log, its
 * checkpoints and its lock. Nothing outside the folder is ever touched.
 */
import { open, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { replaceFile, systemCode, withIo } from "../checkpoint/disk.js";
import { createCheckpointStore } from "../checkpoint/folder-store.js";
import { acquireLock, lockName } from "../checkpoint/lock.js";
import { type CheckpointOwner, checkpointsFolder } from "../checkpoint/store.js";
import { DlcError } from "../errors.js";
import { makeFolder } from "../folder.js";
import type { ModelDefinition } from "../spec.js";
import type { EpochRecord } from "./events.js";
import {
  differences,
  parseDescription,
  type RunDescription,
  renderDescription,
  requireSame,
  runFile,
} from "./run-description.js";
import { metricsFile, type RunLog, readLog, renderRecord } from "./run-log.js";
import type { OpenRun, RunStore } from "./run-store.js";
import { type Trained, type TrainOptions, trainIn } from "./train.js";

/** All that a run folder may hold; `fresh` deletes exactly these. */
const ownNames = [checkpointsFolder, metricsFile, "best", "last", runFile];
/** The command line keeps the generated package beside the run; it is neither read nor deleted here. */
const packageFolder = "package";

/**
 * Creates or opens a run folder and takes its lock.
 * @throws DlcError `run-busy`, `not-a-run-folder`, `damaged-run`, `different-run`, `file-operation-failed`.
 */
export async function openRunFolder(
  path: string,
  description: RunDescription,
  owner: CheckpointOwner,
  fresh: boolean,
): Promise<OpenRun> {
  await withIo("create the run folder", path, async () => makeFolder(path));
  const lock = await acquireLock(path);
  try {
    const warnings = await withIo("open the run folder", path, async () => {
      await tidy(path);
      if (fresh) await clear(path);
      const previous = fresh ? null : await readDescription(path);
      if (previous === null) {
        await replaceFile(join(path, runFile), renderDescription(description));
        return [];
      }
      requireSame(path, previous, description);
      return differences(previous, description);
    });
    const log = join(path, metricsFile);
    return {
      path,
      warnings,
      checkpoints: createCheckpointStore(path, owner),
      checkpointPath: (name) => join(path, checkpointsFolder, name),
      resumeLog: (bytes) => withIo("read the metrics log", log, () => resumeLog(log, bytes)),
      appendLog: (record) => withIo("write the metrics log", log, () => appendLog(log, record)),
      release: () => lock.release(),
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** Removes what a process that was killed while writing has left behind. */
async function tidy(path: string): Promise<void> {
  for (const name of await readdir(path)) {
    const [own = "", process_] = name.split(".tmp-");
    if (process_ !== undefined && ownNames.includes(own)) await rm(join(path, name));
    else if (name.startsWith(`${lockName}-`) && (await isOld(join(path, name)))) {
      await rm(join(path, name), { force: true });
    }
  }
}

/** Files beside the lock exist for an instant each; one that is a minute old belongs to nobody. */
async function isOld(path: string): Promise<boolean> {
  const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
  return Date.now() - mtimeMs > 60_000;
}

async function clear(path: string): Promise<void> {
  await refuseForeignFolder(path);
  for (const name of ownNames) {
    // run.json stays until it is replaced: it marks the folder as a run.
    if (name !== runFile) await rm(join(path, name), { recursive: true, force: true });
  }
}

/** A folder without run.json must be empty, lest a run mixes with somebody's files. */
async function refuseForeignFolder(path: string): Promise<void> {
  const entries = (await readdir(path)).filter(
    (name) => !name.startsWith(lockName) && name !== packageFolder,
  );
  if (entries.length === 0 || entries.includes(runFile)) return;
  if (entries.every((name) => ownNames.includes(name) || name.startsWith(`${runFile}.tmp-`)))
    return;
  throw new DlcError("not-a-run-folder", "the folder has files in it but is not a run", {
    place: path,
    help: "Choose another run folder, or an empty one.",
  });
}

async function readDescription(path: string): Promise<RunDescription | null> {
  let text: string;
  try {
    text = await readFile(join(path, runFile), "utf8");
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error;
    await refuseForeignFolder(path);
    return null;
  }
  return parseDescription(text, join(path, runFile));
}

async function resumeLog(path: string, bytes: number): Promise<RunLog> {
  const content = await readFile(path).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return new Uint8Array();
    throw error;
  });
  const log = readLog(content, bytes);
  if (log.bytes !== content.length) await truncateDurably(path, log.bytes);
  return log;
}

async function truncateDurably(path: string, length: number): Promise<void> {
  const file = await open(path, "r+");
  try {
    await file.truncate(length);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function appendLog(path: string, record: EpochRecord): Promise<number> {
  const file = await open(path, "a");
  try {
    await file.writeFile(renderRecord(record));
    await file.sync();
    return (await file.stat()).size;
  } finally {
    await file.close();
  }
}

/** Runs in folders. */
export const runFolders: RunStore = { openRun: openRunFolder };

/** Trains in a run folder: see `trainIn`. */
export const train = (definition: ModelDefinition, options: TrainOptions): Promise<Trained> =>
  trainIn({ runs: runFolders }, definition, options);
