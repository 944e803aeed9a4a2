/** @file Where output goes and how: stdout and stderr, colour, closed pipes, faults of dlc itself. */
import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createConsole, wantsColor } from "../../compiler/cli/console.js";
import { tellFailure } from "../../compiler/cli/failure.js";
import { DlcError } from "../../runtime/errors.js";
import { binary, copyIris, dlc, documents, engineLine, start, workFolder } from "../support/cli.js";

const folder = workFolder();
const here = { cwd: folder };
const startOfColor = "\u001b[";

describe("colour", () => {
  it.each([
    ["nothing asks for it", [], {}, false],
    ["FORCE_COLOR", [], { FORCE_COLOR: "1" }, true],
    ["FORCE_COLOR=0", [], { FORCE_COLOR: "0" }, false],
    ["NO_COLOR wins over FORCE_COLOR", [], { NO_COLOR: "1", FORCE_COLOR: "1" }, false],
    ["--color always", ["--color", "always"], {}, true],
    ["--color always wins over NO_COLOR", ["--color=always"], { NO_COLOR: "1" }, true],
    ["--color never wins over FORCE_COLOR", ["--color", "never"], { FORCE_COLOR: "1" }, false],
  ])("%s", async (_, args, env, colored) => {
    const message = await dlc(["validate", "gone.yaml", ...args], { ...here, env });
    expect(message.stderr.includes(startOfColor)).toBe(colored);
    expect(message.stdout).not.toContain(startOfColor);
    const usage = await dlc(["train", "--nonsense", ...args], { ...here, env });
    expect(usage.stderr.includes(startOfColor)).toBe(colored);
    const result = await dlc(["explain", "csv-syntax", ...args], { ...here, env });
    expect(result.stdout.includes(startOfColor)).toBe(colored);
    const json = await dlc(["explain", "csv-syntax", "--json", ...args], { ...here, env });
    expect(json.stdout).not.toContain(startOfColor);
  });

  it("is for terminals that can show it, each stream by itself", () => {
    expect(wantsColor(undefined, {}, true)).toBe(true);
    expect(wantsColor("auto", { NO_COLOR: "" }, true)).toBe(true);
    expect(wantsColor("auto", { TERM: "dumb" }, true)).toBe(false);
    const terminal = Object.assign(Object.create(process.stderr), { isTTY: true });
    const file = Object.assign(Object.create(process.stdout), { isTTY: false });
    const options = { json: false, color: undefined };
    const console = createConsole(options, {}, { stdout: file, stderr: terminal });
    expect(console.colors.isColorSupported).toBe(true);
    expect(console.resultColors.isColorSupported).toBe(false);
    expect(console.live).toBe(true);
  });
});

describe("streams", () => {
  it("keep results and messages apart", async () => {
    copyIris(folder, "apart");
    const train = await dlc(["train", "apart/spec.yaml"], here);
    expect(train.stdout.split("\n")).toHaveLength(2);
    const failed = await dlc(["train", "gone.yaml"], here);
    expect(failed.stdout).toBe("");
    expect(failed.stderr.endsWith("\n")).toBe(true);
  });

  it("may be closed early by the reader", async () => {
    copyIris(folder, "piped");
    await dlc(["train", "piped/spec.yaml"], here);
    const { child, outcome } = start(["predict", "runs/piped"], { ...here, open: true });
    child.stdout?.destroy();
    const rows = '{"sepal_length":5,"sepal_width":3,"petal_length":1,"petal_width":1}\n';
    child.stdin?.end(rows.repeat(2000));
    expect(await outcome).toMatchObject({ code: 0, stderr: expect.stringMatching(engineLine) });
  });

  it.runIf(existsSync("/dev/full"))("that cannot be written end with exit code 74", () => {
    for (const args of [["--help"], ["explain", "untrained"], ["explain", "untrained", "--json"]]) {
      const full = openSync("/dev/full", "w");
      const { status, stderr } = spawnSync(process.execPath, [binary, ...args], {
        stdio: ["ignore", full, "pipe"],
        encoding: "utf8",
      });
      closeSync(full);
      expect(status).toBe(74);
      expect(stderr).toMatch(/^error io-error: the result cannot be written to stdout: .*space/);
      expect(stderr).not.toMatch(/^ +at /m);
    }
  });

  it.runIf(existsSync("/proc/self"))("into places that take no folder end with 74", async () => {
    copyIris(folder, "nowhere");
    for (const args of [
      ["build", "nowhere/spec.yaml", "--out", "/proc/dlc"],
      ["train", "nowhere/spec.yaml", "--runs", "/proc/dlc"],
    ]) {
      const { code, stderr } = await dlc(args, here);
      expect(code).toBe(74);
      expect(stderr).toMatch(/^error [a-z-]+: .*there is no such file or folder/);
    }
  });

  it("print documents for mistakes too with --json", async () => {
    const { stdout, stderr } = await dlc(["eval", "nothing", "--json"], here);
    expect(stderr).toBe("");
    expect(documents(stdout)).toMatchObject([
      { schemaVersion: 1, error: { code: "no-trained-model", help: expect.any(String) } },
    ]);
  });
});

describe("a failure", () => {
  function told(error: unknown, json = false): { code: number; stdout: string; stderr: string } {
    let stdout = "";
    let stderr = "";
    const stream = (write: (text: string) => void) =>
      Object.assign(Object.create(process.stdout), { write, isTTY: false });
    const console = createConsole(
      { json, color: "never" },
      {},
      {
        stdout: stream((text) => {
          stdout += text;
        }),
        stderr: stream((text) => {
          stderr += text;
        }),
      },
    );
    return { code: tellFailure(error, console), stdout, stderr };
  }

  it("of dlc itself asks for a report and ends with exit code 70", () => {
    const { code, stdout, stderr } = told(new TypeError("x is not a function"));
    expect({ code, stdout }).toEqual({ code: 70, stdout: "" });
    expect(stderr).toMatch(/^internal error: a fault in dlc.*\nTypeError: x is not/);
    expect(stderr).toMatch(/Please report it/);
    expect(documents(told(new TypeError("x"), true).stdout)).toMatchObject([
      { error: { code: "internal", message: "x" } },
    ]);
    expect(told("thrown text").code).toBe(70);
  });

  it("of the system names the path and ends with exit code 74", () => {
    const error = Object.assign(new Error("ENOSPC: no space left"), { code: "ENOSPC", path: "/x" });
    const { code, stderr } = told(error);
    expect(code).toBe(74);
    expect(stderr).toMatch(/^error io-error: \/x: there is no space left on the disk\n {2}help: /);
  });

  it("shows nothing of a name that would change the terminal", () => {
    const { stderr } = told(new DlcError("x", "a\u202eb\u001b[31m", { place: "c\u0007" }));
    expect(stderr).toBe("error x: a\\u{202e}b\\u{1b}[31m\n  c\\u{7}\n");
  });

  it("of another copy of the runtime is one of the user's too", () => {
    class DlcErrorOfAnotherCopy extends Error {
      override readonly name = "DlcError";
      readonly code = "untrained";
      readonly place = null;
      readonly help = "Train.";
      readonly reason = "failed";
    }
    expect(told(new DlcErrorOfAnotherCopy("no weights"))).toEqual({
      code: 1,
      stdout: "",
      stderr: "error untrained: no weights\n  help: Train.\n",
    });
  });
});

it("runs through a link, as npm installs it", () => {
  symlinkSync(binary, join(folder, "dlc"));
  const output = execFileSync(join(folder, "dlc"), ["--version"], { encoding: "utf8" });
  expect(output).toMatch(/^\d+\.\d+\.\d+\n$/);
});
