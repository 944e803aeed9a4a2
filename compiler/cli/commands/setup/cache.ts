/**
 * @file TensorFlow's libraries in a folder of the user, shared by all projects: made beside its place and
 * moved there when it is complete, so that a setup that was killed leaves nothing that looks finished.
 */
import { createHash } from "node:crypto";
import { createReadStream, existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { rename, rm, statfs, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, isAbsolute, join } from "node:path";
import { makeFolder } from "@dlc/runtime/folder";
import { bytes } from "../../table.js";
import { checkInterrupted } from "../../tool.js";
import { installCuda } from "./cuda.js";
import { fetchWheel } from "./download.js";
import { noSpace, wheelDamaged } from "./problems.js";
import { cudaBytes, type Kind, libraries, tensorflowVersion, wheels } from "./releases.js";
import { unpackWheel } from "./unpack.js";

/** Where libraries are kept: `$XDG_CACHE_HOME/dlc/tensorflow/<version>-<kind>`, or in `~/.cache`. */
export function libraryFolder(kind: Kind, env: NodeJS.ProcessEnv = process.env): string {
  const given = env.XDG_CACHE_HOME ?? "";
  // The base directory specification: relative paths are invalid and to be ignored.
  const base = isAbsolute(given) ? given : join(homedir(), ".cache");
  return join(base, "dlc", "tensorflow", `${tensorflowVersion}-${kind}`);
}

/** Written as the last file of a folder. */
const seal = "complete.json";

export const isComplete = (folder: string): boolean =>
  [seal, ...libraries.map((name) => join("tensorflow", name))].every((file) =>
    existsSync(join(folder, file)),
  );

/** The nearest folder above that exists, itself included. */
function nearest(folder: string): string {
  return existsSync(folder) || dirname(folder) === folder ? folder : nearest(dirname(folder));
}

/** Checks that a folder, which need not exist yet, has room. @throws DlcError "setup-no-space" */
export async function checkSpace(folder: string, needed: number): Promise<void> {
  const { bavail, bsize } = await statfs(nearest(folder));
  const free = bavail * bsize;
  if (free < needed) throw noSpace(folder, needed, free);
}

/** What making the folder takes for a while: the wheel beside what is unpacked from it. */
export const spaceFor = (kind: Kind, ownWheel: boolean): number =>
  wheels[kind].unpackedBytes +
  (ownWheel ? 0 : wheels[kind].bytes) +
  (kind === "gpu" ? cudaBytes : 0);

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Removes what setups left that were killed. */
function removeRemains(place: string): void {
  const folder = dirname(place);
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    const pid = /\.tmp-(\d+)$/.exec(name)?.[1];
    if (pid === undefined || isRunning(Number(pid))) continue;
    rmSync(join(folder, name), { recursive: true, force: true });
  }
}

async function sha256(file: string, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
    checkInterrupted(signal);
    hash.update(chunk as Buffer);
  }
  return hash.digest("hex");
}

/** A wheel that was downloaded must be the pinned one; a file of the user's too, if it has its name. */
async function checkWheel(
  file: string,
  kind: Kind,
  signal: AbortSignal | undefined,
): Promise<string> {
  const found = await sha256(file, signal);
  const known = Object.values(wheels).find((release) => release.file === basename(file));
  if (known !== undefined && found !== known.sha256) {
    throw wheelDamaged(file, `its SHA-256 is ${found}, and ${known.sha256} is published`);
  }
  if (known !== undefined && known !== wheels[kind]) {
    throw wheelDamaged(
      file,
      `it is a wheel of ${known.project}, and ${wheels[kind].project} is needed`,
    );
  }
  return found;
}

export interface LibrariesOptions {
  readonly kind: Kind;
  /** A wheel that the user has; default: download it. */
  readonly wheel: string | undefined;
  readonly signal: AbortSignal | undefined;
  readonly say: (line: string) => void;
}

/**
 * The folder with TensorFlow's libraries and headers; made if it is not there.
 * @throws DlcError "setup-no-space", "setup-download-failed", "setup-tool-missing", "setup-wheel-damaged";
 * Interrupted.
 */
export async function prepareLibraries(options: LibrariesOptions): Promise<string> {
  const { kind, signal, say } = options;
  const place = libraryFolder(kind);
  removeRemains(place);
  if (isComplete(place)) {
    say(`TensorFlow ${tensorflowVersion} is in ${place}`);
    return place;
  }
  await checkSpace(place, spaceFor(kind, options.wheel !== undefined));
  const temporary = `${place}.tmp-${process.pid}`;
  makeFolder(temporary);
  try {
    const wheel = options.wheel ?? (await fetchWheel(wheels[kind], temporary, signal, say));
    say(`checking ${basename(wheel)} (${bytes(statSync(wheel).size)})`);
    const digest = await checkWheel(wheel, kind, signal);
    const { cudaRequirements } = await unpackWheel(wheel, temporary, {
      signal,
      onLibrary: (name, size) => say(`unpacking ${name} (${bytes(size)})`),
    });
    if (options.wheel === undefined) await rm(wheel);
    if (kind === "gpu") await installCuda(cudaRequirements, temporary, signal, say);
    await rm(join(temporary, "pip"), { recursive: true, force: true });
    const facts = { tensorflow: tensorflowVersion, wheel: basename(wheel), sha256: digest };
    await writeFile(join(temporary, seal), `${JSON.stringify(facts, null, 2)}\n`);
    checkInterrupted(signal);
    await moveInto(temporary, place);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return place;
}

/** Another setup may have been faster: then its folder stays. */
async function moveInto(temporary: string, place: string): Promise<void> {
  if (!isComplete(place)) await rm(place, { recursive: true, force: true });
  try {
    await rename(temporary, place);
  } catch (error) {
    if (!isComplete(place)) throw error;
  }
}
