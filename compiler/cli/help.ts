/** @file Help texts, from the command table: examples first. */
import { exitCodes } from "@dlc/runtime/errors";
import { type CommandDef, commonOptions } from "./command.js";

const pad = (rows: readonly (readonly [string, string])[], indent = "  "): string => {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows
    .map(([left, right]) => `${indent}${left.padEnd(width)}  ${right}`.trimEnd())
    .join("\n");
};

/**
 * Help in all its forms: `dlc`, `dlc --help`, `dlc help x`, `dlc x --help`. Null if none is asked for,
 * or for something that does not exist.
 */
export function helpFor(argv: readonly string[], commands: readonly CommandDef[]): string | null {
  const asks = argv.includes("--help") || argv.includes("-h");
  const [first, second] = argv.filter(
    (word, i) => !word.startsWith("-") && argv[i - 1] !== "--color",
  );
  if (argv.length === 0 || (asks && first === undefined)) return overview(commands);
  if (!asks && argv[0] !== "help") return null;
  const topic = first === "help" ? second : first;
  if (topic === undefined) return overview(commands);
  if (topic === "exit-codes") return exitCodeHelp();
  const command = commands.find(({ name }) => name === topic);
  return command === undefined ? null : commandHelp(command);
}

/** `dlc help`. */
function overview(commands: readonly CommandDef[]): string {
  return `dlc compiles YAML model definitions into typed TypeScript training packages.

Examples:
${pad([
  ["dlc init my-model --template mnist-cnn", "start from a model that works"],
  ["dlc validate spec.yaml", "check everything that can be checked without training"],
  ["dlc train spec.yaml", "compile and train; the same command again continues"],
  ["dlc build spec.yaml --out generated", "write the TypeScript package"],
])}

Commands:
${pad([
  ...commands.map((c) => [c.name, c.summary] as const),
  ["help", "more about a command, or about exit-codes: dlc help train"],
])}

Every command takes --json, --color auto|always|never and --help.`;
}

/** `dlc help <command>`. */
function commandHelp(command: CommandDef): string {
  const usage = command.arguments.map(({ name, required, variadic }) => {
    const word = variadic ? `${name}...` : name;
    return required ? `<${word}>` : `[${word}]`;
  });
  const sections = [
    `dlc ${command.name}: ${command.summary}`,
    `Examples:\n${pad(command.examples.map(([line, effect]) => [`dlc ${line}`, effect]))}`,
    `Usage:\n  ${["dlc", command.name, ...usage, "[options]"].join(" ")}`,
  ];
  if (command.arguments.length > 0) {
    sections.push(`Arguments:\n${pad(command.arguments.map((a) => [a.name, a.description]))}`);
  }
  const options = [
    ...[...command.options, ...commonOptions].map((o): [string, string] => {
      const choices = o.choices ? ` (${o.choices.join(", ")})` : "";
      const fallback = o.default === undefined ? "" : ` [default: ${o.default}]`;
      return [o.flags, `${o.description}${choices}${fallback}`];
    }),
    ["-h, --help", "show this"] as const,
  ];
  sections.push(`Options:\n${pad(options)}`);
  return sections.join("\n\n");
}

const meanings: Readonly<Record<keyof typeof exitCodes, string>> = {
  ok: "done",
  failed: "the spec, the data or the input is at fault; diagnostics say how",
  usage: "the command line is at fault",
  drift: "--check found that generated files differ",
  stopped: "training stopped by policy: a non-finite loss, a budget",
  environment: "a needed engine, library or device is missing",
  internal: "a fault in dlc",
  io: "reading or writing failed: disk full, no permission",
  busy: "another process holds the run folder; try again",
  interrupted: "ended by SIGINT (Ctrl-C); what was trained is saved",
  terminated: "ended by SIGTERM; what was trained is saved",
};

/** `dlc help exit-codes`. */
function exitCodeHelp(): string {
  const rows = Object.entries(exitCodes).map(
    ([reason, code]) => [String(code), meanings[reason as keyof typeof exitCodes]] as const,
  );
  return `Exit codes:\n${pad(rows)}`;
}
