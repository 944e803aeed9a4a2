/** @file `dlc completion`: scripts for shells, generated from the command table. */
import { DlcError } from "@dlc/runtime/errors";
import { type CommandDef, commonOptions, type Run } from "../command.js";

/** The long flags of a command, common ones included. */
function flagsOf(command: CommandDef): string[] {
  const all = [...command.options, ...commonOptions];
  return [...all.flatMap(({ flags }) => /--[\w-]+/.exec(flags) ?? []), "--help"];
}

const names = (commands: readonly CommandDef[]): string =>
  commands.map(({ name }) => name).join(" ");

function bash(commands: readonly CommandDef[]): string {
  const cases = commands
    .map((c) => {
      const words = c.arguments.flatMap((a) =>
        a.complete && "words" in a.complete ? a.complete.words : [],
      );
      return `    ${c.name}) words="${[...flagsOf(c), ...words].join(" ")}" ;;`;
    })
    .join("\n");
  return `# bash completion for dlc
_dlc() {
  local current="\${COMP_WORDS[COMP_CWORD]}" words=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=( $(compgen -W "${names(commands)} help" -- "$current") )
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases}
    help) words="${names(commands)} exit-codes" ;;
  esac
  COMPREPLY=( $(compgen -W "$words" -- "$current") $(compgen -f -- "$current") )
}
complete -o filenames -F _dlc dlc`;
}

function zsh(commands: readonly CommandDef[]): string {
  const cases = commands
    .map((c) => `    ${c.name}) compadd -- ${flagsOf(c).join(" ")}; _files ;;`)
    .join("\n");
  return `#compdef dlc
_dlc() {
  if (( CURRENT == 2 )); then
    compadd -- ${names(commands)} help
    return
  fi
  case "$words[2]" in
${cases}
    help) compadd -- ${names(commands)} exit-codes ;;
  esac
}
compdef _dlc dlc`;
}

function fish(commands: readonly CommandDef[]): string {
  const lines = commands.flatMap((c) => [
    `complete -c dlc -n __fish_use_subcommand -a ${c.name} -d '${c.summary.replaceAll("'", "\\'")}'`,
    ...flagsOf(c).map(
      (flag) => `complete -c dlc -n '__fish_seen_subcommand_from ${c.name}' -l ${flag.slice(2)}`,
    ),
  ]);
  return ["# fish completion for dlc", ...lines].join("\n");
}

function powershell(commands: readonly CommandDef[]): string {
  const cases = commands
    .map(
      (c) =>
        `    '${c.name}' { ${flagsOf(c)
          .map((f) => `'${f}'`)
          .join(", ")} }`,
    )
    .join("\n");
  const all = commands.map(({ name }) => `'${name}'`).join(", ");
  return `# PowerShell completion for dlc
Register-ArgumentCompleter -Native -CommandName dlc -ScriptBlock {
  param($word, $ast)
  $elements = $ast.CommandElements
  $words = if ($elements.Count -le 2 -and $word) { ${all}, 'help' } else { switch ($elements[1].Value) {
${cases}
  } }
  $words | Where-Object { $_ -like "$word*" } | ForEach-Object { [System.Management.Automation.CompletionResult]::new($_) }
}`;
}

const scripts: Readonly<Record<string, (commands: readonly CommandDef[]) => string>> = {
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
