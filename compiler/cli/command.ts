/** @file What a command is. Help, parsing, suggestions and shell completion all come from this. */
import { DlcError, type ExitReason } from "@dlc/runtime/errors";
import type { Console } from "./console.js";

export interface ArgumentDef {
  readonly name: string;
  readonly description: string;
  readonly required: boolean;
  readonly variadic?: boolean;
  /** What it may be, for shells to offer besides files. */
  readonly words?: readonly string[];
}

export interface OptionDef {
  /** `--name`, `--name <value>`; a short form first: `-o, --out <folder>`. */
  readonly flags: string;
  readonly description: string;
  readonly choices?: readonly string[];
  /** Absent: unset. */
  readonly default?: string | number | boolean;
  /** May be given several times. */
  readonly repeatable?: true;
  /** The value from its text; throws an error whose message says what is wanted. */
  readonly check?: (text: string) => unknown;
}

/** What every command takes. */
export const commonOptions: readonly OptionDef[] = [
  { flags: "--json", description: "print the result as JSON on stdout" },
  {
    flags: "--color <when>",
    description: "colour the messages",
    choices: ["auto", "always", "never"],
    default: "auto",
  },
];

/** Parsed options by camel-cased name. */
export type OptionValues = Readonly<Record<string, unknown>>;
/** Aligned with the definition's arguments; a variadic one collects an array. */
export type ArgumentValues = readonly (string | readonly string[] | undefined)[];

export interface Invocation {
  readonly args: ArgumentValues;
  readonly options: OptionValues;
  readonly console: Console;
  /** The whole command table: for completion scripts. */
  readonly commands: readonly CommandDef[];
  /**
   * Aborted by SIGINT or SIGTERM; `reason` is then "interrupted" or "terminated". A command that never
   * reads it ends with these signals at once.
   */
  readonly signal: AbortSignal;
}

export type Run = (invocation: Invocation) => Promise<ExitReason>;

export interface CommandDef {
  readonly name: string;
  readonly summary: string;
  /** Command lines (without `dlc`) and what they do; shown first in the help. */
  readonly examples: readonly (readonly [line: string, effect: string])[];
  readonly arguments: readonly ArgumentDef[];
  readonly options: readonly OptionDef[];
  /** Loaded when the command runs, so that help stays fast. */
  readonly load: () => Promise<{ readonly run: Run }>;
}

export const text = (options: OptionValues, name: string): string | undefined => {
  const value = options[name];
  return typeof value === "string" ? value : undefined;
};
export const count = (options: OptionValues, name: string): number | undefined => {
  const value = options[name];
  return typeof value === "number" ? value : undefined;
};
export const on = (options: OptionValues, name: string): boolean => options[name] === true;

/**
 * `--set a=1 --set b=2` as a record.
 * @throws DlcError `bad-command-line` for a parameter with two values.
 */
export function settings(options: OptionValues): Record<string, string> {
  const entries = (options.set as readonly (readonly [string, string])[] | undefined) ?? [];
  const names = entries.map(([name]) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new DlcError("bad-command-line", `--set gives '${twice}' more than once`, {
      help: "Give every parameter one value.",
      reason: "usage",
    });
  }
  return Object.fromEntries(entries);
}
