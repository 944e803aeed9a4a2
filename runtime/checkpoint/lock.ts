/**
 * @file The lock of a run folder: one trainer at a time. The file names its owner, so that the lock of
 * a killed process is recognised and taken over.
 */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { DlcError } from "../errors.js";
import { systemCode, withIo } from "./disk.js";

export const lockName = ".lock";

interface Owner {
  readonly pid: number;
  readonly host: string;
  /** Tells a process from a later one with the same pid; null where the system does not say. */
  readonly started: string | null;
  readonly token: string;
}

export interface Lock {
  /** Gives the folder free; does nothing if the lock is no longer ours. */
  release(): Promise<void>;
}

/**
 * Takes the lock of a folder that exists.
 * @throws DlcError `run-busy` (exit 75) while a living process holds it.
 */
export async function acquireLock(folder: string): Promise<Lock> {
  const path = join(folder, lockName);
  return withIo("lock the run folder", path, async () => {
    const owner: Owner = {
      pid: process.pid,
      host: hostname(),
      started: startOf(process.pid),
      token: randomUUID(),
    };
    const text = JSON.stringify(owner);
    // Each round either creates the lock, finds a living owner, or clears one stale lock away.
    for (let round = 0; round < 20; round++) {
      if ((await tryCreate(path, text)) && (await readLock(path)) === text) {
        return {
          release: async () => {
            if ((await readLock(path)) === text) await rm(path, { force: true });
          },
        };
      }
      const current = await readLock(path);
      if (current === null) continue;
      const holder = parseOwner(current);
      if (holder !== null && isAlive(holder)) throw busy(folder, holder);
      await clearStale(path, current);
    }
    throw busy(folder, null);
  });
}

/** Creates the lock with its content in one step: a written file is linked to the name, if that is free. */
async function tryCreate(path: string, text: string): Promise<boolean> {
  const own = `${path}-${randomUUID()}`;
  await writeFile(own, text, { flag: "wx" });
  try {
    await link(own, path);
    return true;
  } catch (error) {
    if (systemCode(error) === "EEXIST") return false;
    throw error;
  } finally {
    await rm(own, { force: true });
  }
}

async function readLock(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return null;
    throw error;
  }
}

/**
 * Removes a lock whose owner is gone. Between reading and moving it, another process may have put
 * its own there; that one is put back.
 */
async function clearStale(path: string, stale: string): Promise<void> {
  const aside = `${path}-${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return;
    throw error;
  }
  if ((await readLock(aside)) !== stale) await link(aside, path).catch(() => {});
  await rm(aside, { force: true });
}

function parseOwner(text: string): Owner | null {
  try {
    const value = JSON.parse(text) as Partial<Owner> | null;
    return typeof value?.pid === "number" && typeof value.host === "string"
      ? { pid: value.pid, host: value.host, started: value.started ?? null, token: "" }
      : null;
  } catch {
    return null;
  }
}

function isAlive(owner: Owner): boolean {
  // Another machine's processes cannot be looked up: believe the file.
  if (owner.host !== hostname()) return true;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if (systemCode(error) === "ESRCH") return false;
  }
  const started = startOf(owner.pid);
  return owner.started === null || started === null || started === owner.started;
}

/** When a process started, as boot and clock ticks since boot; null where the system does not say. */
function startOf(pid: number): string | null {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the program's name in brackets and may hold spaces; starttime is the 22nd.
    const ticks = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
    return ticks === undefined ? null : `${boot}:${ticks}`;
  } catch {
    return null;
  }
}

function busy(folder: string, owner: Owner | null): DlcError {
  const who = owner === null ? "another process" : `process ${owner.pid} on ${owner.host}`;
  return new DlcError("run-busy", `${who} is training in this run folder`, {
    place: folder,
    reason: "busy",
    help: `Wait for it to end, or train into another run folder. If it certainly no longer runs, delete ${join(folder, lockName)}.`,
  });
}
