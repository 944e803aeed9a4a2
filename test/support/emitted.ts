/** @file Emitted packages in a folder of their own, where tests type-check and run them. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Program } from "@dlc/runtime";
import { onTestFinished } from "vitest";
import type { EmittedPackage } from "../../compiler/5-emit/emit-package.js";

const root = fileURLToPath(new URL("../..", import.meta.url));

export interface Workspace {
  readonly folder: string;
  /** Writes a file of the workspace. */
  write(path: string, text: string): void;
  /** Writes a package below `generated/`. */
  add(emitted: EmittedPackage): void;
  /** Errors of the installed TypeScript under the repository's strict settings, one per line. */
  typeErrors(): Promise<string[]>;
  /** A compiled module of a package, as plain JavaScript imports it. */
  load(path: string): Promise<Record<string, unknown>>;
}

/**
 * A folder that is removed after the test (or when `after` says so). Packages in it find the
 * runtime's sources.
 */
export function createWorkspace(after: (remove: () => void) => void = onTestFinished): Workspace {
  const folder = mkdtempSync(join(tmpdir(), "dlc-emitted-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  write("package.json", '{ "type": "module" }');
  const paths = { "@dlc/runtime": [join(root, "runtime/index.ts")] };
  const config = {
    extends: join(root, "tsconfig.base.json"),
    compilerOptions: { noEmit: true, paths, typeRoots: [join(root, "node_modules/@types")] },
    include: ["**/*.ts"],
    exclude: ["node_modules"],
  };
  write("tsconfig.json", JSON.stringify(config));
  return {
    folder,
    write,
    add({ name, files }) {
      for (const [path, text] of files) write(`generated/${name}/${path}`, text);
    },
    typeErrors: () =>
      new Promise((resolve) => {
        const tsc = join(root, "node_modules/typescript/bin/tsc");
        const options = { cwd: folder };
        execFile(process.execPath, [tsc, "--pretty", "false"], options, (_, stdout) => {
          // The runtime's sources, outside this folder, are checked elsewhere.
          const errors = stdout.split("\n").filter((line) => /\): error TS/.test(line));
          resolve(errors.filter((line) => !line.startsWith("..")));
        });
      }),
    load: (path) =>
      import(/* @vite-ignore */ pathToFileURL(join(folder, path)).href) as Promise<
        Record<string, unknown>
      >,
  };
}

/** The program that a package's module exports. */
export async function loadProgram(
  workspace: Workspace,
  name: string,
  key: string,
): Promise<Program> {
  const module = await workspace.load(
    `generated/${name}/${key === "infer" ? "infer" : "train"}.js`,
  );
  return module[`${key}Program`] as Program;
}
