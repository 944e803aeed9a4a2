/** @file Making folders. */
import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

const codeOf = (error: unknown): unknown => (error as { code?: unknown } | null)?.code;

const isFolder = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

function notFolder(path: string, cause: unknown): Error {
  const error = new Error(`not a folder: ${path}`, { cause });
  return Object.assign(error, { code: "ENOTDIR", path });
}

/**
 * Makes a folder and those above it; nothing if it is there. Node's own recursive mkdir never returns
 * where a file system denies new names with ENOENT, as /proc does.
 * @throws the system's error; ENOTDIR where a file stands in its place.
 */
export function makeFolder(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    if (codeOf(error) === "EEXIST" && isFolder(path)) return;
    if (codeOf(error) === "EEXIST") throw notFolder(path, error);
    const parent = dirname(path);
    if (codeOf(error) !== "ENOENT" || parent === path || isFolder(parent)) throw error;
    makeFolder(parent);
    mkdirSync(path);
  }
}
