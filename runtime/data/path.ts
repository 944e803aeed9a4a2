/** @file From a path in a spec to a file on disk. */
import { readdirSync, realpathSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { DataError } from "./errors.js";

/** A file or folder that a spec names. */
export interface DataPath {
  /** Absolute. */
  readonly path: string;
  /** As the spec writes it: what messages say. */
  readonly shown: string;
}

const packagePath = /^npm:((?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*)\/(.+)$/i;

/**
 * Resolves `text` against the spec's folder `base`, or `npm:package/path` as an import from that
 * folder would, and makes sure that the file (or folder) is there. Inside a package no path leaves
 * the package, neither by `..` nor by a symbolic link.
 */
export function locate(text: string, base: string, want: "file" | "folder" = "file"): DataPath {
  if (text === "" || hasControlCharacter(text)) {
    throw new DataError("data-file-missing", `${JSON.stringify(text)} is not a path`, {
      help: "Write a path relative to the spec's folder, or npm:package/path.",
    });
  }
  const [, scheme] = /^([a-z][a-z0-9+.-]+):\/\//i.exec(text) ?? [];
  if (scheme !== undefined) {
    throw new DataError(
      "data-file-missing",
      `${text} is a URL, and data are read from files only`,
      {
        place: text,
        help: "Download the file and name it, or use a data package: npm:package/path.",
      },
    );
  }
  const found = text.startsWith("npm:")
    ? locateInPackage(text, base)
    : { path: resolve(base, text), shown: text };
  const stats = statSync(found.path, { throwIfNoEntry: false });
  if (stats === undefined) throw missing(found, want);
  if (want === "file" ? !stats.isFile() : !stats.isDirectory()) {
    throw new DataError("data-file-unreadable", `${text} is not a ${want}`, {
      place: text,
      help: notThat(want, stats.isDirectory()),
    });
  }
  return found;
}

function notThat(want: "file" | "folder", isFolder: boolean): string {
  if (want === "folder") return "Name the folder that holds a folder of images for each class.";
  return isFolder
    ? "This is a folder; name a file in it."
    : "Only regular files are read: no pipes and no devices. Write the data to a file first.";
}

function hasControlCharacter(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) < 32) return true;
  return false;
}

function locateInPackage(text: string, base: string): DataPath {
  const [, name, rest] = packagePath.exec(text) ?? [];
  if (name === undefined || rest === undefined) {
    throw new DataError("data-file-missing", `${text} does not name a file in a package`, {
      place: text,
      help: "Write npm:package/path, or npm:@scope/package/path.",
    });
  }
  const root = packageRoot(name, base);
  if (root === null) {
    throw new DataError("data-package-missing", `the package ${name} is not installed`, {
      place: text,
      help: `Install it: npm install -D ${name}`,
      reason: "environment",
    });
  }
  const path = resolve(root, rest);
  if (!contains(root, path) || !contains(root, realPath(path))) {
    throw new DataError("data-path-outside", `${text} leaves the package ${name}`, {
      place: text,
      help: `Name a file inside ${name}; for other files write a path relative to the spec.`,
    });
  }
  return { path, shown: text };
}

/** The package's real folder, found from `base` upwards; null if it is not installed. */
function packageRoot(name: string, base: string): string | null {
  try {
    // Package managers that do not use node_modules folders answer here only.
    return realpathSync(
      dirname(createRequire(join(base, "spec.js")).resolve(`${name}/package.json`)),
    );
  } catch {
    // Not installed, or its "exports" hide package.json: look for the folder itself.
  }
  for (let folder = resolve(base); ; folder = dirname(folder)) {
    const candidate = join(folder, "node_modules", name);
    if (statSync(candidate, { throwIfNoEntry: false })?.isDirectory()) {
      return realpathSync(candidate);
    }
    if (folder === dirname(folder)) return null;
  }
}

function contains(root: string, path: string): boolean {
  const from = relative(root, path);
  return from !== "" && from !== ".." && !from.startsWith(`..${sep}`) && !isAbsolute(from);
}

/** Follows links as far as the path exists. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(realPath(parent), basename(path));
  }
}

function missing(found: DataPath, want: string): DataError {
  let siblings: string[] = [];
  try {
    siblings = readdirSync(dirname(found.path));
  } catch {
    // The folder is missing too: nothing to suggest.
  }
  const folder = found.shown.slice(0, found.shown.lastIndexOf("/") + 1);
  return new DataError("data-file-missing", `there is no ${want} ${found.shown}`, {
    place: found.shown,
    help: "Paths are relative to the spec's folder.",
    wrong: { word: found.shown, known: siblings.map((name) => folder + name) },
  });
}
