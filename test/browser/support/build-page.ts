/** @file Pages built as a user builds them: by Vite, without a configuration. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "vite";
import { afterAll } from "vitest";

export const repository = fileURLToPath(new URL("../../..", import.meta.url));
export const example = join(repository, "examples/browser");

/** A new folder for what the tests of a file write, deleted after them. To be called outside of tests. */
export function workFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "dlc-browser-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  return folder;
}

/** Compiles the example's model, which is the package that pages import, and copies its data. */
export async function buildModel(): Promise<void> {
  const dlc = join(repository, "compiler/bin/dlc.js");
  const spec = join(repository, "models/mnist-cnn/spec.yaml");
  const out = join(example, "generated");
  const run = promisify(execFile);
  await run(process.execPath, [dlc, "build", spec, "--out", out]);
  await run(process.execPath, [join(example, "data.mjs")]);
}

/** Builds the page in `root` into a folder; what is to be served includes the example's data. */
export async function buildPage(root: string, outDir: string): Promise<void> {
  const publicDir = join(example, "public");
  const written = { outDir, emptyOutDir: true };
  await build({ root, publicDir, configFile: false, logLevel: "error", build: written });
}

export const page = (name: string): string => join(repository, "test/browser/pages", name);
