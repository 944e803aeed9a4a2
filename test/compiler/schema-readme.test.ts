import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { limits } from "../../compiler/1-load/yaml/limits.js";
import { codesOf, loadText } from "../support/load.js";

const text = readFileSync(new URL("../../schema/README.md", import.meta.url), "utf8");
const data = `dlc: 1
name: example
data:
  source: { arrays: true }
  features: { image: { type: image, shape: [8, 8, 1] } }
`;

it("shows specs that load", () => {
  const fragments = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, fragment]) => fragment);
  expect(fragments.length).toBe(2);
  const codes = fragments.map((fragment) => codesOf(loadText(`${data}${fragment}`)));
  // The examples show every form, used or not.
  expect(codes.flat().filter((code) => !code.startsWith("unused-"))).toEqual([]);
});

it("states the limits that hold", () => {
  const numbers = [limits.tokens, limits.nodes].map((n) => n.toLocaleString("en"));
  for (const number of [...numbers, `${limits.aliases} aliases`, `${limits.depth} levels`]) {
    expect(text).toContain(number);
  }
});
