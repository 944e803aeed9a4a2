/** @file Diagnostics quote what users wrote, but never thousands of characters of it. */
import { describe, expect, it } from "vitest";
import { renderText } from "../../compiler/diagnostics/render.js";
import { brief } from "../../compiler/diagnostics/visible.js";
import { loadText } from "../support/load.js";

const sound = `dlc: 1
name: example
description: words
extends: base.yaml
params: { width: 2 }
blocks:
  part: { params: { size: 2 }, layers: [dense: "\${size}"] }
networks:
  shared: { layers: [dense: 4] }
data:
  source: { npy: { x: x.npy, y: y.npy } }
  split: { validation: 0.5, method: hash, by: [x] }
  features: { x: { type: vector, shape: [4], scale: standard } }
  targets: { y: { type: category, classes: [a, b], column: y } }
model:
  layers:
    - { dense: { units: 3, activation: relu, kernel_initializer: { constant: 1 } }, as: first, from: x }
    - { block: part, with: { size: 3 }, as: second }
    - use: shared
    - { dense: "\${width}" }
train:
  loss: { cross_entropy: { target: y, class_weights: { a: 1 } } }
  optimizer: { adam: { beta1: 0.5 } }
  schedule: { step: { every: 2, factor: 0.5 } }
  metrics: [accuracy]
  monitor: { metric: loss, mode: min }
  clip: { norm: 1 }
`;

const long = 3000;
/** What may stand where a word does, and is far too long for a message. */
const giants: Readonly<Record<string, string>> = {
  "a word": "z".repeat(long),
  "a text in quotes": `"${"z y ".repeat(long / 4)}"`,
  "a number": "7".repeat(long),
  "an expression": `"\${${"1+".repeat(long / 2)}}"`,
  "an unknown parameter": `"\${${"p".repeat(400)}}"`,
  "an alias": `*${"z".repeat(long)}`,
  "a tag": `!${"z".repeat(long)} 1`,
  "an expression without quotes": `{ ${"${"}${"z".repeat(long / 4)}} }`,
};

describe("what a diagnostic quotes", () => {
  const words = [...sound.matchAll(/(?<=[\s[{"])[\w.]+/g)].map(
    ({ index, 0: word }) => [index, word] as const,
  );

  for (const [what, giant] of Object.entries(giants)) {
    it(`is short where ${what} of thousands of characters stands in the spec`, () => {
      for (const [index, word] of words) {
        const text = sound.slice(0, index) + giant + sound.slice(index + word.length);
        const { diagnostics, sources } = loadText(text, {
          files: { "base.yaml": "description: base\n" },
        });
        const report = renderText(diagnostics.all, sources, { base: "/project" });
        expect(
          diagnostics.all.flatMap((d) => d.fixes).filter(({ title }) => title.length > 300),
        ).toEqual([]);
        expect(report.split("\n").filter((line) => line.length > 400)).toEqual([]);
      }
    });
  }
});

describe("a long text in brief", () => {
  it("keeps its beginning and its end", () => {
    expect(brief(`${"a".repeat(500)}${"b".repeat(500)}`, 20)).toBe(
      `${"a".repeat(14)}…${"b".repeat(5)}`,
    );
  });

  it("is left as it is up to the limit", () => {
    expect(brief("a".repeat(20), 20)).toBe("a".repeat(20));
  });

  it("never holds half a character", () => {
    const isWhole = (text: string): boolean => Buffer.from(text).toString() === text;
    for (const before of ["", "a"]) {
      expect(isWhole(brief(before + "😀".repeat(100), 20))).toBe(true);
      expect(isWhole(brief("😀".repeat(100) + before, 20))).toBe(true);
    }
  });
});
