/** @file `dlc completion`: scripts for shells, generated from the command table. */
import { DlcError } from "@dlc/runtime/errors";
import { type CommandDef, commonOptions, type OptionDef, type Run } from "../command.js";

type Commands = readonly CommandDef[];

const optionsOf = (command: CommandDef): readonly OptionDef[] => [
  ...command.options,
  ...commonOptions,
];
const longFlag = ({ flags }: OptionDef): string => /--[\w-]+/.exec(flags)?.[0] ?? "";
const flagsOf = (command: CommandDef): string[] => [...optionsOf(command).map(longFlag), "--help"];
const namesOf = (commands: Commands): string[] => [...commands.map(({ name }) => name), "help"];
const topicsOf = (commands: Commands): string[] => [
  ...commands.map(({ name }) => name),
  "exit-codes",
];
/** Words that an argument of the command may be. */
const wordsOf = (command: CommandDef): string[] =>
  command.arguments.flatMap(({ words }) => words ?? []);
/** Flags whose values are among a few, the same for every command that has them. */
function choicesOf(commands: Commands): [flag: string, choices: readonly string[]][] {
  const all = commands.flatMap((command) => optionsOf(command));
  return [
    ...new Map(
      all.flatMap((option) => (option.choices ? [[longFlag(option), option.choices]] : [])),
    ),
  ];
}

function bash(commands: Commands): string {
  const values = choicesOf(commands).map(
    ([flag, choices]) =>
      `    ${flag}) COMPREPLY=( $(compgen -W "${choices.join(" ")}" -- "$current") ); return ;;`,
  );
  const cases = commands.map(
    (c) => `    ${c.name}) words="${[...flagsOf(c), ...wordsOf(c)].join(" ")}" ;;`,
  );
  return `# bash completion for dlc
_dlc() {
  local current="\${COMP_WORDS[COMP_CWORD]}" words=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=( $(compgen -W "${namesOf(commands).join(" ")}" -- "$current") )
    return
  fi
  case "\${COMP_WORDS[COMP_CWORD-1]}" in
${values.join("\n")}
  esac
  case "\${COMP_WORDS[1]}" in
${cases.join("\n")}
    help) words="${topicsOf(commands).join(" ")}" ;;
  esac
  COMPREPLY=( $(compgen -W "$words" -- "$current") $(compgen -f -- "$current") )
}
complete -o filenames -F _dlc dlc`;
}

function zsh(commands: Commands): string {
  const values = choicesOf(commands).map(
    ([flag, choices]) => `    ${flag}) compadd -- ${choices.join(" ")}; return ;;`,
  );
  const cases = commands.map(
    (c) => `    ${c.name}) compadd -- ${[...flagsOf(c), ...wordsOf(c)].join(" ")}; _files ;;`,
  );
  return `#compdef dlc
_dlc() {
  if (( CURRENT == 2 )); then
    compadd -- ${namesOf(commands).join(" ")}
    return
  fi
  case "$words[CURRENT-1]" in
${values.join("\n")}
  esac
  case "$words[2]" in
${cases.join("\n")}
    help) compadd -- ${topicsOf(commands).join(" ")} ;;
  esac
}
# As a file in fpath this is the body of _dlc itself; sourced, it registers the function.
if [ "$funcstack[1]" = "_dlc" ]; then _dlc "$@"; else compdef _dlc dlc; fi`;
}

function fish(commands: Commands): string {
  const text = (words: string): string =>
    `'${words.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  const lines = commands.flatMap((c) => [
    `complete -c dlc -n __fish_use_subcommand -f -a ${c.name} -d ${text(c.summary)}`,
    ...optionsOf(c).map((option) => {
      const value = option.choices ? ` -x -a '${option.choices.join(" ")}'` : "";
      const needs = option.flags.includes("<") && value === "" ? " -r" : "";
      return `complete -c dlc -n '__fish_seen_subcommand_from ${c.name}' -l ${longFlag(option).slice(2)}${needs}${value} -d ${text(option.description)}`;
    }),
    ...(wordsOf(c).length === 0
      ? []
      : [
          `complete -c dlc -n '__fish_seen_subcommand_from ${c.name}' -f -a '${wordsOf(c).join(" ")}'`,
        ]),
  ]);
  return [
    "# fish completion for dlc",
    ...lines,
    "complete -c dlc -n __fish_use_subcommand -f -a help -d 'more about a command'",
    `complete -c dlc -n '__fish_seen_subcommand_from help' -f -a '${topicsOf(commands).join(" ")}'`,
  ].join("\n");
}

function powershell(commands: Commands): string {
  const list = (words: readonly string[]): string => words.map((word) => `'${word}'`).join(", ");
  const values = choicesOf(commands).map(
    ([flag, choices]) => `    '${flag}' { ${list(choices)}; break }`,
  );
  const cases = commands.map(
    (c) => `      '${c.name}' { ${list([...flagsOf(c), ...wordsOf(c)])} }`,
  );
  return `# PowerShell completion for dlc
Register-ArgumentCompleter -Native -CommandName dlc -ScriptBlock {
  param($word, $ast, $position)
  $before = @($ast.CommandElements | Where-Object { $_.Extent.EndOffset -lt $position } | ForEach-Object { "$_" })
  $words = if ($before.Count -le 1) { ${list(namesOf(commands))} } else {
    switch ($before[-1]) {
${values.join("\n")}
    default { switch ($before[1]) {
${cases.join("\n")}
      'help' { ${list(topicsOf(commands))} }
    } }
    }
  }
  $words | Where-Object { $_ -like "$word*" } | ForEach-Object { [System.Management.Automation.CompletionResult]::new($_) }
}`;
}

const scripts: Readonly<Record<string, (commands: Commands) => string>> = {
  bash,
  zsh,
  fish,
  powershell,
};

export const run: Run = async ({ args, commands, console }) => {
  const shell = args[0] as string;
  const script = Object.hasOwn(scripts, shell) ? scripts[shell] : undefined;
  if (script === undefined) {
    throw new DlcError("unknown-shell", `there is no completion for '${shell}'`, {
      help: `Shells: ${Object.keys(scripts).join(", ")}.`,
      reason: "usage",
    });
  }
  if (console.json) console.document({ shell, script: script(commands) });
  else console.result(script(commands));
  return "ok";
};
