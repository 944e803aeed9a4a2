/** @file Runs in a page's storage: what a run folder holds, under the same names. */
import { type CheckpointOwner, checkpointsFolder } from "../checkpoint/store.js";
import { DlcError } from "../errors.js";
import {
  differences,
  parseDescription,
  type RunDescription,
  renderDescription,
  requireSame,
  runFile,
} from "../trainer/run-description.js";
import { metricsFile, readLog, renderRecord } from "../trainer/run-log.js";
import type { OpenRun, RunStore, RunWarning } from "../trainer/run-store.js";
import { type Storage, withStorage } from "./storage.js";
import { createStoredCheckpoints } from "./stored-checkpoints.js";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

export const createStoredRuns = (storage: Storage): RunStore => ({
  async openRun(run, description, owner, fresh) {
    const release = await withStorage("lock the run", run, () => storage.lock(run));
    if (release === null) {
      throw new DlcError("run-busy", "another call or page is training in this run", {
        place: run,
        reason: "busy",
        help: "Wait for it to end, or train into another run.",
      });
    }
    try {
      return await openLocked(storage, run, description, owner, fresh, release);
    } catch (error) {
      release();
      throw error;
    }
  },
});

async function openLocked(
  storage: Storage,
  run: string,
  description: RunDescription,
  owner: CheckpointOwner,
  fresh: boolean,
  release: () => void,
): Promise<OpenRun> {
  const log = `${run}/${metricsFile}`;
  const warnings = await withStorage("open the run", run, async () => {
    if ((await storage.read(run)) !== null) throw isFile(run);
    if (fresh) await clear(storage, run);
    return describe(storage, run, description);
  });
  return {
    path: run,
    warnings: storage.lasting ? warnings : [...warnings, inMemory],
    checkpoints: createStoredCheckpoints(storage, run, owner),
    checkpointPath: (name) => `${run}/${checkpointsFolder}/${name}`,
    resumeLog: (bytes) =>
      withStorage("read the metrics log", log, async () => {
        const content = (await storage.read(log)) ?? new Uint8Array();
        const found = readLog(content, bytes);
        if (found.bytes !== content.length) {
          await storage.change({ [log]: content.subarray(0, found.bytes) });
        }
        return found;
      }),
    appendLog: (record) =>
      withStorage("write the metrics log", log, async () => {
        const before = (await storage.read(log)) ?? new Uint8Array();
        const line = utf8(renderRecord(record));
        const content = new Uint8Array(before.length + line.length);
        content.set(before);
        content.set(line, before.length);
        await storage.change({ [log]: content });
        return content.length;
      }),
    release: async () => release(),
  };
}

const inMemory: RunWarning = {
  code: "run-in-memory",
  message: "this page has no IndexedDB: the run is kept in memory and is lost with the page",
};

/** Writes what a new run is started with; of one that is there, requires the same. */
async function describe(
  storage: Storage,
  run: string,
  description: RunDescription,
): Promise<readonly RunWarning[]> {
  const bytes = await storage.read(`${run}/${runFile}`);
  if (bytes === null) {
    await storage.change({ [`${run}/${runFile}`]: utf8(renderDescription(description)) });
    return [];
  }
  const previous = parseDescription(new TextDecoder().decode(bytes), `${run}/${runFile}`);
  requireSame(run, previous, description);
  return differences(previous, description);
}

async function clear(storage: Storage, run: string): Promise<void> {
  const checkpoints = await storage.list(`${run}/${checkpointsFolder}/`);
  const own = [metricsFile, "best", "last", runFile].map((name) => `${run}/${name}`);
  await storage.change(Object.fromEntries([...checkpoints, ...own].map((path) => [path, null])));
}

const isFile = (run: string): DlcError =>
  new DlcError("not-a-run-folder", "weights are kept under this name, not a run", {
    place: run,
    help: "Train into a run of another name.",
  });
