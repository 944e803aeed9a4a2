import { existsSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { allPasses } from "../../compiler/4-optimize/index.js";
import { parseGraph } from "../../compiler/ir/parse.js";
import { verifyGraph } from "../../compiler/ir/verify.js";
import { codesOf, loadText } from "../support/load.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const text = readFileSync(`${root}compiler/README.md`, "utf8");

describe("README.md", () => {
  const readme = readFileSync(`${root}README.md`, "utf8");
  const specs = [...readme.matchAll(/```yaml\n([\s\S]*?)```/g)].flatMap(([, spec = ""]) =>
    spec.includes("\ndata:") ? [spec] : [],
  );

  it("shows whole specs without a mistake", () => {
    expect(specs.length).toBe(2);
    expect(specs.map((spec) => codesOf(loadText(spec)))).toEqual([[], []]);
  });

  it("links to what is there", () => {
    const links = [...readme.matchAll(/\]\(([^)#]+)/g)].map(([, path = ""]) => path);
    expect(links.length).toBeGreaterThan(10);
    expect(links.filter((path) => !existsSync(root + path))).toEqual([]);
  });
});

describe("compiler/README.md", () => {
  const paths = [...text.matchAll(/`((?:compiler|runtime|test)\/[^`\s]*)`/g)].map(
    ([, path]) => path,
  );

  it("names paths that exist", () => {
    expect(paths.length).toBeGreaterThan(20);
    // Up to the first placeholder.
    const fixed = paths.map((path = "") =>
      path.includes("<") ? dirname(`${path.split("<")[0]}x`) : path,
    );
    expect(fixed.filter((path) => !existsSync(root + path))).toEqual([]);
  });

  it("shows IR text that parses", () => {
    const [, source = ""] = /```ir\n([^`]*)```/.exec(text) ?? [];
    verifyGraph(parseGraph(source));
  });

  it("lists every pass", () => {
    const listed = [...text.matchAll(/^\| `([a-z-]+)` +\|/gm)].map(([, name]) => name);
    expect(listed.sort()).toEqual(allPasses.map(({ name }) => name).sort());
  });
});
