/** @file Help, version and mistakes in the command line itself. */
import { describe, expect, it } from "vitest";
import { commands } from "../../compiler/cli/commands/index.js";
import { parseArguments } from "../../compiler/cli/parse.js";
import { version } from "../../compiler/version.js";
import { exitCodes } from "../../runtime/errors.js";
import { dlc, documents } from "../support/cli.js";

const failed = /^error [a-z-]+: /;

describe("help", () => {
  it("lists every command, whichever way it is asked for", async () => {
    const forms = [[], ["--help"], ["-h"], ["help"], ["help", "--color", "never"]];
    const [first, ...others] = await Promise.all(forms.map((form) => dlc(form)));
    expect(first).toMatchObject({ code: 0, stderr: "" });
    for (const { name, summary } of commands) {
      expect(first?.stdout).toMatch(new RegExp(`^  ${name} +${summary.slice(0, 20)}`, "m"));
    }
    for (const other of others) expect(other).toEqual(first);
  });

  it.each(commands.map(({ name }) => name))("tells about %s, examples first", async (name) => {
    const [asTopic, asOption] = await Promise.all([dlc(["help", name]), dlc([name, "--help"])]);
    expect(asTopic).toMatchObject({ code: 0, stderr: "" });
    expect(asOption).toEqual(asTopic);
    const sections = asTopic.stdout.match(/^\w+(?=:$)/gm);
    expect(sections?.slice(0, 2)).toEqual(["Examples", "Usage"]);
    expect(asTopic.stdout).toMatch(/--json/);
  });

  it("tells the exit codes, which are frozen", async () => {
    expect(exitCodes).toEqual({
      ok: 0,
      failed: 1,
      usage: 2,
      drift: 3,
      stopped: 4,
      environment: 5,
      internal: 70,
      io: 74,
      busy: 75,
      interrupted: 130,
      terminated: 143,
    });
    const { code, stdout } = await dlc(["help", "exit-codes"]);
    expect(code).toBe(0);
    const told = [...stdout.matchAll(/^ +(\d+) +\S/gm)].map((match) => Number(match[1]));
    expect(told).toEqual(Object.values(exitCodes));
  });

  it("prints the version", async () => {
    for (const flag of ["--version", "-V"]) {
      expect(await dlc([flag])).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: "" });
    }
  });

  it("is a document with --json", async () => {
    const [asTopic] = documents((await dlc(["help", "--json"])).stdout);
    expect(asTopic).toMatchObject({ help: expect.stringContaining("Commands:") });
    const [ofCommand] = documents((await dlc(["train", "--help", "--json"])).stdout);
    expect(ofCommand).toMatchObject({ help: expect.stringContaining("Options:") });
    const [asked] = documents((await dlc(["--version", "--json"])).stdout);
    expect(asked).toMatchObject({ version });
  });

  it("shows only examples that the command understands", () => {
    for (const { name, examples } of commands) {
      expect(examples.length).toBeGreaterThan(0);
      for (const [line] of examples) {
        // What the shell takes for itself.
        const words = line.replace(/ [<>] .*$/, "").split(" ");
        expect(parseArguments(words, commands).definition.name).toBe(name);
      }
    }
  });
});

describe("a mistake in the command line", () => {
  it.each([
    [["trian", "spec.yaml"], /unknown command 'trian'/, /Did you mean train\?/],
    [["help", "bulid"], /unknown command 'bulid'/, /Did you mean build\?/],
    [["nothing-like-it"], /unknown command/, /See dlc help\./],
    [["nothing-like-it", "--help"], /unknown command/, /See dlc help\./],
    [["train", "a.yaml", "--frsh"], /unknown option '--frsh'/, /Did you mean --fresh\?/],
    [["train"], /missing required argument 'spec'/, /See dlc help train\./],
    [["train", "a.yaml", "b.yaml"], /too many arguments/, /See dlc help train\./],
    [["train", "a.yaml", "--threads", "two"], /'two' is invalid/, /help train/],
    [["train", "a.yaml", "--threads", "0"], /'0' is invalid/, /help train/],
    [["train", "a.yaml", "--runs"], /argument missing/, /help train/],
    [["train", "a.yaml", "--set", "width"], /<parameter>=<value>/, /help train/],
    [["train", "a.yaml", "--color", "purple"], /auto, always, never/, /help train/],
    [["eval", "a.yaml", "--split", "tets"], /test, validation, train/, /help eval/],
    [["build", "a.yaml", "--out", ""], /'' is invalid/, /help build/],
    [["build", "a.yaml", "--check", "--force"], /--check/, /one of the two/],
    [["generate", "a.yaml", "--count", "9999999"], /from 1 to 999999/, /help generate/],
    [["--json"], undefined, undefined],
  ])("%j ends with exit code 2 and a hint", async (args, problem, hint) => {
    const { code, stdout, stderr } = await dlc(args);
    expect(code).toBe(exitCodes.usage);
    if (problem === undefined) {
      expect(documents(stdout)).toMatchObject([{ error: { code: "bad-command-line" } }]);
      return;
    }
    expect(stdout).toBe("");
    const [first, second, ...rest] = stderr.trimEnd().split("\n");
    expect(first).toMatch(failed);
    expect(first).toMatch(problem);
    expect(second).toMatch(/^ {2}help: /);
    expect(second).toMatch(hint);
    expect(rest).toEqual([]);
  });
});
