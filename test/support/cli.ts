/** @file Runs the built command line as a user does: as a process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";

export const repository = fileURLToPath(new URL("../../", import.meta.url));
export const binary = join(repository, "compiler/bin/dlc.js");

export interface Outcome {
  /** Null where a signal ended the process. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  /** Text for stdin, which is then closed. */
  readonly input?: string | Uint8Array;
  /** Leave stdin open. */
  readonly open?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Started {
  readonly child: ChildProcess;
  readonly outcome: Promise<Outcome>;
  /** Resolves when stdout and stderr together have matched `pattern` this many times. */
  seen(pattern: RegExp, times?: number): Promise<void>;
}

/** The environment without what would colour output or change how it is shown. */
function plainEnvironment(): NodeJS.ProcessEnv {
  const { FORCE_COLOR, NO_COLOR, NODE_OPTIONS, TERM, ...rest } = process.env;
  return rest;
}

const running = new Set<ChildProcess>();

/** Starts `dlc`. */
export function start(args: readonly string[], options: RunOptions = {}): Started {
  return startNode([binary, ...args], options);
}

export function startNode(args: readonly string[], options: RunOptions = {}): Started {
  const child = spawn(process.execPath, args, {
    cwd: options.cwd ?? repository,
    env: { ...plainEnvironment(), ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  running.add(child);
  child.on("close", () => running.delete(child));
  let stdout = "";
  let stderr = "";
  const listeners = new Set<() => void>();
  const told = (): void => {
    for (const listener of listeners) listener();
  };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    told();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    told();
  });
  // A process that does not read its input may be gone before it is written.
  child.stdin.on("error", () => {});
  if (options.open !== true) child.stdin.end(options.input ?? "");
  const outcome = new Promise<Outcome>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return {
    child,
    outcome,
    seen(pattern, times = 1) {
      const all = new RegExp(pattern.source, "g");
      return new Promise((resolve, reject) => {
        const look = (): void => {
          if ((`${stdout}\n${stderr}`.match(all) ?? []).length < times) return;
          listeners.delete(look);
          resolve();
        };
        listeners.add(look);
        look();
        void outcome.then(
          () => reject(new Error(`ended without ${pattern}:\n${stdout}\n${stderr}`)),
          reject,
        );
      });
    },
  };
}

/** What commands that apply a model write to stderr where all is well: the engine that was chosen. */
export const engineLine = /^engine: onnx:cpu, \d+ threads? \(.+\)\n$/;

/** Runs `dlc` to its end. */
export function dlc(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return start(args, options).outcome;
}

/** A fresh folder that is deleted after the tests of the file, with what a failed test left running. */
export function workFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "dlc-cli-"));
  afterAll(() => {
    for (const child of running) child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  });
  return folder;
}

/** Writes a file, making its folders; returns its path. */
export function write(folder: string, path: string, content: string | Uint8Array): string {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
}

/** Copies a model of `models/` into `folder/<as>`, with changes to its spec; returns the spec's path. */
export function copyModel(
  model: string,
  folder: string,
  as: string,
  change: (spec: string) => string = (spec) => spec,
): string {
  cpSync(join(repository, "models", model), join(folder, as), { recursive: true });
  const spec = join(folder, as, "spec.yaml");
  writeFileSync(spec, change(readFileSync(spec, "utf8")).replace(/^name: .*$/m, `name: ${as}`));
  return spec;
}

/** The iris model, training for some epochs only. */
export const copyIris = (folder: string, as: string, epochs = 2): string =>
  copyModel("iris-mlp", folder, as, (spec) => spec.replace(/epochs: \d+/, `epochs: ${epochs}`));

/** The documents of `--json` output, one per line. */
export function documents(text: string): Record<string, unknown>[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** The folder of the checkpoint that a run's `best` or `last` names. */
export function checkpointOf(run: string, pointer: "best" | "last"): string {
  const { checkpoint } = JSON.parse(readFileSync(join(run, pointer), "utf8")) as {
    checkpoint: string;
  };
  return join(run, checkpoint);
}
