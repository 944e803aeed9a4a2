import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Fix } from "../../compiler/diagnostics/diagnostic.js";
import { applyFixes, asYaml } from "../../compiler/diagnostics/fixes.js";
import { pairOf, removalOf } from "../../compiler/diagnostics/removal.js";
import { layers } from "../../compiler/layers/index.js";
import { editDistance, suggest } from "../../runtime/suggest.js";
import { readMarks } from "../support/marked.js";

describe("did you mean", () => {
  const types = [...layers.keys()];

  it("finds every layer again after one swap of neighbours", () => {
    for (const type of types.filter((word) => word.length > 3)) {
      for (let i = 1; i < type.length; i++) {
        const typo = type.slice(0, i - 1) + type[i] + type[i - 1] + type.slice(i + 1);
        // relu and elu, conv1d and conv2d: some swaps are as near to another.
        if (types.includes(typo)) continue;
        const found = suggest(typo, types);
        expect(editDistance(typo, found?.word ?? "", 2)).toBeLessThanOrEqual(1);
        if (found?.sure) expect([typo, found.word]).toEqual([typo, type]);
      }
    }
  });

  it("knows words by other spellings", () => {
    const spellings = ["BatchNorm", "batch-norm", "batchnorm", "BATCH_NORM"];
    expect(spellings.map((word) => suggest(word, types)?.word)).toEqual(
      spellings.map(() => "batch_norm"),
    );
  });

  it("says nothing where nothing is near, or words are too short", () => {
    expect(suggest("transformer", types)).toBeNull();
    expect(suggest("ad", ["add"])).toBeNull();
    expect(suggest("xdd", ["add"])).toBeNull();
    expect(suggest("mre", ["mse", "mae"])).toBeNull();
    expect(suggest("x_1", ["x_2"])).toBeNull();
    expect(suggest("x".repeat(10_000), types)).toBeNull();
  });

  it("is never sure of words of three letters", () => {
    expect(suggest("txt", ["text", "number"])).toEqual({ word: "text", sure: false });
    expect(suggest("gne", ["gen", "dis"])).toEqual({ word: "gen", sure: false });
    expect(suggest("bem", ["greedy", "sample", "beam"])).toEqual({ word: "beam", sure: false });
  });

  it("is not sure between two words that are as near", () => {
    expect(suggest("conv3d", ["conv1d", "conv2d"])?.sure).toBe(false);
  });

  it("is not sure of numbers", () => {
    expect(suggest("width_2", ["width_1"])).toEqual({ word: "width_1", sure: false });
    expect(suggest("widht_2", ["width_2"])).toEqual({ word: "width_2", sure: true });
  });

  it("measures a metric-like distance", () => {
    const word = fc.string({ maxLength: 8 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        const distance = editDistance(a, b, 99);
        expect(distance).toBe(editDistance(b, a, 99));
        expect(distance === 0).toBe(a === b);
        expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
    );
  });
});

const file = "spec.yaml";
const edit = (start: number, end: number, text: string): Fix => ({
  title: "",
  grade: "certain",
  edits: [{ span: { file, start, end }, text }],
});

describe("fixes", () => {
  it("are applied together, whatever their order", () => {
    const fixes = [edit(4, 5, "two"), edit(0, 1, "one")];
    expect(applyFixes("a: [b]", fixes)).toEqual({ text: "one: [two]", applied: 2 });
    expect(applyFixes("a: [b]", fixes.toReversed()).text).toBe("one: [two]");
  });

  it("that overlap wait for the next round", () => {
    expect(applyFixes("abcdef", [edit(0, 3, "x"), edit(2, 5, "y")])).toEqual({
      text: "xdef",
      applied: 1,
    });
  });

  it("that are wanted twice are made once", () => {
    expect(applyFixes("abc", [edit(0, 1, "x"), edit(0, 1, "x")])).toEqual({
      text: "xbc",
      applied: 1,
    });
  });

  it("keep a byte order mark", () => {
    expect(applyFixes("\ufeffabc", [edit(0, 1, "x")]).text).toBe("\ufeffxbc");
  });

  it("write words so that YAML reads them back", () => {
    expect(asYaml("batch_norm")).toBe("batch_norm");
    for (const word of ["true", "1", "a: b", "#", "- x", "", "null"])
      expect(asYaml(word)).toBe(JSON.stringify(word));
  });
});

describe("taking out", () => {
  const cases: readonly [string, string, string][] = [
    ["an item on its line", "- a\n- «b»\n- c\n", "- a\n- c\n"],
    ["an item with a comment", "  - a\n  - «b» # why\n", "  - a\n"],
    ["an item of several lines", "- a\n- «b:\n    c: 1»\n- d\n", "- a\n- d\n"],
    ["a key on its line", "a: 1\n«b: 2»\nc: 3\n", "a: 1\nc: 3\n"],
    ["the last line of a file", "a: 1\n«b: 2»", "a: 1\n"],
    ["a line with CRLF", "a: 1\r\n«b: 2»\r\nc: 3\r\n", "a: 1\r\nc: 3\r\n"],
    ["the last item in brackets", "[a, «b»]", "[a]"],
    ["the first item in brackets", "[«a», b]", "[b]"],
    ["an item in the middle", "[a, «b», c]", "[a, c]"],
    ["a pair in braces", "{ a: 1, «b: 2» }", "{ a: 1 }"],
    ["an item on a line of a list in brackets", "[\n  a,\n  «b»,\n  c\n]", "[\n  a,\n  c\n]"],
  ];
  for (const [name, marked, expected] of cases) {
    it(`removes ${name}`, () => {
      const { text, marks } = readMarks(marked);
      const span = removalOf(text, { file, ...marks[0]! });
      expect(span).not.toBeNull();
      expect(text.slice(0, span!.start) + text.slice(span!.end)).toBe(expected);
    });
  }

  it("leaves alone what others stand on", () => {
    const { text, marks } = readMarks("- «a: 1»\n  b: 2\n");
    expect(removalOf(text, { file, ...marks[0]! })).toBeNull();
  });

  it("finds the key of a value", () => {
    for (const key of ["activation", '"activation"', "'activation'"]) {
      const { text, marks } = readMarks(`{ units: 2, ${key}: «relu» }`);
      const pair = pairOf(text, "activation", { file, ...marks[0]! });
      expect(text.slice(pair!.start, pair!.end)).toBe(`${key}: relu`);
    }
    const { text, marks } = readMarks("{ activation: { a: «relu» } }");
    expect(pairOf(text, "activation", { file, ...marks[0]! })).toBeNull();
  });
});
