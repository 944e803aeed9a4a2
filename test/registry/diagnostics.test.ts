import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { catalogue } from "../../compiler/diagnostics/catalogue/index.js";
import { loadEntries } from "../../compiler/diagnostics/catalogue/load.js";
import { lowerEntries } from "../../compiler/diagnostics/catalogue/lower.js";
import type { CatalogueEntry } from "../../compiler/diagnostics/diagnostic.js";
import { applyFixes, certainFixes } from "../../compiler/diagnostics/fixes.js";
import { renderText } from "../../compiler/diagnostics/render.js";
import { compile } from "../../compiler/pipeline.js";
import { expectedText, openSample, samples } from "../support/diagnostic-samples.js";
import { completeFragment } from "../support/fragment.js";

const loadCodes: readonly (readonly [string, CatalogueEntry])[] = Object.entries(loadEntries);
const lowerCodes: readonly (readonly [string, CatalogueEntry])[] = Object.entries(lowerEntries);

describe("samples", () => {
  for (const sample of samples) {
    const { code, name, folder } = sample;

    it(`${code}: ${name}`, async () => {
      const { text, marks, run } = openSample(sample);
      const { diagnostics, sources, base } = await run(text);
      const found = diagnostics.all;
      expect(found.map((d) => d.code)).toEqual(Array(Math.max(1, marks.length)).fill(code));
      const spans = found.flatMap(({ span }) => (span?.file.endsWith("/spec.yaml") ? [span] : []));
      const places = spans.map(({ start, end }) => ({ start, end }));
      expect(places.toSorted((a, b) => a.start - b.start)).toEqual(marks);
      const report = `${renderText(found, sources, { base })}\n`;
      expect(report).toBe(expectedText(folder, "expected.txt", report));

      const fixes = certainFixes(found);
      if (fixes.length === 0) {
        expect(existsSync(join(folder, "fixed.yaml"))).toBe(false);
        return;
      }
      const fixed = applyFixes(text, fixes).text;
      expect(fixed).toBe(expectedText(folder, "fixed.yaml", fixed));
      expect((await run(fixed)).diagnostics.all.map((d) => d.code)).not.toContain(code);
    });
  }
});

/** The sources in a folder, with their paths in it. */
function textsIn(folder: string): { readonly path: string; readonly text: string }[] {
  const root = fileURLToPath(new URL(`../../${folder}`, import.meta.url));
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && !/(^|\/)(dist|node_modules|assets)\//.test(path))
    .map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));
}

/** Is the code named in a text, as a word of its own? One that is a word of English: in quotes. */
const says = (text: string, code: string): boolean =>
  code.includes("-")
    ? new RegExp(`(?<![\\w-])${code}(?![\\w-])`).test(text)
    : text.includes(`"${code}"`);

describe("the catalogue", () => {
  const entries: Readonly<Record<string, CatalogueEntry>> = catalogue;
  const codes = Object.keys(entries);
  const sampled = new Set(samples.map(({ code }) => code));

  it("has a sample for every code of the load stage", () => {
    expect(loadCodes.map(([code]) => code).filter((code) => !sampled.has(code))).toEqual([]);
  });

  it("has a sample or a test for every other code", () => {
    const tests = textsIn("test").filter(({ path }) => path.endsWith(".test.ts"));
    const tested = (code: string): boolean =>
      tests.some(({ path, text }) => path !== "registry/diagnostics.test.ts" && says(text, code));
    expect(codes.filter((code) => !sampled.has(code) && !tested(code))).toEqual([]);
  });

  it("has no code that nothing reports", () => {
    const sources = [...textsIn("compiler"), ...textsIn("runtime")].filter(
      ({ path }) => !path.startsWith("diagnostics/catalogue/") && path !== "data/errors.ts",
    );
    const reported = (code: string): boolean =>
      sources.some(({ text }) => text.includes(`"${code}"`));
    expect(codes.filter((code) => !reported(code))).toEqual([]);
  });

  it("explains every code in a sentence or more, and says more than its message", () => {
    for (const [code, { message, explain, wrong, right }] of Object.entries(entries)) {
      expect([code, explain]).toEqual([code, expect.stringMatching(/^.{30,}[.)]$/s)]);
      expect(explain).not.toBe(message);
      // An example of what is wrong comes with what is right.
      expect([code, wrong === undefined]).toEqual([code, right === undefined]);
    }
  });

  it("has every code in one stage only", async () => {
    const folder = new URL("../../compiler/diagnostics/catalogue/", import.meta.url);
    const files = readdirSync(folder).filter((name) => name.endsWith(".ts") && name !== "index.ts");
    const modules = await Promise.all(files.map((name) => import(new URL(name, folder).href)));
    const stages = modules.flatMap((module) => Object.values(module as Record<string, object>));
    const codes = stages.flatMap((entries) => Object.keys(entries));
    expect(codes.filter((code, i) => codes.indexOf(code) !== i)).toEqual([]);
    expect(codes.toSorted()).toEqual(Object.keys(catalogue).toSorted());
  });

  it("has no sample for a code that does not exist", () => {
    const unknown = samples.filter(({ code }) => !Object.hasOwn(catalogue, code));
    expect(unknown).toEqual([]);
  });

  const exampleFolder = mkdtempSync(join(tmpdir(), "dlc-example-"));
  afterAll(() => rmSync(exampleFolder, { recursive: true }));

  /** The codes that the stages up to differentiation report for a fragment of a spec; data is not read. */
  async function codesOf(fragment: string): Promise<string[]> {
    const { spec, base, data } = completeFragment(fragment);
    if (data !== undefined) writeFileSync(join(exampleFolder, "data.json"), data);
    writeFileSync(join(exampleFolder, "spec.yaml"), spec);
    writeFileSync(join(exampleFolder, "base.yaml"), base);
    const { diagnostics } = await compile(join(exampleFolder, "spec.yaml"), {
      checkData: false,
      until: "differentiate",
    });
    return diagnostics.all.map(({ code }) => code);
  }

  for (const [code, { wrong, right }] of [...loadCodes, ...lowerCodes]) {
    if (wrong !== undefined) {
      it(`${code}: its wrong example has this mistake and no other`, async () => {
        expect(await codesOf(wrong)).toEqual([code]);
      });
    }
    if (right !== undefined) {
      it(`${code}: its right example has no mistake`, async () => {
        expect(await codesOf(right)).toEqual([]);
      });
    }
  }
});
