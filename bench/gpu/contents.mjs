/** @file What is in a bundle: files of this repository and of its packages, by their place under `app/`. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { unresolvedImports } from "./imports.mjs";

const repository = fileURLToPath(new URL("../..", import.meta.url));

/** Of what is measured nothing but this architecture is brought along. */
const binaries = "node_modules/onnxruntime-node/bin/napi-v6/linux/x64";

/** Types, maps and notes of builds are for working on dlc. */
const isProduct = (path) => !/\.map$|\.tsbuildinfo$|\.[cm]?ts$|\/README\.md$|\/\./.test(path);

/** Scripts of a bundle; those that make one stay here. */
const makers = [
  "bundle.mjs",
  "check.mjs",
  "contents.mjs",
  "imports.mjs",
  "packages.mjs",
  "prepare.mjs",
  "size.mjs",
  "unpack.mjs",
];

function filesUnder(folder) {
  const all = readdirSync(join(repository, folder), { recursive: true, withFileTypes: true });
  return all
    .filter((entry) => entry.isFile())
    .map((entry) => relative(repository, join(entry.parentPath, entry.name)).replaceAll(sep, "/"));
}

/** Parts of the bundle, as their sizes are told. */
const partOf = (path) => {
  if (path.startsWith("node_modules/onnxruntime")) return "onnxruntime-node";
  if (path.startsWith("node_modules/@dlc/runtime")) return "@dlc/runtime";
  if (path.startsWith("bench/gpu/generated/data")) return "data";
  if (path.startsWith("bench/gpu/generated")) return "generated packages";
  return "benchmark";
};

/** {from, to, part}: files of this repository (absolute), and where each goes under `app/`. */
export function contents() {
  const runtime = filesUnder("runtime/dist").filter(isProduct);
  const packages = ["onnxruntime-node", "onnxruntime-common"].map((name) => `node_modules/${name}`);
  const taken = [
    ...filesUnder("bench/gpu").filter(
      (path) =>
        isProduct(path) &&
        !path.includes("__pycache__") &&
        !path.startsWith("bench/gpu/out/") &&
        !path.startsWith("bench/gpu/licenses/") &&
        !(dirname(path) === "bench/gpu" && makers.includes(path.split("/").at(-1))),
    ),
    "bench/rounds.mjs",
    ...packages.map((folder) => `${folder}/package.json`),
    ...packages.flatMap((folder) => filesUnder(`${folder}/dist`)).filter(isProduct),
    ...filesUnder(binaries),
  ].map((path) => ({ from: path, to: path }));
  const renamed = [...runtime, "runtime/package.json"].map((from) => ({
    from,
    to: `node_modules/@dlc/${from}`,
  }));
  return [...taken, ...renamed].map(({ from, to }) => ({
    from: join(repository, from),
    to,
    part: partOf(to),
  }));
}

/** Packages that the runtime does without. */
export function optionalPackages() {
  const manifest = JSON.parse(readFileSync(join(repository, "runtime/package.json"), "utf8"));
  const peers = Object.entries(manifest.peerDependenciesMeta ?? {}).filter(
    ([, peer]) => peer.optional,
  );
  return [...Object.keys(manifest.optionalDependencies ?? {}), ...peers.map(([name]) => name)];
}

/** Imports of the files that would lead nowhere in the bundle. */
export function missingImports(files) {
  const isText = ({ to }) => /\.[cm]?js$|package\.json$/.test(to);
  const texts = files.map((file) => [
    file.to,
    isText(file) ? readFileSync(file.from, "utf8") : null,
  ]);
  return unresolvedImports(new Map(texts), optionalPackages());
}

/** The first of the paths that is there; an error that says what is sought. */
export function firstOf(paths, what) {
  const found = paths.find((path) => existsSync(path));
  if (found === undefined) throw new Error(`no ${what} (looked for ${paths.join(", ")})`);
  return found;
}
