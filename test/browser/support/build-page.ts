/** @file Pages built as a user builds them: by Vite, without a configuration. */
import { execFile } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "vite";

export const repository = fileURLToPath(new URL("../../..", import.meta.url));
export const example = join(repository, "examples/browser");

/** A new folder for what tests write. */
export const workFolder = (): string => mkdtempSync(join(tmpdir(), "dlc-browser-"));

/** Compiles the example's model: the package that pages import. */
export async function buildModel(): Promise<void> {
  const dlc = join(repository, "compiler/bin/dlc.js");
  const spec = join(repository, "models/mnist-cnn/spec.yaml");
  const out = join(example, "generated");
  await promisify(execFile)(process.execPath, [dlc, "build", spec, "--out", out]);
}

/** Builds the page in `root` and returns the folder with what is to be served. */
export async function buildPage(root: string): Promise<string> {
  const outDir = workFolder();
  await build({ root, configFile: false, logLevel: "error", build: { outDir, emptyOutDir: true } });
  return outDir;
}

export const page = (name: string): string => join(repository, "test/browser/pages", name);
