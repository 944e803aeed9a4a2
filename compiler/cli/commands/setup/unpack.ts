/** @file Takes libraries and headers out of a wheel; every file is checked against the wheel's own record. */
import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { makeFolder } from "@dlc/runtime/folder";
import { checkInterrupted, Interrupted } from "../../tool.js";
import { wheelDamaged } from "./problems.js";
import { headerFolders, libraries } from "./releases.js";
import { BadZip, entryText, openEntry, readEntries, type ZipEntry } from "./zip.js";

export interface Unpacking {
  readonly signal: AbortSignal | undefined;
  /** Told of each library before it is unpacked. */
  readonly onLibrary: (name: string, size: number) => void;
}

export interface Unpacked {
  /** What the wheel names as its extra "and-cuda": requirements as pip takes them. */
  readonly cudaRequirements: readonly string[];
}

const isWanted = ({ name }: ZipEntry): boolean =>
  !name.endsWith("/") &&
  (libraries.some((library) => name === `tensorflow/${library}`) ||
    headerFolders.some((folder) => name.startsWith(folder)));

/** Names in archives may try to lead elsewhere. */
const isSafe = (name: string): boolean =>
  !name.split(/[/\\]/).some((part) => part === "" || part === "." || part === "..");

/** SHA-256 by path, in base64 as the record has it (PEP 376: `path,sha256=<urlsafe base64>,size`). */
function recordOf(text: string): ReadonlyMap<string, string> {
  const lines = text.split(/\r?\n/).map((line) => /^([^",]+),sha256=([\w-]+),\d+$/.exec(line));
  return new Map(lines.flatMap((found) => (found ? [[found[1] ?? "", found[2] ?? ""]] : [])));
}

/** `Requires-Dist: nvidia-cublas-cu12<13.0,>=12.5.3.2; extra == "and-cuda"` */
const cudaRequirementsOf = (metadata: string): readonly string[] =>
  metadata
    .split(/\r?\n/)
    .map((line) => /^Requires-Dist: (nvidia-[\w.<>=,!~-]+); extra == "and-cuda"$/.exec(line))
    .flatMap((found) => (found?.[1] === undefined ? [] : [found[1]]));

async function extract(
  file: FileHandle,
  entry: ZipEntry,
  target: string,
  expected: string | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (expected === undefined) throw new BadZip(`its record does not list ${entry.name}`);
  makeFolder(dirname(target));
  const hash = createHash("sha256");
  const hashing = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  const source = await openEntry(file, entry);
  await pipeline(source, hashing, createWriteStream(target, { mode: 0o644 }), { signal });
  if (hash.digest("base64url") !== expected) throw new BadZip(`${entry.name} is damaged`);
}

/**
 * Unpacks what the addon needs of a wheel into `folder/tensorflow`.
 * @throws DlcError "setup-wheel-damaged"; Interrupted.
 */
export async function unpackWheel(
  wheel: string,
  folder: string,
  { signal, onLibrary }: Unpacking,
): Promise<Unpacked> {
  const file = await open(wheel, "r");
  try {
    const entries = await readEntries(file);
    const inInfo = (name: string): ZipEntry => {
      const found = entries.find((entry) => entry.name.endsWith(`.dist-info/${name}`));
      if (found === undefined) throw new BadZip(`it has no ${name}`);
      return found;
    };
    const record = recordOf(await entryText(file, inInfo("RECORD")));
    const wanted = entries.filter((entry) => isWanted(entry) && isSafe(entry.name));
    const names = new Set(wanted.map(({ name }) => basename(name)));
    const missing = libraries.find((library) => !names.has(library));
    if (missing !== undefined) throw new BadZip(`it has no ${missing}`);
    for (const entry of wanted) {
      checkInterrupted(signal);
      const name = basename(entry.name);
      if (libraries.includes(name)) onLibrary(name, entry.size);
      await extract(file, entry, join(folder, entry.name), record.get(entry.name), signal);
    }
    const metadata = await entryText(file, inInfo("METADATA"));
    return { cudaRequirements: cudaRequirementsOf(metadata) };
  } catch (error) {
    throw translated(error, wheel, signal);
  } finally {
    await file.close();
  }
}

/** What the zip reader and zlib find is the wheel's fault. */
function translated(error: unknown, wheel: string, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return new Interrupted("interrupted");
  const code = String((error as { code?: unknown } | null)?.code ?? "");
  if (error instanceof BadZip || code.startsWith("Z_")) {
    return wheelDamaged(wheel, (error as Error).message);
  }
  return error;
}
