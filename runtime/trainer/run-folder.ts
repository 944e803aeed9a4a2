/**
 * @file The folder of a run, `runs/<name>/`: what it was started with (run.json), its metrics log, its
 * checkpoints and its lock. Nothing outside the folder is ever touched.
 */
import { open, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { replaceFile, systemCode, withIo } from "../checkpoint/disk.js";
import { factDifferences, factsOf } from "../checkpoint/facts.js";
import { acquireLock, lockName } from "../checkpoint/lock.js";
import { checkpointsFolder } from "../checkpoint/store.js";
import { isRecord, parseStrictJson } from "../checkpoint/strict-json.js";
import { DlcError } from "../errors.js";
import { makeFolder } from "../folder.js";
import type { FittedFacts, ModelDefinition, TrainSpec } from "../spec.js";
import type { EpochRecord } from "./events.js";

const runFile = "run.json";
const metricsFile = "metrics.ndjson";
/** All that a run folder may hold; `fresh` deletes exactly these. */
const ownNames = [checkpointsFolder, metricsFile, "best", "last", runFile];
/** The command line keeps the generated package beside the run; it is neither read nor deleted here. */
const packageFolder = "package";

/** What a run was started with. A resumed run must agree, or its result would belong to no one spec. */
export interface RunDescription {
  readonly name: string;
  readonly dlc: string;
  readonly node: string;
  readonly specHash: string;
  readonly stateHash: string;
  readonly settings: TrainSpec;
  readonly engine: { readonly name: string; readonly device: string; readonly threads: number };
  readonly examples: { readonly train: number; readonly validation: number };
  /** Classes and scales; absent in runs of earlier versions. */
  readonly facts?: FittedFacts;
  /** SHA-256 over the training and validation data; absent or null: unknown. */
  readonly dataHash?: string | null;
  /** SHA-256 of the weights that training started from; null: from initial values. */
  readonly startedFrom: string | null;
}

export function describeRun(
  definition: ModelDefinition,
  rest: Pick<RunDescription, "settings" | "engine" | "examples" | "dataHash" | "startedFrom">,
): RunDescription {
  return {
    name: definition.name,
    dlc: definition.dlcVersion,
    node: process.versions.node,
    specHash: definition.specHash,
    stateHash: definition.stateHash,
    facts: factsOf(definition),
    ...rest,
  };
}

export interface RunFolder {
  readonly path: string;
  /** Conditions that do not stop the run but that its user should know. */
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
  /** Cuts the metrics log to the part that a checkpoint vouches for, and reads it. */
  resumeLog(bytes: number): Promise<{ records: EpochRecord[]; bytes: number; damaged: number }>;
  /** Appends a line; resolves to the length of the log once it is on the disk. */
  appendLog(record: EpochRecord): Promise<number>;
  release(): Promise<void>;
}

/**
 * Creates or opens a run folder and takes its lock.
 * @throws DlcError `run-busy`, `not-a-run-folder`, `damaged-run`, `different-run`, `file-operation-failed`.
 */
export async function openRunFolder(
  path: string,
  description: RunDescription,
  fresh: boolean,
): Promise<RunFolder> {
  await withIo("create the run folder", path, async () => makeFolder(path));
  const lock = await acquireLock(path);
  try {
    const warnings = await withIo("open the run folder", path, async () => {
      await tidy(path);
      if (fresh) await clear(path);
      const previous = fresh ? null : await readDescription(path);
      if (previous === null) {
        await replaceFile(join(path, runFile), `${JSON.stringify(description, null, 2)}\n`);
        return [];
      }
      requireSame(path, previous, description);
      return differences(previous, description);
    });
    const log = join(path, metricsFile);
    return {
      path,
      warnings,
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
  try {
    const value = parseStrictJson(text);
    if (isRecord(value) && isRecord(value.settings) && isRecord(value.engine)) {
      return value as unknown as RunDescription;
    }
  } catch {
    // Falls through: whatever is wrong with it, the run cannot be continued.
  }
  throw new DlcError("damaged-run", `${runFile} of the run cannot be read`, {
    place: join(path, runFile),
    help: "Start the run over with --fresh.",
  });
}

/** Changed facts that a message lists. */
const shownFacts = 3;

/** Settings that may change between two calls: more epochs, and how often to save. */
const changeable: ReadonlySet<string> = new Set(["epochs", "checkpoint"]);

function requireSame(path: string, before: RunDescription, now: RunDescription): void {
  const reasons: string[] = [];
  if (before.stateHash !== now.stateHash) reasons.push("the model has other weights");
  else if (before.specHash !== now.specHash) reasons.push("the spec has changed");
  for (const key of Object.keys(now.settings) as (keyof TrainSpec)[]) {
    if (changeable.has(key)) continue;
    const [old, new_] = [canonical(before.settings[key]), canonical(now.settings[key])];
    if (old !== new_) reasons.push(`${key} was ${old}, is ${new_}`);
  }
  if (canonical(before.examples) !== canonical(now.examples)) {
    reasons.push(`the data had ${countOf(before)}, has ${countOf(now)}`);
  }
  const dataChanged = dataDifference(before, now);
  reasons.push(...dataChanged);
  if (before.startedFrom !== now.startedFrom) reasons.push("it started from other weights");
  if (reasons.length === 0) return;
  throw new DlcError(
    "different-run",
    `the run folder belongs to another run of ${before.name}: ${reasons.join("; ")}`,
    {
      place: path,
      help:
        reasons.length === dataChanged.length
          ? "Put the data back as they were, start over with --fresh, or train into another run folder with --runs <folder>."
          : "Start over with --fresh, train into another run folder with --runs <folder>, or undo the change.",
    },
  );
}

/** What the data say differently: a fact of them where one tells, else only that they changed. */
function dataDifference(before: RunDescription, now: RunDescription): readonly string[] {
  const facts = before.facts === undefined ? [] : factDifferences(before.facts, now.facts ?? {});
  if (facts.length > shownFacts) {
    return [...facts.slice(0, shownFacts), `${facts.length - shownFacts} more facts of the data`];
  }
  if (facts.length > 0) return facts;
  const known = before.dataHash != null && now.dataHash != null;
  return known && before.dataHash !== now.dataHash ? ["the content of the data has changed"] : [];
}

function countOf({ examples }: RunDescription): string {
  return `${examples.train} training and ${examples.validation} validation examples`;
}

function differences(before: RunDescription, now: RunDescription): RunFolder["warnings"] {
  const [old, new_] = [before.engine, now.engine].map(
    ({ name, device, threads }) => `${name}:${device} with ${threads} threads`,
  );
  if (old === new_) return [];
  return [
    {
      code: "engine-changed",
      message: `the run was started on ${old} and continues on ${new_}: its result will differ in the last digits`,
    },
  ];
}

/** JSON with sorted keys. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) =>
    isRecord(item) ? Object.fromEntries(Object.entries(item).sort()) : item,
  );
}

async function resumeLog(
  path: string,
  bytes: number,
): Promise<{ records: EpochRecord[]; bytes: number; damaged: number }> {
  const content = await readFile(path).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return Buffer.alloc(0);
    throw error;
  });
  const whole = content.subarray(0, content.subarray(0, bytes).lastIndexOf(0x0a) + 1);
  if (whole.length !== content.length) await truncateDurably(path, whole.length);
  const lines = whole
    .toString("utf8")
    .split("\n")
    .filter((line) => line !== "");
  const records = lines.map(readRecord).filter((record) => record !== null);
  return { records, bytes: whole.length, damaged: lines.length - records.length };
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
    await file.writeFile(`${JSON.stringify(record)}\n`);
    await file.sync();
    return (await file.stat()).size;
  } finally {
    await file.close();
  }
}

/** A line of the log; null if it is none. */
function readRecord(line: string): EpochRecord | null {
  try {
    const value: unknown = parseStrictJson(line);
    const { epoch, step, learningRate, train, validation } = Object(value) as Partial<EpochRecord>;
    const numbers = [epoch, step, learningRate].every((item) => typeof item === "number");
    if (!numbers || !isRecord(train) || (validation !== null && !isRecord(validation))) return null;
    return reviveRecord(value as EpochRecord);
  } catch {
    return null;
  }
}

/** JSON writes NaN as null. */
function reviveRecord(record: EpochRecord): EpochRecord {
  const revive = (values: EpochRecord["train"]): EpochRecord["train"] =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value ?? Number.NaN]));
  return {
    ...record,
    train: revive(record.train),
    validation: record.validation === null ? null : revive(record.validation),
  };
}
