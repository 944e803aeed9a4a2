/** @file Writing packages: only ours is overwritten, only inside the folder, only when it differs. */
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { EmittedPackage } from "../../compiler/5-emit/emit-package.js";
import { manifestPath } from "../../compiler/5-emit/manifest.js";
import { writePackage } from "../../compiler/5-emit/write-package.js";

let out: string;
beforeEach(() => {
  out = mkdtempSync(join(tmpdir(), "dlc-emit-"));
});
afterEach(() => rmSync(out, { recursive: true, force: true }));

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

function emitted(files: Record<string, string>): EmittedPackage {
  const hashes = Object.fromEntries(
    Object.entries(files).map(([path, text]) => [path, sha256(text)]),
  );
  const manifest = { format: 1, name: "net", dlcVersion: "1", specHash: "", files: hashes };
  return {
    name: "net",
    files: new Map([...Object.entries(files), [manifestPath, JSON.stringify(manifest)]]),
  };
}

const first = emitted({ "index.ts": "one\ntwo\nthree\n", "train.ts": "train\n" });
const second = emitted({ "index.ts": "one\n2\nthree\n", "infer.ts": "infer\n" });
const at = (path: string): string => join(out, "net", path);
const read = (path: string): string => readFileSync(at(path), "utf8");

/** Every file below the output folder with its content. */
const everything = (): Record<string, string> =>
  Object.fromEntries(
    readdirSync(out, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((file) => [file, readFileSync(file, "utf8")]),
  );

it("writes every file of a package and nothing else", () => {
  const result = writePackage(first, out);
  expect(result.diagnostics).toEqual([]);
  expect(result.folder).toBe(join(out, "net"));
  expect(Object.keys(everything())).toEqual([...first.files.keys()].map(at).sort());
  expect(read("index.ts")).toBe("one\ntwo\nthree\n");
});

it("leaves equal files untouched", () => {
  writePackage(first, out);
  const past = new Date(1e9);
  for (const path of first.files.keys()) utimesSync(at(path), past, past);
  const again = writePackage(first, out);
  expect(again).toMatchObject({ written: [], removed: [], drift: [] });
  expect([...again.unchanged].sort()).toEqual([...first.files.keys()].sort());
  for (const path of first.files.keys()) expect(statSync(at(path)).mtime).toEqual(past);
});

it("replaces what changed and removes its own files that are no longer generated", () => {
  writePackage(first, out);
  const result = writePackage(second, out);
  expect([...result.written].sort()).toEqual([manifestPath, "index.ts", "infer.ts"].sort());
  expect(result.removed).toEqual(["train.ts"]);
  expect(Object.keys(everything())).toEqual([...second.files.keys()].map(at).sort());
});

it("removes folders that its stale files leave empty, and no others", () => {
  const nested = emitted({ "a/b/old.ts": "old\n", "c/old.ts": "old\n" });
  writePackage(nested, out);
  writeFileSync(at("c/mine.txt"), "mine");
  writePackage(first, out);
  expect(existsSync(at("a"))).toBe(false);
  expect(read("c/mine.txt")).toBe("mine");
});

it("refuses to overwrite or remove edited files, all named at once, and writes nothing", () => {
  writePackage(first, out);
  writeFileSync(at("index.ts"), "mine\n");
  writeFileSync(at("train.ts"), "mine too\n");
  const before = everything();
  const result = writePackage(second, out);
  expect(result.diagnostics.map(({ code }) => code)).toEqual(["output-edited", "output-edited"]);
  expect(result.diagnostics[0]?.message).toContain(at("index.ts"));
  expect(result).toMatchObject({ written: [], removed: [] });
  expect(everything()).toEqual(before);
});

it("accepts an edit that makes the file what it is to become", () => {
  writePackage(first, out);
  writeFileSync(at("index.ts"), "one\n2\nthree\n");
  expect(writePackage(second, out).diagnostics).toEqual([]);
});

it("refuses to overwrite files that it never wrote", () => {
  mkdirSync(at("."), { recursive: true });
  writeFileSync(at("index.ts"), "mine\n");
  const result = writePackage(first, out);
  expect(result.diagnostics.map(({ code }) => code)).toEqual(["output-not-ours"]);
  expect(Object.keys(everything())).toEqual([at("index.ts")]);
});

it("overwrites edited and foreign files with force, but leaves other people's files alone", () => {
  writePackage(first, out);
  writeFileSync(at("index.ts"), "mine\n");
  writeFileSync(at("train.ts"), "mine\n");
  writeFileSync(at("infer.ts"), "mine\n");
  writeFileSync(at("notes.md"), "mine\n");
  expect(writePackage(second, out, { force: true }).diagnostics).toEqual([]);
  expect(read("index.ts")).toBe("one\n2\nthree\n");
  expect(read("infer.ts")).toBe("infer\n");
  expect(existsSync(at("train.ts"))).toBe(false);
  expect(read("notes.md")).toBe("mine\n");
});

it("reports drift with a diff and writes nothing when checking", () => {
  writePackage(first, out);
  const before = everything();
  const result = writePackage(second, out, { check: true });
  expect(everything()).toEqual(before);
  expect(result.drift.map(({ path, kind }) => [path, kind])).toEqual([
    ["index.ts", "changed"],
    ["infer.ts", "missing"],
    ["train.ts", "stale"],
  ]);
  expect(result.drift[0]?.diff).toBe(
    "--- a/index.ts\n+++ b/index.ts\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n",
  );
  expect(result.diagnostics).toEqual([]);
  expect(result.drift[1]?.diff).toBe("--- /dev/null\n+++ b/infer.ts\n@@ -0,0 +1 @@\n+infer\n");
  expect(writePackage(first, out, { check: true })).toMatchObject({ drift: [], diagnostics: [] });
});

it("does not even make the output folder when checking", () => {
  const missing = join(out, "generated");
  expect(writePackage(first, missing, { check: true }).drift).toHaveLength(2);
  expect(existsSync(missing)).toBe(false);
});

it("reports edits as drift when checking", () => {
  writePackage(first, out);
  writeFileSync(at("train.ts"), "mine\n");
  const { drift } = writePackage(first, out, { check: true });
  expect(drift.map(({ path }) => path)).toEqual(["train.ts"]);
});

it("writes through no link inside the folder, with force either", () => {
  const elsewhere = mkdtempSync(join(tmpdir(), "dlc-elsewhere-"));
  writeFileSync(join(elsewhere, "secret"), "secret");
  const nested = emitted({ "index.ts": "x\n", "sub/file.ts": "y\n" });
  mkdirSync(at("."), { recursive: true });
  symlinkSync(join(elsewhere, "secret"), at("index.ts"));
  symlinkSync(elsewhere, at("sub"));
  const result = writePackage(nested, out, { force: true });
  expect(result.diagnostics.map(({ code }) => code)).toEqual([
    "output-not-a-file",
    "output-not-a-file",
  ]);
  expect(readFileSync(join(elsewhere, "secret"), "utf8")).toBe("secret");
  expect(readdirSync(elsewhere)).toEqual(["secret"]);
  rmSync(elsewhere, { recursive: true });
});

it("does not take a link for the package's folder", () => {
  const elsewhere = mkdtempSync(join(tmpdir(), "dlc-elsewhere-"));
  symlinkSync(elsewhere, at("."));
  const result = writePackage(first, out, { force: true });
  expect(result.diagnostics.map(({ code }) => code)).toEqual(["output-not-a-file"]);
  expect(readdirSync(elsewhere)).toEqual([]);
  rmSync(elsewhere, { recursive: true });
});

it.each(["../victim", "/etc/victim", "a/../../victim", "a\\..\\victim", ".", ""])(
  "does not believe a manifest that lists %j",
  (path) => {
    const victim = join(dirname(at(".")), "victim");
    writeFileSync(victim, "victim");
    mkdirSync(at(".dlc"), { recursive: true });
    const manifest = { format: 1, files: { [path]: sha256("victim") } };
    writeFileSync(at(manifestPath), JSON.stringify(manifest));
    writePackage(first, out, { force: true });
    expect(readFileSync(victim, "utf8")).toBe("victim");
  },
);

it("goes on after a build that was killed between two files", () => {
  writePackage(first, out);
  const before = everything();
  // What such a build leaves: the announcement, and some of the files replaced.
  const announced = JSON.parse(second.files.get(manifestPath) as string) as object;
  const old = JSON.parse(first.files.get(manifestPath) as string) as { files: object };
  writeFileSync(at(manifestPath), JSON.stringify({ ...announced, replacing: old.files }));
  writeFileSync(at("index.ts"), second.files.get("index.ts") as string);
  const third = emitted({ "index.ts": "third\n" });
  expect(writePackage(third, out).diagnostics).toEqual([]);
  expect(Object.keys(everything())).toEqual([...third.files.keys()].map(at).sort());
  expect(Object.keys(before)).toHaveLength(3);
});

it("says so when the system does not let it write", () => {
  const file = join(out, "file");
  writeFileSync(file, "mine");
  const result = writePackage(first, join(file, "generated"));
  expect(result.diagnostics.map(({ code }) => code)).toEqual(["output-not-writable"]);
  expect(everything()).toEqual({ [file]: "mine" });
});

it("leaves no temporary files behind", () => {
  writePackage(first, out);
  writePackage(second, out);
  expect(Object.keys(everything()).filter((file) => file.endsWith(".tmp"))).toEqual([]);
});
