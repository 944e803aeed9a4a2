/** @file Entry of the command line: parses arguments, runs one command, maps the outcome to an exit code. */
import { DlcError, exitCodes } from "@dlc/runtime";
import { Command, CommanderError, Option } from "commander";
import { version } from "../version.js";
import type { CommandDef, Invocation, OptionDef } from "./command.js";
import { commands } from "./commands/index.js";
import { type Console, createConsole } from "./console.js";
import { commandHelp, exitCodeHelp, overview } from "./help.js";

/** Runs `dlc` with these arguments and returns the exit code. Never throws. */
export async function main(argv: readonly string[]): Promise<number> {
  const early = help(argv);
  if (early !== null) {
    process.stdout.write(`${early}\n`);
    return exitCodes.ok;
  }
  const interruption = watchSignals();
  let console = createConsole({ json: argv.includes("--json"), color: undefined });
  let outcome: Promise<number> | undefined;
  const program = new Command("dlc")
    .exitOverride()
    .helpOption(false)
    .helpCommand(false)
    .showSuggestionAfterError(true)
    .version(version, "-V, --version", "print the version")
    .configureOutput({ writeErr: (line) => void process.stderr.write(line) });
  for (const definition of commands) {
    addCommand(program, definition, (invocation) => {
      console = createConsole({
        json: invocation.options.json === true,
        color: invocation.options.color as string | undefined,
      });
      outcome = execute(definition, {
        ...invocation,
        console,
        commands,
        signal: interruption.signal,
      });
    });
  }
  try {
    program.parse([...argv], { from: "user" });
    return (await outcome) ?? exitCodes.ok;
  } catch (error) {
    return explain(error, console);
  } finally {
    interruption.dispose();
  }
}

/** Help in all its forms, before any parsing: `dlc`, `dlc help x`, `dlc x --help`. */
function help(argv: readonly string[]): string | null {
  const asks = argv.includes("--help") || argv.includes("-h");
  const words = argv.filter((word) => !word.startsWith("-"));
  if (argv.length === 0 || (asks && words.length === 0)) return overview(commands);
  if (!asks && words[0] !== "help") return null;
  const topic = words[0] === "help" ? words[1] : words[0];
  if (topic === undefined) return overview(commands);
  if (topic === "exit-codes") return exitCodeHelp();
  const command = commands.find(({ name }) => name === topic);
  return command === undefined ? null : commandHelp(command);
}

const commonOptions: readonly OptionDef[] = [
  { flags: "--json", description: "print the result as JSON on stdout" },
  {
    flags: "--color <when>",
    description: "colour the messages",
    choices: ["auto", "always", "never"],
  },
];

function addCommand(
  program: Command,
  definition: CommandDef,
  start: (invocation: Omit<Invocation, "console" | "signal" | "commands">) => void,
): void {
  const command = program.command(definition.name).helpOption(false).exitOverride();
  command.showSuggestionAfterError(true).allowExcessArguments(false);
  for (const { name, required, variadic, description } of definition.arguments) {
    const word = variadic ? `${name}...` : name;
    command.argument(required ? `<${word}>` : `[${word}]`, description);
  }
  for (const option of [...definition.options, ...commonOptions]) {
    const made = new Option(option.flags, option.description);
    if (option.choices) made.choices(option.choices);
    if (option.repeatable) {
      made.argParser((value: string, all: string[] | undefined) => [...(all ?? []), value]);
    }
    if (option.number) made.argParser(numeric(option.flags));
    command.addOption(made);
  }
  command.action((...received: unknown[]) => {
    const options = received[definition.arguments.length] as Record<string, unknown>;
    const args = received.slice(0, definition.arguments.length) as Invocation["args"][number][];
    start({ args, options });
  });
}

const numeric = (flags: string) => (value: string) => {
  const number = Number(value);
  if (value.trim() === "" || !Number.isFinite(number)) {
    throw new CommanderError(2, "dlc.number", `error: ${flags} needs a number, not '${value}'`);
  }
  return number;
};

async function execute(definition: CommandDef, invocation: Invocation): Promise<number> {
  try {
    const { run } = await definition.load();
    return exitCodes[await run(invocation)];
  } catch (error) {
    return explain(error, invocation.console);
  }
}

/** Tells the user what went wrong and returns the exit code for it. */
function explain(error: unknown, console: Console): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return exitCodes.ok;
    if (error.code === "dlc.number") console.note(error.message);
    console.note("Run 'dlc help' for the commands and 'dlc help <command>' for one of them.");
    return exitCodes.usage;
  }
  if (error instanceof DlcError) {
    report(error, console);
    return exitCodes[error.reason];
  }
  if (isDiskError(error)) {
    report(
      new DlcError("io-error", error.message, {
        help: "Check free space, permissions and that the path exists.",
      }),
      console,
    );
    return exitCodes.io;
  }
  const { colors } = console;
  console.note(`${colors.red("internal error")}: this is a fault in dlc, not in your files.`);
  console.note(error instanceof Error ? (error.stack ?? error.message) : String(error));
  console.note(
    `Please report it with the spec that caused it. dlc ${version}, node ${process.version}`,
  );
  return exitCodes.internal;
}

function report(error: DlcError, console: Console): void {
  const { colors } = console;
  if (console.json) {
    const { code, message, place, help } = error;
    console.document({ error: { code, message, place, help } });
    return;
  }
  console.note(`${colors.red(colors.bold(`error ${error.code}`))}: ${error.message}`);
  if (error.place !== null) console.note(`  ${colors.cyan(error.place)}`);
  if (error.help !== null) console.note(`  ${colors.bold("help")}: ${error.help}`);
}

const diskErrors = new Set([
  "ENOSPC",
  "EIO",
  "EACCES",
  "EROFS",
  "EDQUOT",
  "EMFILE",
  "ENOTDIR",
  "EISDIR",
  "EPERM",
]);
function isDiskError(error: unknown): error is Error {
  return error instanceof Error && diskErrors.has((error as NodeJS.ErrnoException).code ?? "");
}

/** The first SIGINT or SIGTERM aborts politely; a second one ends the process at once. */
function watchSignals(): { readonly signal: AbortSignal; dispose(): void } {
  const controller = new AbortController();
  const handler = (name: NodeJS.Signals): void => {
    const reason = name === "SIGINT" ? "interrupted" : "terminated";
    if (controller.signal.aborted) process.exit(exitCodes[reason]);
    controller.abort(reason);
  };
  process.on("SIGINT", handler);
  process.on("SIGTERM", handler);
  return {
    signal: controller.signal,
    dispose() {
      process.off("SIGINT", handler);
      process.off("SIGTERM", handler);
    },
  };
}
