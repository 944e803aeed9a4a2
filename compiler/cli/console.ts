/** @file Where output goes: results to stdout, everything else to stderr. Colour only where it is wanted. */
import type { Writable } from "node:stream";
import pc from "picocolors";

export interface Console {
  /** `--json`: results are JSON documents (or one per line for streams). */
  readonly json: boolean;
  /** For notes, by what stderr is. */
  readonly colors: ReturnType<typeof pc.createColors>;
  /** For results, by what stdout is: a file gets none because the messages go to a terminal. */
  readonly resultColors: ReturnType<typeof pc.createColors>;
  /** stderr is a terminal that may be redrawn. */
  readonly live: boolean;
  readonly stderr: Writable;
  /** A line of the result. */
  result(line: string): void;
  /** The result as a document. */
  document(value: object): void;
  /** A line for the person, on stderr. */
  note(line: string): void;
}

interface Streams {
  readonly stdout: Writable & { isTTY?: boolean };
  readonly stderr: Writable & { isTTY?: boolean };
}

/**
 * Colour: `--color` wins, then NO_COLOR and FORCE_COLOR (non-empty), then whether the stream is a
 * terminal that is not "dumb".
 */
export function wantsColor(
  choice: string | undefined,
  env: NodeJS.ProcessEnv,
  isTerminal: boolean,
): boolean {
  if (choice === "always") return true;
  if (choice === "never") return false;
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR && env.FORCE_COLOR !== "0") return true;
  return isTerminal && env.TERM !== "dumb";
}

export function createConsole(
  options: { readonly json: boolean; readonly color: string | undefined },
  env: NodeJS.ProcessEnv = process.env,
  { stdout, stderr }: Streams = process,
): Console {
  const terminal = stderr.isTTY === true;
  const colorsFor = (isTerminal: boolean) =>
    pc.createColors(wantsColor(options.color, env, isTerminal));
  return {
    json: options.json,
    colors: colorsFor(terminal),
    resultColors: colorsFor(stdout.isTTY === true),
    live: terminal && !options.json && env.TERM !== "dumb",
    stderr,
    result: (line) => void stdout.write(`${line}\n`),
    document: (value) => void stdout.write(`${JSON.stringify({ schemaVersion: 1, ...value })}\n`),
    note: (line) => void stderr.write(`${line}\n`),
  };
}
