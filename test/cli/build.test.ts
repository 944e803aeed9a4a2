/** @file `dlc build`: where the package goes, what is never overwritten, what is printed. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { allPasses } from "../../compiler/4-optimize/index.js";
import { stageNames } from "../../compiler/pipeline.js";
import { copyIris, dlc, documents, start, workFolder, write } from "../support/cli.js";

const folder = workFolder();
const here = { cwd: folder };

describe("build", () => {
  it("writes generated/<name>, and nothing when nothing changed", async () => {
    copyIris(folder, "first");
    const built = await dlc(["build", "first/spec.yaml"], here);
    expect(built).toMatchObject({ code: 0, stderr: "" });
    expect(built.stdout).toMatch(/^generated\/first: \d+ files written, 0 unchanged\n$/);
    const index = join(folder, "generated/first/index.js");
    const { mtimeMs } = statSync(index);
    const again = await dlc(["build", "first/spec.yaml", "--json"], here);
    expect(documents(again.stdout)).toMatchObject([
      { schemaVersion: 1, ok: true, written: [], removed: [], drift: [] },
    ]);
    expect(statSync(index).mtimeMs).toBe(mtimeMs);
  });

  it("goes where --out says, short or long, and nowhere else", async () => {
    copyIris(folder, "elsewhere");
    expect(await dlc(["build", "elsewhere/spec.yaml", "-o", "a/b"], here)).toMatchObject({
      code: 0,
    });
    expect(await dlc(["build", "elsewhere/spec.yaml", "--out", "c"], here)).toMatchObject({
      code: 0,
    });
    expect(existsSync(join(folder, "a/b/elsewhere/index.js"))).toBe(true);
    expect(readdirSync(join(folder, "c"))).toEqual(["elsewhere"]);
    expect(existsSync(join(folder, "generated/elsewhere"))).toBe(false);
  });

  it("refuses to overwrite what was edited, unless forced", async () => {
    copyIris(folder, "edited");
    await dlc(["build", "edited/spec.yaml"], here);
    const file = join(folder, "generated/edited/infer.ts");
    const original = readFileSync(file, "utf8");
    writeFileSync(file, `${original}// mine\n`);
    const refused = await dlc(["build", "edited/spec.yaml"], here);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toMatch(/^error output-edited: .*infer\.ts/);
    expect(readFileSync(file, "utf8")).toBe(`${original}// mine\n`);
    const forced = await dlc(["build", "edited/spec.yaml", "--force"], here);
    expect(forced).toMatchObject({ code: 0 });
    expect(forced.stdout).toMatch(/: 1 file written, /);
    expect(readFileSync(file, "utf8")).toBe(original);
  });

  it("refuses a folder with somebody's files of these names", async () => {
    copyIris(folder, "foreign");
    write(folder, "generated/foreign/index.ts", "mine\n");
    const { code, stderr } = await dlc(["build", "foreign/spec.yaml"], here);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error output-not-ours: /);
    expect(readdirSync(join(folder, "generated/foreign"))).toEqual(["index.ts"]);
  });

  it("ends with exit code 74 where it cannot write", async () => {
    copyIris(folder, "blocked");
    write(folder, "file", "not a folder");
    const { code, stdout, stderr } = await dlc(["build", "blocked/spec.yaml", "-o", "file"], here);
    expect({ code, stdout }).toEqual({ code: 74, stdout: "" });
    expect(stderr).toMatch(/^error output-not-writable: /);
  });

  it("prints the graphs after a pass, and how long everything took", async () => {
    copyIris(folder, "told");
    const { code, stdout, stderr } = await dlc(
      [
        "build",
        "told/spec.yaml",
        "--print-after",
        "fuse-linear",
        "--print-after",
        "legalize",
        "--time",
      ],
      here,
    );
    expect(code).toBe(0);
    for (const pass of ["fuse-linear", "legalize"]) {
      expect(stdout).toMatch(new RegExp(`^// train after ${pass}\ngraph train\\(`, "m"));
    }
    expect(stderr).not.toMatch(/graph train/);
    const args = ["build", "told/spec.yaml", "--print-after", "fuse-linear", "--json"];
    const [document] = documents((await dlc(args, here)).stdout);
    expect(document?.graphs).toContainEqual({
      program: "train",
      pass: "fuse-linear",
      run: 1,
      graph: expect.stringMatching(/^graph train\(/),
    });
    for (const name of [...stageNames, "emit"]) {
      expect(stderr).toMatch(new RegExp(`^ +\\d+\\.\\d ms {2}${name}$`, "m"));
    }
  });

  it("knows every pass by its name, and suggests one", async () => {
    copyIris(folder, "pass");
    const unknown = await dlc(["build", "pass/spec.yaml", "--print-after", "fuse-linaer"], here);
    expect(unknown).toMatchObject({ code: 2, stdout: "" });
    expect(unknown.stderr).toMatch(/^error unknown-pass: .*\n.*Did you mean 'fuse-linear'\?/);
    for (const { name } of allPasses) expect(unknown.stderr).toContain(name);
  });
});

describe("build --check", () => {
  it("accepts what is up to date", async () => {
    copyIris(folder, "fresh");
    await dlc(["build", "fresh/spec.yaml"], here);
    expect(await dlc(["build", "fresh/spec.yaml", "--check"], here)).toMatchObject({
      code: 0,
      stdout: "generated/fresh: up to date\n",
      stderr: "",
    });
  });

  it("ends with exit code 3, shows the difference and writes nothing", async () => {
    const spec = copyIris(folder, "drifted");
    await dlc(["build", "drifted/spec.yaml"], here);
    const file = join(folder, "generated/drifted/infer.ts");
    const original = readFileSync(file, "utf8");
    writeFileSync(file, `${original}// mine\n`);
    const edited = await dlc(["build", "drifted/spec.yaml", "--check"], here);
    expect(edited.code).toBe(3);
    expect(edited.stdout).toMatch(
      /^--- a\/infer\.ts\n\+\+\+ b\/infer\.ts\n@@ .*\n(?: .*\n)+-\/\/ mine\n/,
    );
    expect(edited.stderr).toMatch(/generated\/drifted: 1 file differs/);

    writeFileSync(file, original);
    writeFileSync(spec, readFileSync(spec, "utf8").replace("setosa,", "sertosa,"));
    const json = await dlc(["build", "drifted/spec.yaml", "--check", "--no-data", "--json"], here);
    // Only validate can leave the data aside.
    expect(json.code).toBe(2);
    writeFileSync(
      spec,
      readFileSync(spec, "utf8").replace("sertosa,", "setosa,").replace("units: 16", "units: 9"),
    );
    const changed = await dlc(["build", "drifted/spec.yaml", "--check", "--json"], here);
    expect(changed).toMatchObject({ code: 3, stderr: "" });
    const [{ drift, ...rest } = {}] = documents(changed.stdout);
    expect(rest).toMatchObject({ ok: false, written: [], removed: [] });
    expect((drift as { path: string }[]).map(({ path }) => path)).toContain("train.ts");
    expect(readFileSync(file, "utf8")).toBe(original);
  });

  it("finds a package that is not there", async () => {
    copyIris(folder, "absent");
    const { code, stdout } = await dlc(["build", "absent/spec.yaml", "--check"], here);
    expect(code).toBe(3);
    expect(stdout).toMatch(/^\+\+\+ b\/index\.ts$/m);
    expect(existsSync(join(folder, "generated/absent"))).toBe(false);
  });
});

describe("build --watch", () => {
  it("builds again after a change and keeps the last good package", async () => {
    const spec = copyIris(folder, "living");
    const text = readFileSync(spec, "utf8");
    mkdirSync(join(folder, "out"), { recursive: true });
    const { child, outcome, seen } = start(
      ["build", "living/spec.yaml", "--watch", "-o", "out"],
      here,
    );
    await seen(/files written/);
    await seen(/Watching for changes/);
    const train = join(folder, "out/living/train.ts");
    const before = readFileSync(train, "utf8");
    writeFileSync(spec, text.replace("epochs:", "epoch:"));
    await seen(/error unknown-key/);
    expect(readFileSync(train, "utf8")).toBe(before);
    writeFileSync(spec, text.replace("units: 16", "units: 9"));
    await seen(/files written/, 2);
    expect(readFileSync(train, "utf8")).not.toBe(before);
    child.kill("SIGINT");
    expect(await outcome).toMatchObject({ code: 130 });
  });
});
