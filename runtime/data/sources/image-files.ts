/** @file Finds the images of a folder per class: in subfolders, too, and behind symbolic links. */
import { type Dirent, realpathSync, statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { systemReason } from "../../errors.js";
import { DataError } from "../errors.js";
import type { DataPath } from "../path.js";

const extension = /\.(png|jpe?g|webp)$/i;

export interface ImageFile extends DataPath {
  readonly label: string;
}

interface Entry {
  readonly name: string;
  readonly kind: "file" | "folder" | "other";
}

/** By code units: the same order on every machine. */
const inOrder = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Every image of every class folder, by the names of classes and then of files. */
export async function listImages(folder: DataPath): Promise<readonly ImageFile[]> {
  // A package must not lead out of its folder.
  const links = !folder.shown.startsWith("npm:");
  const classes = (await entriesOf(folder, links)).filter(({ kind }) => kind === "folder");
  const files: ImageFile[] = [];
  for (const { name: label } of classes) {
    const shown = `${folder.shown}/${label}`;
    const own = await imagesBelow({ path: join(folder.path, label), shown }, links, new Set());
    if (own.length === 0) {
      throw new DataError("empty-class", `the folder ${label} holds no images`, {
        place: shown,
        help: "Each folder is a class: put PNG, JPEG or WebP files into it, or remove it.",
      });
    }
    for (const file of own) files.push({ ...file, label });
  }
  if (files.length > 0) return files;
  throw new DataError("no-rows", `${folder.shown} has no folders of images`, {
    place: folder.shown,
    help: "Make one folder per class, named like the class, and put its images there.",
  });
}

/** `visited`: real paths, as links may lead in a circle. */
async function imagesBelow(
  folder: DataPath,
  links: boolean,
  visited: Set<string>,
): Promise<readonly DataPath[]> {
  const real = realpathSync(folder.path);
  if (visited.has(real)) return [];
  visited.add(real);
  const found: DataPath[] = [];
  for (const { name, kind } of await entriesOf(folder, links)) {
    const inside = { path: join(folder.path, name), shown: `${folder.shown}/${name}` };
    if (kind === "folder") found.push(...(await imagesBelow(inside, links, visited)));
    else if (kind === "file" && extension.test(name)) found.push(inside);
  }
  return found;
}

/** What a folder holds, in order, without hidden names. */
async function entriesOf(folder: DataPath, links: boolean): Promise<readonly Entry[]> {
  const entries = await readdir(folder.path, { withFileTypes: true }).catch((cause: unknown) => {
    throw unreadable(folder.shown, systemReason(cause) ?? String(cause), cause);
  });
  return entries
    .filter(({ name }) => !name.startsWith("."))
    .sort((a, b) => inOrder(a.name, b.name))
    .map((entry) => ({ name: entry.name, kind: kindOf(entry, folder, links) }));
}

function kindOf(entry: Dirent, folder: DataPath, links: boolean): Entry["kind"] {
  if (entry.isFile()) return "file";
  if (entry.isDirectory()) return "folder";
  if (!entry.isSymbolicLink() || !links) return "other";
  try {
    const target = statSync(join(folder.path, entry.name));
    return target.isFile() ? "file" : target.isDirectory() ? "folder" : "other";
  } catch (cause) {
    const reason = systemReason(cause) ?? String(cause);
    throw unreadable(`${folder.shown}/${entry.name}`, `a link, but ${reason}`, cause);
  }
}

function unreadable(shown: string, reason: string, cause: unknown): DataError {
  return new DataError("data-file-unreadable", `${shown} cannot be read: ${reason}`, {
    place: shown,
    help: "Remove it, or make what it leads to readable.",
    reason: "io",
    cause,
  });
}
