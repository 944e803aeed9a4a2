/** @file The lock of a run folder keeps a second trainer out and outlives no process. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { acquireLock, lockName } from "../../runtime/checkpoint/lock.js";
import { runFolders } from "../support/tiny-runs.js";

const newRun = runFolders();
function folder(): string {
  const path = newRun();
  mkdirSync(path);
  return path;
}
const owner = (fields: object): string =>
  JSON.stringify({ pid: process.pid, host: hostname(), started: null, token: "", ...fields });
/** The pid of a process that has ended. */
const gone = (): number => spawnSync(process.execPath, ["-e", ""]).pid;

it("is held by one, given back, and leaves nothing behind", async () => {
  const path = folder();
  const lock = await acquireLock(path);
  await expect(acquireLock(path)).rejects.toMatchObject({ code: "run-busy", reason: "busy" });
  await lock.release();
  expect(readdirSync(path)).toEqual([]);
  await (await acquireLock(path)).release();
});

it("goes to exactly one of many who ask at once", async () => {
  for (let trial = 0; trial < 20; trial++) {
    const path = folder();
    const results = await Promise.allSettled(Array.from({ length: 6 }, () => acquireLock(path)));
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  }
});

it.each([
  ["of a process that has ended", () => owner({ pid: gone() })],
  ["of an earlier process with the same pid", () => owner({ started: "another boot:1" })],
  ["that says nothing", () => ""],
  ["that is no JSON", () => "{"],
  ["without an owner", () => "null"],
])("takes over a lock %s", async (_, text) => {
  const path = folder();
  writeFileSync(join(path, lockName), text());
  const lock = await acquireLock(path);
  expect(JSON.parse(readFileSync(join(path, lockName), "utf8"))).toMatchObject({
    pid: process.pid,
  });
  await lock.release();
  expect(readdirSync(path)).toEqual([]);
});

it("goes to exactly one of many who find a stale lock", async () => {
  const pid = gone();
  for (let trial = 0; trial < 20; trial++) {
    const path = folder();
    writeFileSync(join(path, lockName), owner({ pid }));
    const results = await Promise.allSettled(Array.from({ length: 6 }, () => acquireLock(path)));
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  }
});

it("believes a lock of another machine, and says how to remove it", async () => {
  const path = folder();
  writeFileSync(join(path, lockName), owner({ host: "elsewhere", pid: 1 }));
  await expect(acquireLock(path)).rejects.toMatchObject({
    message: expect.stringContaining("elsewhere"),
    help: expect.stringContaining(join(path, lockName)),
  });
});

it("does not remove a lock that somebody else has taken", async () => {
  const path = folder();
  const lock = await acquireLock(path);
  writeFileSync(join(path, lockName), owner({ token: "theirs" }));
  await lock.release();
  expect(existsSync(join(path, lockName))).toBe(true);
});
