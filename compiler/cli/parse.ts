/** @file From arguments to a command with its options, by the command table. */
import { DlcError } from "@dlc/runtime/errors";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import {
  type ArgumentValues,
  type CommandDef,
  commonOptions,
  type OptionDef,
  type OptionValues,
} from "./command.js";

export interface Parsed {
  readonly definition: CommandDef;
  readonly args: ArgumentValues;
  readonly options: OptionValues;
}

/** @throws DlcError `bad-command-line`, with the nearest command or option where there is one. */
export function parseArguments(argv: readonly string[], commands: readonly CommandDef[]): Parsed {
  let parsed: Parsed | undefined;
  const program = new Command("dlc")
    .exitOverride()
    .helpOption(false)
    .helpCommand(false)
    .configureOutput({ writeErr: () => {} });
  for (const definition of commands) {
    addCommand(program, definition, (args, options) => {
      parsed = { definition, args, options };
    });
  }
  try {
    program.parse([...argv], { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) throw usageError(error, argv, commands);
    throw error;
  }
  if (parsed === undefined) throw new Error("no command was found, and no error either");
  return parsed;
}

function addCommand(
  program: Command,
  definition: CommandDef,
  found: (args: ArgumentValues, options: OptionValues) => void,
): void {
  const command = program.command(definition.name).helpOption(false).allowExcessArguments(false);
  for (const { name, required, variadic, description } of definition.arguments) {
    const word = variadic ? `${name}...` : name;
    command.argument(required ? `<${word}>` : `[${word}]`, description);
  }
  for (const option of [...definition.options, ...commonOptions]) command.addOption(made(option));
  command.action((...received: unknown[]) => {
    const options = received[definition.arguments.length] as OptionValues;
    found(received.slice(0, definition.arguments.length) as ArgumentValues, options);
  });
}

function made(option: OptionDef): Option {
  const result = new Option(option.flags, option.description);
  if (option.choices) result.choices(option.choices);
  if (option.default !== undefined) result.default(option.default);
  const check = option.check ?? ((value: string): unknown => value);
  const parse = (value: string): unknown => {
    try {
      return check(value);
    } catch (error) {
      throw new InvalidArgumentError((error as Error).message);
    }
  };
  if (option.repeatable) {
    result.argParser((value, all: unknown[] | undefined) => [...(all ?? []), parse(value)]);
  } else if (result.required) {
    const choose = result.parseArg;
    let given = false;
    result.argParser((value, previous: unknown) => {
      // The last one would win silently.
      if (given) throw new InvalidArgumentError("It is given more than once.");
      given = true;
      return choose === undefined ? parse(value) : choose.call(result, value, previous);
    });
  }
  return result;
}

/** Commander writes `error: <problem>` and sometimes, on a second line, `(Did you mean <word>?)`. */
function usageError(
  { message }: CommanderError,
  argv: readonly string[],
  commands: readonly CommandDef[],
): DlcError {
  const [problem = "", ...rest] = message.replace(/^error: /, "").split("\n");
  const hint = rest.join(" ").replace(/^\((.*)\)$/, "$1 ");
  const command = commands.find(({ name }) => name === argv[0]);
  const more = command === undefined ? "dlc help" : `dlc help ${command.name}`;
  return new DlcError("bad-command-line", problem, {
    help: `${hint}See ${more}.`,
    reason: "usage",
  });
}
