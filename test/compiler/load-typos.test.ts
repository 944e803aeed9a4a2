/** Every word of the language that the models use, misspelt: one error, in its place, with the way back. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { loadSpec } from "../../compiler/1-load/load-spec.js";
import { parseYaml } from "../../compiler/1-load/yaml/compose.js";
import type { YamlNode } from "../../compiler/1-load/yaml/tree.js";
import { applyFixes, certainFixes } from "../../compiler/diagnostics/fixes.js";
import { Diagnostics } from "../../compiler/diagnostics/report.js";
import type { Span } from "../../compiler/ir/origin.js";

const models = fileURLToPath(new URL("../../models/", import.meta.url));

interface Word {
  readonly word: string;
  readonly span: Span;
  readonly path: string;
}

function words(node: YamlNode, path = ""): Word[] {
  if (node.kind === "list") return node.items.flatMap((item) => words(item, `${path}[]`));
  if (node.kind === "scalar") {
    return typeof node.value === "string"
      ? [{ word: node.value, span: node.span, path: `${path}=` }]
      : [];
  }
  return [...node.entries.values()].flatMap(({ key, keySpan, value }) => [
    { word: key, span: keySpan, path: `${path}.${key}` },
    ...words(value, `${path}.${key}`),
  ]);
}

/** What users name themselves: nothing can know how it is spelt, or it is written in several places. */
const own =
  /^\.(name|description)=|\.phases\[\]\.name=|features\.[^.]+$|targets\.[^.]+$|classes\[\]|\.words\.|by_class\.|\.as=|\.(idx|npy)\.|params\.[^.]+$|blocks\.[^.]+$|networks\.[^.]+$|\.(csv|path|at|column|files(\[\])?)=|\$|columns\.(from|to)=|\.with\.[^.]+=|images=/;

/** Two letters in the middle, swapped. */
function misspell(word: string): string {
  const middle = Math.floor(word.length / 2);
  return word.slice(0, middle - 1) + word[middle] + word[middle - 1] + word.slice(middle + 1);
}

for (const model of readdirSync(models, { withFileTypes: true })) {
  if (!existsSync(`${models}${model.name}/spec.yaml`)) continue;

  it(`in ${model.name}`, () => {
    const file = `${models}${model.name}/spec.yaml`;
    const text = readFileSync(file, "utf8");
    const root = parseYaml(text, file, new Diagnostics());
    if (root === null) throw new Error("the model's spec is not YAML");
    const candidates = words(root).filter(
      ({ word, path }) =>
        word.length > 3 && misspell(word) !== word && !own.test(path) && !word.includes("${"),
    );
    expect(candidates.length).toBeGreaterThan(15);
    for (const { word, span, path } of candidates) {
      const wrong = text.slice(0, span.start) + misspell(word) + text.slice(span.end);
      const { diagnostics } = loadSpec(file, { read: () => wrong });
      const found = diagnostics.all.map((d) => [path, d.span?.start, d.message]);
      expect(found).toEqual([[path, span.start, expect.stringContaining(`'${misspell(word)}'`)]]);
      expect([path, applyFixes(wrong, certainFixes(diagnostics.all)).text]).toEqual([path, text]);
    }
  });
}
