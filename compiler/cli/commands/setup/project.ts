/** @file The user's project and the binding's npm package in it. */
import { constants, existsSync, readFileSync } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { bindingVersion } from "@dlc/runtime/tensorflow-install";
import { gist, runTool } from "../../tool.js";
import { downloadFailed, noProject, toolMissing } from "./problems.js";

/** The nearest folder with a package.json. @throws DlcError "setup-no-project" */
export function findProject(start: string): string {
  let folder = start;
  while (!existsSync(join(folder, "package.json"))) {
    const parent = dirname(folder);
    if (parent === folder) throw noProject(start);
    folder = parent;
  }
  return folder;
}

/** May files be made there? @throws the system's error, with the path */
export async function checkWritable(project: string): Promise<void> {
  const modules = join(project, "node_modules");
  for (const path of [project, ...(existsSync(modules) ? [modules] : [])]) {
    await access(path, constants.W_OK);
  }
}

/** The folder of an installed package, as Node finds it from the project; null: it is not installed. */
export function packageFolder(project: string, name: string): string | null {
  const found = join(project, "node_modules", name);
  if (existsSync(join(found, "package.json"))) return found;
  const parent = dirname(project);
  return parent === project ? null : packageFolder(parent, name);
}

function versionOf(folder: string): string | null {
  const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
    version?: unknown;
  };
  return typeof version === "string" ? version : null;
}

/** The folder of the binding's package in the version that dlc works with, or null. */
export function installedBinding(project: string, name: string): string | null {
  const folder = packageFolder(project, name);
  return folder !== null && versionOf(folder) === bindingVersion ? folder : null;
}

/**
 * Installs the binding's package from npm without running its install script. It is saved as an optional
 * dependency: a later `npm ci` where its download is not possible then does without it instead of failing.
 * @throws DlcError "setup-tool-missing", "setup-download-failed"; Interrupted.
 */
export async function installPackage(
  project: string,
  name: string,
  { save, signal }: { readonly save: boolean; readonly signal: AbortSignal | undefined },
): Promise<string> {
  const saving = save ? ["--save-optional", "--save-exact"] : ["--no-save"];
  const { outcome, output } = await runTool(
    "npm",
    ["install", "--ignore-scripts", "--no-audit", "--no-fund", ...saving].concat(
      `${name}@${bindingVersion}`,
    ),
    { cwd: project, signal },
  );
  if (outcome === "missing") {
    throw toolMissing("npm", "it installs the binding", "Install Node.js with npm.");
  }
  const folder = outcome === "ok" ? installedBinding(project, name) : null;
  if (folder !== null) return folder;
  throw downloadFailed(
    `${name}@${bindingVersion}`,
    gist(output),
    "Check the network and npm's registry (npm config get registry), and what npm says of this project.",
  );
}

/** PATH as npm has it for the scripts of a package: with the commands of what is installed. */
export function scriptEnvironment(packageFolder: string): NodeJS.ProcessEnv {
  const folders: string[] = [];
  let folder = packageFolder;
  while (dirname(folder) !== folder) {
    folders.push(join(folder, "node_modules", ".bin"));
    folder = dirname(folder);
  }
  // Windows calls it Path; two of them would be one too many.
  const rest = Object.entries(process.env).filter(([name]) => name.toUpperCase() !== "PATH");
  const path = [...folders, process.env.PATH ?? ""].join(delimiter);
  return { ...Object.fromEntries(rest), PATH: path };
}
