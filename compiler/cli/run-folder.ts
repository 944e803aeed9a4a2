/** @file What the command line needs to know of a run folder: whose it is, and where its package lies. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DlcError } from "@dlc/runtime/errors";

/** Folder of packages inside a run folder; training writes the run's own one there. */
export const packagesFolder = (run: string): string => join(run, "package");

export interface RunIdentity {
  readonly name: string;
  readonly specHash: string;
}

/**
 * Whose run a folder holds, by its run.json; null if it holds none.
 * @throws DlcError `damaged-run`.
 */
export function readRun(folder: string): RunIdentity | null {
  const file = join(folder, "run.json");
  if (!existsSync(file)) return null;
  const text = readFileSync(file, "utf8");
  try {
    const { name, specHash } = JSON.parse(text) as Record<string, unknown>;
    const isName = typeof name === "string" && /^[a-z0-9][a-z0-9._-]*$/.test(name);
    if (isName && typeof specHash === "string") return { name, specHash };
  } catch {
    // Falls through: whatever is wrong with it, the run cannot be used.
  }
  throw new DlcError("damaged-run", "run.json of the run cannot be read", {
    place: file,
    help: "Start the run over: dlc train <spec> --fresh.",
  });
}

/**
 * Refuses, before anything is written, to train a spec in a folder that holds another run or somebody's
 * files. `fresh` discards a run, but not somebody's files.
 * @throws DlcError `not-a-run-folder`, `different-run`, `damaged-run`.
 */
export function requireUsable(folder: string, specHash: string, fresh: boolean): void {
  if (!existsSync(folder)) return;
  const names = readdirSync(folder);
  if (!names.includes("run.json")) {
    // A run that ended before it began leaves its package and its lock.
    const foreign = names.filter((name) => name !== "package" && !name.startsWith("."));
    if (foreign.length === 0) return;
    throw new DlcError("not-a-run-folder", "the folder has files in it but is not a run", {
      place: folder,
      help: "Choose another place with --runs <folder>, or move the files away.",
    });
  }
  if (fresh || readRun(folder)?.specHash === specHash) return;
  throw new DlcError("different-run", `the spec has changed since ${folder} was started`, {
    place: folder,
    help: "Start over with --fresh, train into another place with --runs <folder>, or undo the change.",
  });
}
