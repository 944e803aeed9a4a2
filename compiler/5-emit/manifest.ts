/** @file `.dlc/manifest.json` of a generated package: what dlc wrote, so that edits can be told apart. */
import type { CompiledModel } from "../compiled-model.js";
import { version } from "../version.js";
import { type Hashes, sha256 } from "./hashes.js";

export const manifestPath = ".dlc/manifest.json";

export interface Manifest {
  readonly format: 1;
  readonly name: string;
  readonly dlcVersion: string;
  readonly specHash: string;
  /** SHA-256 of each file by its path inside the package, `/` between folders. */
  readonly files: Readonly<Record<string, string>>;
  /**
   * Only while files are being replaced: the hashes they had before. A build that was killed half way
   * leaves it, and the next one takes either for its own.
   */
  readonly replacing?: Readonly<Record<string, string>>;
}

const sorted = (files: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1)));

export const manifestText = (manifest: Manifest): string =>
  `${JSON.stringify({ ...manifest, files: sorted(manifest.files) }, null, 2)}\n`;

export function createManifest(
  model: CompiledModel,
  hashes: Hashes,
  files: ReadonlyMap<string, string>,
): string {
  return manifestText({
    format: 1,
    name: model.spec.name,
    dlcVersion: version,
    specHash: hashes.spec,
    files: Object.fromEntries(Array.from(files, ([path, text]) => [path, sha256(text)])),
  });
}

/** A path that stays inside the package's folder on every system. */
const isPlainPath = (path: string): boolean =>
  path
    .split("/")
    .every((part) => /^[\w.-]+$/.test(part) && part !== "." && part !== ".." && part !== "");

const isHashes = (value: unknown): value is Readonly<Record<string, string>> =>
  typeof value === "object" &&
  value !== null &&
  Object.entries(value).every(
    ([path, hash]) => isPlainPath(path) && typeof hash === "string" && /^[0-9a-f]{64}$/.test(hash),
  );

/** A manifest found on disk, or null if it is none of ours: nothing in it is trusted before this. */
export function parseManifest(text: string): Manifest | null {
  try {
    const value = JSON.parse(text) as Manifest | null;
    if (typeof value !== "object" || value?.format !== 1 || !isHashes(value.files)) return null;
    return value.replacing === undefined || isHashes(value.replacing) ? value : null;
  } catch {
    return null;
  }
}
