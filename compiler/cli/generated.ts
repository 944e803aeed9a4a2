/** @file Importing generated packages, and finding the one that a run or a spec belongs to. */
import { existsSync, readFileSync } from "node:fs";
import { createRequire, register } from "node:module";
import { basename, dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { DlcError, type Model, type ModelDefinition, type ModelOptions } from "@dlc/runtime";

/** A model whose input and output types are not known to the compiler. */
export type AnyModel = Model<{
  readonly input: Readonly<Record<string, unknown>>;
  readonly target: Readonly<Record<string, unknown>>;
  readonly output: unknown;
  readonly metrics: Readonly<Record<string, number>>;
}>;

/** What every generated package exports. */
export interface GeneratedPackage {
  readonly definition: ModelDefinition;
  readonly load: (options?: ModelOptions) => Promise<AnyModel>;
}

/** Folder of the package inside a run folder. */
export const packageFolder = (run: string, name: string): string => join(run, "package", name);

let resolving = false;

/**
 * Generated packages import `@dlc/runtime`. Where it is not installed near them (a run folder
 * outside any project, dlc installed globally) they get the compiler's own.
 */
function resolveRuntime(): void {
  if (resolving) return;
  resolving = true;
  const own = pathToFileURL(createRequire(import.meta.url).resolve("@dlc/runtime")).href;
  const hook = `
    export async function resolve(specifier, context, next) {
      if (specifier !== "@dlc/runtime") return next(specifier, context);
      try { return await next(specifier, context); }
      catch { return { url: ${JSON.stringify(own)}, shortCircuit: true }; }
    }`;
  register(`data:text/javascript,${encodeURIComponent(hook)}`);
}

/** Imports the package in a folder. */
export async function importPackage(folder: string): Promise<GeneratedPackage> {
  resolveRuntime();
  return (await import(pathToFileURL(join(folder, "index.js")).href)) as GeneratedPackage;
}

export interface Trained {
  readonly package: GeneratedPackage;
  /** Folder of the run, or null for a package that was given as such. */
  readonly run: string | null;
}

/** The name in a run folder's description, or null if it is not a run folder. */
function runName(folder: string): string | null {
  const file = join(folder, "run.json");
  if (!existsSync(file)) return null;
  const { name } = JSON.parse(readFileSync(file, "utf8")) as { name?: unknown };
  return typeof name === "string" && /^[a-z0-9][a-z0-9._-]*$/.test(name) ? name : null;
}

async function ofRun(run: string): Promise<Trained | null> {
  const name = runName(run);
  if (name === null) return null;
  const folder = packageFolder(run, name);
  if (!existsSync(join(folder, "index.js"))) return null;
  return { package: await importPackage(folder), run };
}

/**
 * The trained model that a command line means by a spec file, a run folder (or its `best` or
 * `last`), or a generated package.
 * @throws DlcError `no-trained-model`.
 */
export async function findTrained(given: string, runs: string): Promise<Trained> {
  const path = resolve(given);
  if (/\.ya?ml$/i.test(path)) {
    if (!existsSync(path)) throw notTrained(given, "there is no such file");
    const { loadSpec } = await import("../1-load/load-spec.js");
    const { spec } = loadSpec(path);
    if (spec === null) throw notTrained(given, "the spec has errors: see dlc validate");
    const run = join(resolve(runs), spec.name);
    const found = existsSync(run) ? await ofRun(run) : null;
    if (found === null) throw notTrained(given, `there is no run in ${run}`);
    return found;
  }
  for (const run of [path, dirname(path)]) {
    if (run !== path && !["best", "last"].includes(basename(path))) continue;
    const found = existsSync(run) ? await ofRun(run) : null;
    if (found !== null) return found;
  }
  if (existsSync(join(path, ".dlc", "manifest.json"))) {
    return { package: await importPackage(path), run: null };
  }
  throw notTrained(given, "it is neither a spec, a run folder nor a generated package");
}

function notTrained(given: string, reason: string): DlcError {
  return new DlcError("no-trained-model", `${given}: ${reason}`, {
    place: given,
    help: "Train the model first: dlc train <spec>. Elsewhere than in 'runs', add --runs <folder>.",
  });
}

/** The weights of a run: the best ones, else the last. */
export function weightsOf({ run }: Trained, given: string | undefined): string {
  if (given !== undefined) return given;
  if (run === null) {
    throw new DlcError("no-trained-model", "a package alone has no weights", {
      help: "Add --weights with a run folder, a checkpoint or a safetensors file.",
      reason: "usage",
    });
  }
  return run;
}
