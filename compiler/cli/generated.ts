/** @file Importing generated packages, and finding the one that a run or a spec belongs to. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire, register } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Model, ModelDefinition, ModelOptions } from "@dlc/runtime";
import { DlcError } from "@dlc/runtime/errors";
import type { EmittedPackage } from "../5-emit/emit-package.js";
import { packagesFolder, readRun } from "./run-folder.js";

/** A model whose input and output types are not known to the compiler. */
export type AnyModel = Model<{
  readonly input: Readonly<Record<string, unknown>>;
  readonly target: Readonly<Record<string, unknown>>;
  readonly output: unknown;
  readonly metrics: Readonly<Record<string, number>>;
  readonly generated?: unknown;
}>;

/** What every generated package exports. */
export interface GeneratedPackage {
  readonly definition: ModelDefinition;
  readonly load: (options?: ModelOptions) => Promise<AnyModel>;
}

let resolving = false;

/**
 * Generated packages import `@dlc/runtime`, which need not be installed near them (a run folder
 * outside any project, dlc installed globally). They get the compiler's own, so that one process has
 * one runtime.
 */
function resolveRuntime(): void {
  if (resolving) return;
  resolving = true;
  const own = pathToFileURL(createRequire(import.meta.url).resolve("@dlc/runtime")).href;
  const hook = `
    export const resolve = (specifier, context, next) =>
      specifier === "@dlc/runtime"
        ? { url: ${JSON.stringify(own)}, shortCircuit: true }
        : next(specifier, context);`;
  register(`data:text/javascript,${encodeURIComponent(hook)}`);
}

/** Imports the package in a folder. */
export async function importPackage(folder: string): Promise<GeneratedPackage> {
  resolveRuntime();
  let loaded: Partial<GeneratedPackage>;
  try {
    loaded = (await import(pathToFileURL(join(folder, "index.js")).href)) as GeneratedPackage;
  } catch (cause) {
    throw damaged(folder, cause);
  }
  const { load, definition } = loaded;
  if (typeof load !== "function" || typeof definition?.name !== "string") throw damaged(folder);
  return { load, definition };
}

/** The package is generated, so whatever is wrong with it came later. */
function damaged(folder: string, cause?: unknown): DlcError {
  const reason = cause instanceof Error ? `: ${cause.message.split("\n", 1)[0]}` : "";
  return new DlcError("damaged-package", `the generated package cannot be loaded${reason}`, {
    place: folder,
    help: "It was edited or damaged since it was generated: build it again with dlc build --force, or the package of a run with dlc train.",
    cause,
  });
}

/** Imports a package that has no place yet; relative paths in it lead nowhere, so pass `base` to load(). */
export async function importEmitted({ name, files }: EmittedPackage): Promise<GeneratedPackage> {
  const staging = mkdtempSync(join(tmpdir(), "dlc-train-"));
  try {
    const folder = join(staging, name);
    mkdirSync(folder);
    // Source maps and declarations are of no use to a process that only runs it.
    for (const [path, text] of files) {
      if (path.endsWith(".js") || path === "package.json") writeFileSync(join(folder, path), text);
    }
    return await importPackage(folder);
  } finally {
    // Loaded is loaded.
    rmSync(staging, { recursive: true, force: true });
  }
}

export interface Trained {
  readonly package: GeneratedPackage;
  /** What to load weights from; null for a package that was given as such. */
  readonly weights: string | null;
  /** The run's spec; null for a package that was given as such. */
  readonly specHash: string | null;
}

async function ofRun(run: string, weights: string): Promise<Trained | null> {
  const found = readRun(run);
  if (found === null) return null;
  const folder = join(packagesFolder(run), found.name);
  if (!existsSync(join(folder, "index.js"))) return null;
  return { package: await importPackage(folder), weights, specHash: found.specHash };
}

/**
 * The trained model that a command line means by a spec file, a run folder (or its `best`, `last` or
 * one of its checkpoints), or a generated package.
 * @throws DlcError `no-trained-model`, `damaged-run`.
 */
export async function findTrained(
  given: string,
  runs: string,
  note: (line: string) => void,
): Promise<Trained> {
  const path = resolve(given);
  if (!existsSync(path)) throw notTrained(given, "there is no such file or folder");
  if (/\.ya?ml$/i.test(path)) return ofSpec(given, path, resolve(runs), note);
  if (existsSync(join(path, ".dlc", "manifest.json")) && existsSync(join(path, "index.js"))) {
    return { package: await importPackage(path), weights: null, specHash: null };
  }
  // The run itself, its best or last, a checkpoint below checkpoints/.
  for (const run of [path, dirname(path), dirname(dirname(path))]) {
    const found = await ofRun(run, path);
    if (found !== null) return found;
  }
  throw notTrained(given, "it is neither a spec, a run folder nor a generated package");
}

async function ofSpec(
  given: string,
  path: string,
  runs: string,
  note: (line: string) => void,
): Promise<Trained> {
  const [{ loadSpec }, { sha256 }] = await Promise.all([
    import("../1-load/load-spec.js"),
    import("../5-emit/hashes.js"),
  ]);
  const { spec } = loadSpec(path);
  if (spec === null) throw notTrained(given, "the spec has errors: see dlc validate");
  const run = join(runs, spec.name);
  const found = await ofRun(run, run);
  if (found === null) throw notTrained(given, `there is no run in ${run}`);
  if (found.specHash !== sha256(spec.canonical)) {
    note(`note: ${run} was trained with another version of this spec, or with --set`);
  }
  return found;
}

function notTrained(given: string, reason: string): DlcError {
  return new DlcError("no-trained-model", `${given}: ${reason}`, {
    place: given,
    help: "Train the model first: dlc train <spec>. Elsewhere than in 'runs', add --runs <folder>. For weights of --weights alone, build the spec and name its package in place of the spec.",
  });
}

/** The weights to use: those given, else those that belong to the model that was named. */
export function weightsOf({ weights }: Trained, given: string | undefined): string {
  const path = given ?? weights;
  if (path !== null) return resolve(path);
  throw new DlcError("no-trained-model", "a generated package has no weights of its own", {
    help: "Add --weights with a run folder, a checkpoint or a safetensors file.",
    reason: "usage",
  });
}
