import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { editorSchema } from "../../compiler/1-load/schema/editor-schema.js";
import { generatedFiles } from "../../compiler/generate.js";
import { specLink } from "../../compiler/reference/spec-page.js";

const files = await generatedFiles();

for (const [path, text] of files) {
  it(`${path} is what npm run generate writes`, () => {
    const file = new URL(`../../${path}`, import.meta.url);
    expect(readFileSync(file, "utf8") === text, "run: npm run generate").toBe(true);
  });
}

it("links only to headings that are there, each of them once", () => {
  for (const name of ["schema/spec.md", "schema/layers.md"]) {
    const text = files.get(name) ?? "";
    const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
      heading.toLowerCase().replaceAll(" ", "-"),
    );
    expect(headings.length).toBeGreaterThan(40);
    expect(headings.filter((heading, i) => headings.indexOf(heading) !== i)).toEqual([]);
    const links = [...text.matchAll(/\]\(#([^)]*)\)/g)].map(([, to = ""]) => to);
    expect(links.filter((to) => !headings.includes(to))).toEqual([]);
  }
});

it("describes every definition of the JSON Schema", () => {
  const { definitions } = editorSchema() as { definitions: object };
  // Layers have a page of their own; expressions are a rule of the language.
  const elsewhere = ["expression", "layer"];
  const names = Object.keys(definitions).filter((name) => !elsewhere.includes(name));
  expect(names.length).toBeGreaterThan(15);
  for (const name of names) expect(specLink(name)).not.toBe("");
});
