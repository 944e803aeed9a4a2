/** @file Every code that the command line and the engines can report can be explained. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { cliEntries } from "../../compiler/diagnostics/catalogue/cli.js";
import { engineEntries } from "../../compiler/diagnostics/catalogue/engine.js";
import { catalogue } from "../../compiler/diagnostics/catalogue/index.js";
import { runEntries } from "../../compiler/diagnostics/catalogue/run.js";
import { faultCodes } from "../../runtime/engines/device-faults.js";
import { repository } from "../support/cli.js";

/** Codes of the DlcErrors that the sources in a folder make. */
function codesIn(folder: string): string[] {
  const root = join(repository, folder);
  const files = readdirSync(root, { recursive: true, encoding: "utf8" });
  const sources = files
    .filter((file) => file.endsWith(".ts"))
    .map((file) => readFileSync(join(root, file), "utf8"));
  const made = sources.reduce((sum, text) => sum + text.split("new DlcError(").length - 1, 0);
  const codes = sources.flatMap((text) =>
    [...text.matchAll(/new DlcError\(\s*(?:"([a-z0-9-]+)"|code\b)/g)].map((m) => m[1] ?? null),
  );
  // Each is made with its code in plain sight, or passes on that of another one.
  expect(codes.length).toBe(made);
  return [...new Set(codes.filter((code) => code !== null))];
}

it("explains every code of the command line, and has no entry that it does not use", () => {
  const codes = codesIn("compiler/cli");
  expect(codes.filter((code) => !Object.hasOwn(catalogue, code))).toEqual([]);
  expect(Object.keys(cliEntries).filter((code) => !codes.includes(code))).toEqual([]);
});

it("explains every code of the engines", () => {
  const codes = new Set([...codesIn("runtime/engines"), ...faultCodes]);
  expect([...codes].sort()).toEqual(Object.keys(engineEntries).sort());
});

it("gives no code two entries", () => {
  for (const [code, entry] of Object.entries({ ...cliEntries, ...engineEntries })) {
    expect(catalogue).toHaveProperty([code], entry);
    expect(runEntries).not.toHaveProperty([code]);
  }
});
