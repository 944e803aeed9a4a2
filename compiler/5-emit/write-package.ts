/**
 * @file Puts an emitted package into its folder: only there, each file atomically, and never over
 * something that dlc did not write or that was edited since.
 */
import { randomBytes } from "node:crypto";
import {
  lstatSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { systemReason } from "@dlc/runtime/errors";
import { makeFolder } from "@dlc/runtime/folder";
import type { Diagnostic } from "../diagnostics/diagnostic.js";
import { Diagnostics } from "../diagnostics/report.js";
import type { EmittedPackage } from "./emit-package.js";
import { sha256 } from "./hashes.js";
import { type Manifest, manifestPath, manifestText, parseManifest } from "./manifest.js";
import { unifiedDiff } from "./unified-diff.js";

export interface WriteOptions {
  /** Overwrite files that were edited or that are not ours. */
  readonly force?: boolean;
  /** Write nothing, only compare. */
  readonly check?: boolean;
}

/** A file whose content is not what the spec gives. */
export interface Drift {
  /** Path inside the package. */
  readonly path: string;
  /** missing: not there; changed: other content; stale: of an earlier build, no longer generated. */
  readonly kind: "missing" | "changed" | "stale";
  /** From what is there to what would be written, in unified format. */
  readonly diff: string;
}

export interface WriteResult {
  /** The package's folder, absolute. */
  readonly folder: string;
  readonly written: readonly string[];
  readonly removed: readonly string[];
  readonly unchanged: readonly string[];
  /** What differed before writing; all there is with `check`. The manifest itself is not listed. */
  readonly drift: readonly Drift[];
  /** Errors if nothing was written because something stood in the way. */
  readonly diagnostics: readonly Diagnostic[];
}

/** What stands at a path: nothing, a regular file with its bytes, or something else. */
type Found =
  | { readonly kind: "nothing" }
  | { readonly kind: "file"; readonly bytes: Buffer }
  | { readonly kind: "other" };

const errorCode = (error: unknown): string | undefined =>
  (error as NodeJS.ErrnoException | null)?.code;

function kindOf(path: string): "nothing" | "file" | "folder" | "other" {
  try {
    const stat = lstatSync(path);
    return stat.isFile() ? "file" : stat.isDirectory() ? "folder" : "other";
  } catch (error) {
    const code = errorCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return "nothing";
    throw error;
  }
}

/** Looks at `path` inside `folder` without following any link below the folder. */
function find(folder: string, path: string): Found {
  const parts = path.split("/");
  let place = folder;
  for (const part of parts.slice(0, -1)) {
    place = join(place, part);
    const kind = kindOf(place);
    if (kind === "nothing") return { kind };
    if (kind !== "folder") return { kind: "other" };
  }
  place = join(place, parts.at(-1) ?? "");
  const kind = kindOf(place);
  if (kind === "nothing") return { kind };
  return kind === "file" ? { kind, bytes: readFileSync(place) } : { kind: "other" };
}

/** Temporary file, then rename: a reader sees the old content or the new one, never a part. */
function replaceFile(folder: string, path: string, text: string): void {
  const target = join(folder, path);
  makeFolder(dirname(target));
  const temporary = `${target}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    writeFileSync(temporary, text, { flag: "wx" });
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** Removes a folder if it is empty. */
function prune(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    const code = errorCode(error);
    if (code !== "ENOTEMPTY" && code !== "EEXIST" && code !== "ENOENT") throw error;
  }
}

interface Comparison {
  readonly drift: readonly Drift[];
  readonly unchanged: readonly string[];
  readonly removed: readonly string[];
}

/** Compares the package with its folder and reports what may not be overwritten. */
function compare(
  { files }: EmittedPackage,
  folder: string,
  old: Manifest | null,
  force: boolean,
  diagnostics: Diagnostics,
): Comparison {
  const drift: Drift[] = [];
  const unchanged: string[] = [];
  const removed: string[] = [];
  /** A file may be replaced or removed if its content is what an earlier build wrote. */
  const protect = (path: string, bytes: Buffer): void => {
    const hashes = [lookUp(old?.files, path), lookUp(old?.replacing, path)];
    if (force || path === manifestPath || hashes.includes(sha256(bytes))) return;
    const known = hashes.some((hash) => hash !== undefined);
    const code = known ? "output-edited" : "output-not-ours";
    diagnostics.report(code, null, { file: join(folder, path) });
  };
  for (const [path, text] of files) {
    const found = find(folder, path);
    if (found.kind === "other") {
      diagnostics.report("output-not-a-file", null, { file: join(folder, path) });
    } else if (found.kind === "nothing") {
      drift.push({ path, kind: "missing", diff: unifiedDiff(path, null, text) });
    } else if (found.bytes.equals(Buffer.from(text))) {
      unchanged.push(path);
    } else {
      const before = found.bytes.toString("utf8");
      drift.push({ path, kind: "changed", diff: unifiedDiff(path, before, text) });
      protect(path, found.bytes);
    }
  }
  const earlier = Object.keys({ ...old?.replacing, ...old?.files });
  for (const path of earlier.filter((path) => !files.has(path))) {
    const found = find(folder, path);
    if (found.kind !== "file") continue;
    const before = found.bytes.toString("utf8");
    drift.push({ path, kind: "stale", diff: unifiedDiff(path, before, null) });
    removed.push(path);
    protect(path, found.bytes);
  }
  return { drift, unchanged, removed };
}

const lookUp = (
  files: Readonly<Record<string, string>> | undefined,
  path: string,
): string | undefined =>
  files !== undefined && Object.hasOwn(files, path) ? files[path] : undefined;

/**
 * Writes the package into `<outDir>/<name>/`. Files that are equal already are left untouched; files of
 * an earlier build that are no longer generated are removed. If anything stands in the way, nothing is
 * written and `diagnostics` says what.
 */
export function writePackage(
  emitted: EmittedPackage,
  outDir: string,
  options: WriteOptions = {},
): WriteResult {
  const diagnostics = new Diagnostics();
  const outer = resolve(outDir);
  try {
    return write(emitted, outer, options, diagnostics);
  } catch (error) {
    // What the system refuses is the user's affair; anything else is a fault of dlc.
    if (!(error instanceof Error) || errorCode(error) === undefined) throw error;
    const folder = join(outer, emitted.name);
    const reason = systemReason(error) ?? error.message;
    diagnostics.report("output-not-writable", null, { folder, reason });
    return nothing(folder, diagnostics);
  }
}

function write(
  emitted: EmittedPackage,
  outer: string,
  { force = false, check = false }: WriteOptions,
  diagnostics: Diagnostics,
): WriteResult {
  if (!check) makeFolder(outer);
  // The folder above may be reached through links; below it none is followed.
  const folder = join(kindOf(outer) === "nothing" ? outer : realpathSync(outer), emitted.name);
  const kind = kindOf(folder);
  if (kind !== "nothing" && kind !== "folder") {
    diagnostics.report("output-not-a-file", null, { file: folder });
    return nothing(folder, diagnostics);
  }
  const foundManifest = find(folder, manifestPath);
  const old =
    foundManifest.kind === "file" ? parseManifest(foundManifest.bytes.toString("utf8")) : null;
  const found = compare(emitted, folder, old, force || check, diagnostics);
  const { unchanged, removed } = found;
  const drift = found.drift.filter(({ path }) => path !== manifestPath);
  if (check || diagnostics.hasErrors) {
    return { ...nothing(folder, diagnostics), unchanged, drift };
  }
  const written = found.drift.filter(({ kind }) => kind !== "stale").map(({ path }) => path);
  if (written.length > 0 || removed.length > 0) apply(emitted, folder, old, written, removed);
  return { folder, written, removed, unchanged, drift, diagnostics: diagnostics.all };
}

const nothing = (folder: string, diagnostics: Diagnostics): WriteResult => ({
  folder,
  written: [],
  removed: [],
  unchanged: [],
  drift: [],
  diagnostics: diagnostics.all,
});

function apply(
  { files }: EmittedPackage,
  folder: string,
  old: Manifest | null,
  written: readonly string[],
  removed: readonly string[],
): void {
  const text = files.get(manifestPath) ?? "";
  const manifest = parseManifest(text);
  if (manifest !== null && old !== null) {
    // Announced first, so that a build that dies half way leaves nothing that looks edited.
    const replacing = { ...old.replacing, ...old.files };
    replaceFile(folder, manifestPath, manifestText({ ...manifest, replacing }));
  }
  for (const path of written) {
    if (path !== manifestPath) replaceFile(folder, path, files.get(path) ?? "");
  }
  for (const path of removed) {
    rmSync(join(folder, path));
    for (let parent = dirname(path); parent !== "."; parent = dirname(parent)) {
      prune(join(folder, parent));
    }
  }
  replaceFile(folder, manifestPath, text);
}
