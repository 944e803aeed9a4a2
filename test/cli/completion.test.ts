/** @file `dlc completion`: scripts that their shells accept and that complete. */
import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { commands } from "../../compiler/cli/commands/index.js";
import { dlc, documents, workFolder, write } from "../support/cli.js";

const folder = workFolder();
const isInstalled = (shell: string): boolean =>
  spawnSync(shell, ["-c", "exit 0"], { stdio: "ignore" }).status === 0;

async function script(shell: string): Promise<string> {
  const { code, stdout, stderr } = await dlc(["completion", shell]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return write(folder, `dlc.${shell}`, stdout);
}

/** How each shell checks a script's syntax. */
const checks: Readonly<Record<string, readonly string[]>> = {
  bash: ["-n"],
  zsh: ["-n"],
  fish: ["--no-execute"],
};

describe.each(["bash", "zsh", "fish", "powershell"])("%s", (shell) => {
  it("knows every command and every flag", async () => {
    const { stdout } = await dlc(["completion", shell, "--json"]);
    const [{ script: text = "" } = {}] = documents(stdout);
    for (const { name, options } of commands) {
      expect(text).toMatch(new RegExp(`\\b${name}\\b`));
      for (const { flags } of options) {
        const flag = /--([\w-]+)/.exec(flags)?.[1] ?? "none";
        expect(text).toMatch(new RegExp(`(--|-l )${flag}\\b`));
      }
    }
  });

  const check = checks[shell];
  it.runIf(check !== undefined && isInstalled(shell))("accepts the script", async () => {
    execFileSync(shell, [...(check ?? []), await script(shell)], { stdio: "pipe" });
  });
});

it.runIf(isInstalled("bash"))("bash completes commands, flags and choices", async () => {
  const file = await script("bash");
  const complete = (...words: string[]): string[] => {
    const quoted = words.map((word) => `'${word}'`).join(" ");
    const lines = `source ${file}; COMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; _dlc; echo "\${COMPREPLY[@]}"`;
    return execFileSync("bash", ["-c", lines], { cwd: folder, encoding: "utf8" }).trim().split(" ");
  };
  expect(complete("dlc", "tr")).toEqual(["train"]);
  expect(complete("dlc", "build", "--print")).toEqual(["--print-after"]);
  expect(complete("dlc", "eval", "--split", "va")).toEqual(["validation"]);
  expect(complete("dlc", "completion", "po")).toEqual(["powershell"]);
  write(folder, "my-spec.yaml", "");
  expect(complete("dlc", "train", "my-")).toEqual(["my-spec.yaml"]);
});

it.runIf(isInstalled("fish"))("fish completes commands, flags and choices", async () => {
  const file = await script("fish");
  const complete = (line: string): string[] =>
    execFileSync("fish", ["-c", `source ${file}; complete -C '${line}'`], {
      env: { ...process.env, HOME: join(folder, "home") },
      encoding: "utf8",
    })
      .trim()
      .split("\n")
      .map((entry) => entry.split("\t")[0] ?? "");
  expect(complete("dlc tr")).toEqual(["train"]);
  expect(complete("dlc build --print")).toEqual(["--print-after"]);
  expect(complete("dlc eval --split va")).toEqual(["validation"]);
  expect(complete("dlc completion po")).toEqual(["powershell"]);
});

it("refuses other shells", async () => {
  const { code, stderr } = await dlc(["completion", "tcsh"]);
  expect(code).toBe(2);
  expect(stderr).toMatch(/^error unknown-shell: .*\n.*bash, zsh, fish, powershell/);
});
