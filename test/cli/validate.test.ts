/** @file `dlc validate`: what is checked, fixed, watched and printed. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { copyIris, dlc, documents, start, workFolder, write } from "../support/cli.js";

const folder = workFolder();
const here = { cwd: folder };

const withTypo = (name: string): string => {
  const file = copyIris(folder, name);
  writeFileSync(file, readFileSync(file, "utf8").replace("epochs:", "epoch:"));
  return file;
};

describe("validate", () => {
  it("says ok on stdout and nothing else", async () => {
    copyIris(folder, "sound");
    expect(await dlc(["validate", "sound/spec.yaml"], here)).toEqual({
      code: 0,
      signal: null,
      stdout: "sound/spec.yaml: ok\n",
      stderr: "",
    });
  });

  it("checks several files, and fails if one of them does", async () => {
    copyIris(folder, "sound");
    withTypo("typo");
    const files = ["sound/spec.yaml", "typo/spec.yaml", "gone.yaml"];
    const { code, stdout, stderr } = await dlc(["validate", ...files], here);
    expect(code).toBe(1);
    expect(stdout).toBe("sound/spec.yaml: ok\ntypo/spec.yaml: 1 error\ngone.yaml: 1 error\n");
    expect(stderr).toMatch(/error unknown-key: .*\n {2}typo\/spec\.yaml:\d+:3\n/);
    expect(stderr).toMatch(/error cannot-read: 'gone\.yaml'/);

    const json = await dlc(["validate", ...files, "--json"], here);
    expect(json).toMatchObject({ code: 1, stderr: "" });
    expect(documents(json.stdout)).toMatchObject([
      { schemaVersion: 1, file: files[0], errors: 0, diagnostics: [] },
      {
        file: files[1],
        errors: 1,
        diagnostics: [{ code: "unknown-key", span: { column: 3 }, fixes: [{ grade: "certain" }] }],
      },
      { file: files[2], errors: 1, diagnostics: [{ code: "cannot-read", span: null }] },
    ]);
  });

  it("applies certain fixes, and only those", async () => {
    const file = withTypo("mended");
    const before = readFileSync(file, "utf8");
    writeFileSync(file, `\ufeff${before.replaceAll("\n", "\r\n")}`);
    const fixed = await dlc(["validate", "mended/spec.yaml", "--fix"], here);
    expect(fixed).toMatchObject({ code: 0, stdout: "mended/spec.yaml: ok, 1 fixed\n", stderr: "" });
    const after = before.replace("epoch:", "epochs:").replaceAll("\n", "\r\n");
    expect(readFileSync(file, "utf8")).toBe(`\ufeff${after}`);

    writeFileSync(file, before.replace("epoch: 2", "epochs: -2"));
    const hopeless = await dlc(["validate", "mended/spec.yaml", "--fix"], here);
    expect(hopeless).toMatchObject({ code: 1, stdout: "mended/spec.yaml: 1 error\n" });
    expect(readFileSync(file, "utf8")).toBe(before.replace("epoch: 2", "epochs: -2"));
  });

  it("overrides parameters", async () => {
    const file = copyIris(folder, "wide");
    const text = readFileSync(file, "utf8").replace("dlc: 1", "dlc: 1\nparams: { width: 3 }");
    writeFileSync(file, text.replace(/dense: 3\b/, 'dense: "${width}"'));
    const validate = (...args: string[]) => dlc(["validate", "wide/spec.yaml", ...args], here);
    expect(await validate()).toMatchObject({ code: 0 });
    expect(await validate("--set", "width=3")).toMatchObject({ code: 0 });
    const four = await validate("--set", "width=4");
    expect(four).toMatchObject({ code: 1 });
    expect(four.stderr).toMatch(/^error class-count-mismatch: /);
    for (const name of ["witdh", "__proto__", "constructor"]) {
      expect(await validate("--set", `${name}=3`), name).toMatchObject({ code: 1 });
    }
  });

  it("looks at the data, unless told not to", async () => {
    const file = copyIris(folder, "dataless");
    writeFileSync(file, readFileSync(file, "utf8").replaceAll(/, scale: standard/g, ""));
    rmSync(join(folder, "dataless/iris.csv"));
    const checked = await dlc(["validate", "dataless/spec.yaml"], here);
    expect(checked).toMatchObject({ code: 1 });
    expect(checked.stderr).toMatch(/^error data-file-missing: .*\n {2}dataless\/spec\.yaml:\d+:/);
    expect(await dlc(["validate", "dataless/spec.yaml", "--no-data"], here)).toMatchObject({
      code: 0,
      stderr: "",
    });
  });

  it.each([
    ["gone.yaml", null, "cannot-read"],
    ["folder.yaml", "folder", "cannot-read"],
    ["latin1.yaml", Buffer.from("name: caf\xe9\n", "latin1"), "spec-not-utf8"],
    ["utf16.yaml", Buffer.from("\ufeffdlc: 1\n", "utf16le"), "spec-not-utf8"],
    ["binary.yaml", Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 1, 2]), "spec-not-utf8"],
    ["empty.yaml", "", "empty-file"],
    ["broken.yaml", "dlc: [1\n", "yaml-syntax"],
    ["table.yaml", "a,b\n1,2\n", "wrong-type"],
  ])("tells what is wrong with %s, for every command", async (name, content, code) => {
    if (content === "folder") mkdirSync(join(folder, name), { recursive: true });
    else if (content !== null) write(folder, name, content);
    const commands = ["validate", "build", "train", "inspect"];
    const outcomes = await Promise.all(commands.map((command) => dlc([command, name], here)));
    for (const outcome of outcomes) {
      expect(outcome.code).toBe(1);
      expect(outcome.stderr).toMatch(new RegExp(`^error ${code}: `));
      expect(outcome.stderr).not.toMatch(/^ +at /m);
      expect(outcome.stdout).toBe(outcome === outcomes[0] ? `${name}: 1 error\n` : "");
    }
  });
});

describe("validate --watch", () => {
  it("checks again after every change, also when the file goes and comes back", async () => {
    const file = withTypo("watched");
    const bad = readFileSync(file, "utf8");
    const { child, outcome, seen } = start(["validate", "watched/spec.yaml", "--watch"], here);
    await seen(/Watching for changes/);
    await seen(/spec\.yaml: 1 error\n/);
    writeFileSync(file, bad.replace("epoch:", "epochs:"));
    await seen(/spec\.yaml: ok\n/);
    rmSync(file);
    await seen(/cannot-read/);
    writeFileSync(file, bad.replace("epoch:", "epochs:"));
    await seen(/spec\.yaml: ok\n/, 2);
    child.kill("SIGINT");
    expect(await outcome).toMatchObject({ code: 130, signal: null });
  });

  it("watches what the spec extends", async () => {
    copyIris(folder, "base");
    write(folder, "child.yaml", "extends: base/spec.yaml\nname: child\n");
    const { child, outcome, seen } = start(["validate", "child.yaml", "--watch"], here);
    await seen(/Watching for changes/);
    writeFileSync(join(folder, "base/spec.yaml"), "dlc: 1\nnonsense: 1\n");
    await seen(/unknown-key: 'nonsense'/);
    child.kill("SIGTERM");
    expect(await outcome).toMatchObject({ code: 143 });
  });
});
