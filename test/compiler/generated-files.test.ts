import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { generatedFiles } from "../../compiler/generate.js";

for (const [path, text] of generatedFiles()) {
  it(`${path} is what npm run generate writes`, () => {
    const file = new URL(`../../${path}`, import.meta.url);
    expect(readFileSync(file, "utf8") === text, "run: npm run generate").toBe(true);
  });
}
