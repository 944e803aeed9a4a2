/**
 * @file What the tensorflow engine needs to be installed, and where it looks: one of two npm packages with a
 * native addon, which finds TensorFlow's libraries beside itself. `dlc setup tensorflow` puts them there.
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** The packages, that with GPU support first; both have the same addon. */
export const bindingPackages = {
  gpu: "@tensorflow/tfjs-node-gpu",
  cpu: "@tensorflow/tfjs-node",
} as const;
/** The last release of the packages (and their addon's sources); its addon calls only the stable C API. */
export const bindingVersion = "4.22.0";

/** Below the package's folder. Node 20 and later take the addon of Node-API 8. */
export const addonPath = "lib/napi-v8/tfjs_binding.node";

export interface FoundBinding {
  readonly name: (typeof bindingPackages)[keyof typeof bindingPackages];
  readonly folder: string;
  /** The addon file; null: the package is there without it. */
  readonly addon: string | null;
}

/** The package's folder, seen from a file or folder. */
function locate(name: string, from: string): string | null {
  try {
    return dirname(createRequire(from).resolve(`${name}/package.json`));
  } catch {
    return null;
  }
}

/**
 * The installed packages, those with an addon first: seen from the current folder, as the project's, and from the
 * runtime, as its peer.
 */
export function findBindings(cwd: string = process.cwd()): readonly FoundBinding[] {
  const places = [join(cwd, "package.json"), import.meta.url];
  const found = Object.values(bindingPackages).flatMap((name) =>
    places.flatMap((from): FoundBinding[] => {
      const folder = locate(name, from);
      if (folder === null) return [];
      const addon = join(folder, addonPath);
      return [{ name, folder, addon: existsSync(addon) ? addon : null }];
    }),
  );
  return [
    ...found.filter(({ addon }) => addon !== null),
    ...found.filter(({ addon }) => addon === null),
  ];
}

export const setupCommand = (gpu: boolean): string =>
  gpu ? "npx dlc setup tensorflow --gpu" : "npx dlc setup tensorflow";
