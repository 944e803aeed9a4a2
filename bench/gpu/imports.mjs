/** @file Do all modules of a list of files find what they import, in the list? So a bundle is known to be complete. */
import { isBuiltin } from "node:module";
import { posix } from "node:path";

const patterns = [
  /(?:^|;)\s*(?:import|export)\b[^"'`;]*?\bfrom\s*["']([^"']+)["']/gm,
  /(?:^|;)\s*import\s*["']([^"']+)["']/gm,
  /\bimport\(\s*["']([^"']+)["']\s*\)/g,
  /\brequire\(\s*["']([^"']+)["']\s*\)/g,
  /\bnew URL\(\s*["'](\.[^"']+\.m?js)["']\s*,\s*import\.meta\.url\s*\)/g,
];

/** What a module names: imports, exports from, dynamic ones, modules of workers. */
export function importsOf(text) {
  const code = text.replaceAll(/\/\*[\s\S]*?\*\//g, "");
  return [...new Set(patterns.flatMap((p) => [...code.matchAll(p)].map(([, name]) => name)))];
}

const packageOf = (name) => name.split("/", name.startsWith("@") ? 2 : 1).join("/");

/**
 * `files`: texts of modules and package.json files by path, anything else null; `optional`: names of packages that may
 * be missing. Gives {file, name} for every import that leads nowhere. Packages are looked for in `node_modules` at the
 * top only, and their entries must be in the list.
 */
export function unresolvedImports(files, optional) {
  const missing = [];
  for (const [file, text] of files) {
    if (text === null || !/\.[cm]?js$/.test(file)) continue;
    for (const name of importsOf(text)) {
      if (isBuiltin(name)) continue;
      if (!name.startsWith(".") && optional.includes(packageOf(name))) continue;
      const found = name.startsWith(".")
        ? fileOf(posix.join(posix.dirname(file), name), files)
        : entryOf(name, files);
      if (found === null) missing.push({ file, name });
    }
  }
  return missing;
}

/** As Node finds them; the latter three for `require` only, which is not told apart. */
function fileOf(path, files) {
  const tries = [path, `${path}.js`, `${path}.json`, `${path}/index.js`];
  return tries.find((one) => files.has(one)) ?? null;
}

function entryOf(name, files) {
  const top = packageOf(name);
  const folder = `node_modules/${top}`;
  const text = files.get(`${folder}/package.json`);
  if (text == null) return null;
  const { exports, main = "index.js" } = JSON.parse(text);
  const subpath = `.${name.slice(top.length)}`;
  if (exports === undefined) {
    return fileOf(posix.join(folder, subpath === "." ? main : subpath), files);
  }
  const hasPaths = typeof exports === "object" && Object.keys(exports)[0].startsWith(".");
  const entry = hasPaths ? (exports[subpath] ?? null) : subpath === "." ? exports : null;
  const targets = leaves(entry).filter((path) => !path.endsWith(".d.ts"));
  const found = targets.map((path) => posix.join(folder, path)).filter((path) => files.has(path));
  return found[0] ?? null;
}

/** The paths of an entry with conditions, in any depth. */
function leaves(entry) {
  if (entry === null) return [];
  return typeof entry === "string" ? [entry] : Object.values(entry).flatMap(leaves);
}
