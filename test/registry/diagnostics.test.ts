import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadSpec } from "../../compiler/1-load/load-spec.js";
import { catalogue } from "../../compiler/diagnostics/catalogue/index.js";
import { loadEntries } from "../../compiler/diagnostics/catalogue/load.js";
import type { CatalogueEntry } from "../../compiler/diagnostics/diagnostic.js";
import { applyFixes, certainFixes } from "../../compiler/diagnostics/fixes.js";
import { renderText } from "../../compiler/diagnostics/render.js";
import { expectedText, openSample, samples } from "../support/diagnostic-samples.js";
import { completeFragment } from "../support/fragment.js";

const loadCodes: readonly (readonly [string, CatalogueEntry])[] = Object.entries(loadEntries);

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

describe("the catalogue", () => {
  it("has a sample for every code of the load stage", () => {
    const sampled = new Set(samples.map(({ code }) => code));
    expect(loadCodes.map(([code]) => code).filter((code) => !sampled.has(code))).toEqual([]);
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

  function codesOf(fragment: string): string[] {
    const { spec, base } = completeFragment(fragment);
    const { diagnostics } = loadSpec("/example/spec.yaml", {
      read(path) {
        if (path === "/example/spec.yaml") return spec;
        if (path === "/example/base.yaml") return base;
        throw Object.assign(new Error(path), { code: "ENOENT" });
      },
    });
    return diagnostics.all.map(({ code }) => code);
  }

  for (const [code, { wrong, right }] of loadCodes) {
    if (wrong !== undefined) {
      it(`${code}: its wrong example has this mistake and no other`, () => {
        expect(codesOf(wrong)).toEqual([code]);
      });
    }
    if (right !== undefined) {
      it(`${code}: its right example has no mistake`, () => {
        expect(codesOf(right)).toEqual([]);
      });
    }
  }
});
