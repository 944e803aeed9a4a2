/** @file What a page loads: nothing that only Node has, neither at once nor later. */
import { readFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const runtime = fileURLToPath(new URL("../../../runtime/", import.meta.url));

interface Reached {
  /** Packages and Node's modules, with the files that import them. */
  readonly outside: ReadonlyMap<string, string>;
  readonly files: readonly string[];
}

const withoutComments = (source: string): string =>
  source.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/^\s*\/\/.*$/gm, "");

/** Imports that are there at run time, those of `import(…)` included; a computed one is "?". */
function importsOf(source: string): string[] {
  const now = /^(?:import|export)\s(?!type\b)(?:[^;"]*?\bfrom\s+)?"([^"]+)"/gm;
  const later = /(?<!typeof )\bimport\(\s*("([^"]+)"|[^)]*)/g;
  return [
    ...[...source.matchAll(now)].map(([, name = "?"]) => name),
    ...[...source.matchAll(later)].map(([, , name = "?"]) => name),
  ];
}

function reach(entry: string): Reached {
  const outside = new Map<string, string>();
  const files = new Set<string>();
  const visit = (file: string): void => {
    if (files.has(file)) return;
    files.add(file);
    const source = withoutComments(readFileSync(file, "utf8"));
    for (const name of importsOf(source)) {
      if (name.startsWith(".")) visit(resolve(dirname(file), name.replace(/\.js$/, ".ts")));
      else outside.set(name, relative(runtime, file));
    }
  };
  visit(resolve(runtime, entry));
  return { outside, files: [...files] };
}

/** The only packages that a page may load; each is imported when its engine is chosen. */
const ofPages =
  /^(?:@tensorflow\/tfjs-(?:core|backend-(?:cpu|wasm|webgl|webgpu))|onnxruntime-web)(?:\/|$)/;

it("finds what Node's entry imports", () => {
  const { outside } = reach("index.ts");
  expect([...outside.keys()]).toEqual(expect.arrayContaining(["node:fs", "node:path", "sharp"]));
});

it("reaches no module of Node and no package that only Node can load", () => {
  const { outside, files } = reach("browser.ts");
  expect(files.length).toBeGreaterThan(100);
  expect([...outside].filter(([name]) => !ofPages.test(name))).toEqual([]);
});

it("uses no global that only Node has", () => {
  const nodeOnly = /\b(?:process\.|Buffer\.|require\(|setImmediate\b|__dirname\b)/;
  const using = reach("browser.ts").files.filter((file) =>
    nodeOnly.test(withoutComments(readFileSync(file, "utf8"))),
  );
  expect(using.map((file) => relative(runtime, file))).toEqual([]);
});

it("exports nothing else than Node's entry does", async () => {
  const page: Record<string, unknown> = await import("../../../runtime/browser.js");
  const node: Record<string, unknown> = await import("../../../runtime/index.js");
  expect(Object.keys(page).filter((name) => !(name in node))).toEqual([]);
  expect(page).toMatchObject({ createModel: expect.any(Function), shaped: expect.any(Function) });
});
