/** @file Runs a tool of the system: with a time limit, ended with its children when the user interrupts. */
import { spawn } from "node:child_process";

export interface ToolOptions {
  readonly cwd?: string;
  /** Replaces the environment of this process. */
  readonly env?: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal | undefined;
  /** Ends the tool after so many milliseconds; default: never. */
  readonly limitMs?: number;
  /** Each line that it prints, as it comes. */
  readonly onLine?: (line: string) => void;
  /** Whether lines are kept for `output`; default: the last 200. */
  readonly keep?: number;
}

export interface ToolResult {
  /** ok: exit code 0. missing: there is no such tool. late: it ran into the time limit. */
  readonly outcome: "ok" | "failed" | "missing" | "late";
  /** The signal that ended it by itself ("SIGSEGV"), or null. */
  readonly endedBy: NodeJS.Signals | null;
  /** The last lines of stdout and stderr together. */
  readonly output: string;
}

/** Thrown when the signal ends a tool; the command answers with the exit code of the signal. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

export function checkInterrupted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new Interrupted("interrupted");
}

/**
 * Runs a tool to its end; does not throw where it fails.
 * @throws Interrupted where the signal is aborted before or meanwhile.
 */
export function runTool(
  command: string,
  args: readonly string[],
  { cwd, env, signal, limitMs, onLine, keep = 200 }: ToolOptions = {},
): Promise<ToolResult> {
  checkInterrupted(signal);
  const grouped = process.platform !== "win32";
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: env ?? process.env,
      stdio: ["ignore", "pipe", "pipe"],
      // A group of its own, so that what it starts ends with it.
      detached: grouped,
      // Windows runs npm, a script, only by its shell. All arguments are ours.
      shell: !grouped && command === "npm",
    });
    const lines: string[] = [];
    let late = false;
    const end = (): void => {
      const { pid } = child;
      if (pid === undefined) return;
      try {
        process.kill(grouped ? -pid : pid, "SIGKILL");
      } catch {
        // It has ended by itself.
      }
    };
    const timer =
      limitMs === undefined
        ? undefined
        : setTimeout(() => {
            late = true;
            end();
          }, limitMs);
    signal?.addEventListener("abort", end, { once: true });
    for (const stream of [child.stdout, child.stderr]) {
      let rest = "";
      const take = (line: string): void => {
        onLine?.(line);
        lines.push(line);
        if (lines.length > keep) lines.shift();
      };
      stream.setEncoding("utf8").on("data", (text: string) => {
        const parts = `${rest}${text}`.split(/\r\n|\n|\r/);
        rest = parts.pop() ?? "";
        for (const line of parts) take(line);
      });
      stream.on("end", () => {
        if (rest !== "") take(rest);
      });
    }
    const done = (outcome: ToolResult["outcome"], endedBy: NodeJS.Signals | null = null): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      if (signal?.aborted) reject(new Interrupted(`${command} was interrupted`));
      else resolve({ outcome, endedBy, output: lines.join("\n") });
    };
    child.on("error", (error: NodeJS.ErrnoException) => {
      done(error.code === "ENOENT" ? "missing" : "failed");
    });
    child.on("close", (code, endedBy) => {
      if (late) done("late");
      else done(code === 0 ? "ok" : "failed", endedBy);
    });
  });
}

/** The lines of a tool's output that tell most: its errors, or else its last words. */
export function gist(output: string, count = 3): string {
  const lines = output.split("\n").map((line) => line.trim());
  const told = lines.filter((line) => line !== "" && !/^(npm )?(notice|warn)/i.test(line));
  const errors = told.filter((line) => /\b\w*error\b: |\bno such\b|\bnot found\b/i.test(line));
  return errors.length > 0 ? errors.slice(0, count).join("\n") : told.slice(-count).join("\n");
}
