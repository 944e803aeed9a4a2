/** @file The packages as npm would publish them: what is in them, and a project outside the repository that uses them. */
import { execFile } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { version } from "../../compiler/version.js";
import { documents, repository, workFolder, write } from "../support/cli.js";

const run = promisify(execFile);
const folder = workFolder();
const project = join(folder, "project");

/** Installing must not run scripts; onnxruntime-node's would download. */
const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: "skip", npm_config_loglevel: "error" };
const npm = (args: readonly string[], cwd: string) =>
  run("npm", args, { cwd, env, maxBuffer: 1 << 26, shell: process.platform === "win32" });
const npx = (...args: string[]) => npm(["exec", "--no", "--", ...args], project);
const node = (script: string) => run(process.execPath, [script], { cwd: project, env });

interface Packed {
  readonly name: string;
  readonly filename: string;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string; readonly mode: number }[];
}

const names = ["runtime", "compiler"] as const;
let packed: Readonly<Record<(typeof names)[number], Packed>>;

const spec = `dlc: 1
name: sides
data:
  source: { csv: rows.csv }
  split: { validation: 0.2 }
  features:
    x: { type: number, scale: standard }
    y: { type: number, scale: standard }
  targets:
    side: { type: category, classes: [left, right] }
model:
  layers:
    - dense: { units: 8, activation: relu }
    - dense: 2
train:
  loss: cross_entropy
  optimizer: { adam: { learning_rate: 0.05 } }
  batch: 16
  epochs: 20
  metrics: [accuracy]
`;
const rows = Array.from({ length: 200 }, (_, i) => {
  const [x, y] = [((i * 37) % 101) - 50, ((i * 61) % 89) - 44];
  return `${x},${y},${x + y > 0 ? "right" : "left"}`;
});

beforeAll(async () => {
  // The workspace is built already: prepack would do it again.
  const workspaces = names.flatMap((name) => ["--workspace", name]);
  const pack = ["pack", ...workspaces, "--pack-destination", folder, "--json", "--ignore-scripts"];
  const { stdout } = await npm(pack, repository);
  const [runtime, compiler] = JSON.parse(stdout) as [Packed, Packed];
  packed = { runtime, compiler };
  write(project, "package.json", '{ "name": "project", "private": true, "type": "module" }');
  write(project, "spec.yaml", spec);
  write(project, "rows.csv", `x,y,side\n${rows.join("\n")}\n`);
  const tarballs = names.map((name) => join(folder, packed[name].filename));
  const install = ["install", ...tarballs, "--ignore-scripts", "--no-audit", "--no-fund"];
  await npm([...install, "--prefer-offline"], project);
}, 300_000);

describe.each(names)("the tarball of the %s", (name) => {
  const paths = (): string[] => packed[name].files.map(({ path }) => path);

  it("holds README, licence and every built module", () => {
    expect(paths()).toEqual(expect.arrayContaining(["README.md", "LICENSE", "package.json"]));
    expect(paths()).toEqual(expect.arrayContaining(["dist/index.js", "dist/index.d.ts"]));
    const licence = readFileSync(join(repository, name, "LICENSE"), "utf8");
    expect(licence).toBe(readFileSync(join(repository, "LICENSE"), "utf8"));
  });

  it("holds nothing else: no tests, sources, maps or build records", () => {
    const known = name === "compiler" ? /^(bin|blocks|assets\/(schema|templates))\// : /^$/;
    for (const path of paths()) {
      if (["README.md", "LICENSE", "package.json"].includes(path) || known.test(path)) continue;
      expect(path).toMatch(/^dist\/[\w/-]+(\.d\.ts|\.js)$/);
      expect(path).not.toMatch(/test|tsbuildinfo/);
      const source = path.replace(/^dist\//, "").replace(/(\.d\.ts|\.js)$/, ".ts");
      expect(existsSync(join(repository, name, source)), source).toBe(true);
    }
    expect(packed[name].unpackedSize).toBeLessThan(5_000_000);
  });

  it("declares what it exports, types first, and needs no install script", () => {
    const manifest = JSON.parse(readFileSync(join(repository, name, "package.json"), "utf8"));
    expect(Object.keys(manifest.scripts ?? {})).toEqual(["prepack"]);
    for (const target of Object.values(manifest.exports as Record<string, string | object>)) {
      const files = typeof target === "string" ? [target] : Object.values(target);
      if (typeof target !== "string") {
        const others = "browser" in target ? ["browser", "default"] : ["default"];
        expect(Object.keys(target)).toEqual(["types", ...others]);
      }
      for (const file of files) expect(paths()).toContain(String(file).replace(/^\.\//, ""));
    }
  });
});

describe("the tarball of the compiler", () => {
  it("brings the schema, every template and an executable command", () => {
    const paths = packed.compiler.files.map(({ path }) => path);
    expect(paths).toContain("assets/schema/dlc.schema.json");
    expect(paths).toContain("assets/templates/mnist-cnn/spec.yaml");
    expect(paths).toContain("blocks/transformer_encoder.yaml");
    expect(paths.filter((path) => /expected|runs|generated\//.test(path))).toEqual([]);
    const bin = join(project, "node_modules/@dlc/compiler/bin/dlc.js");
    expect(readFileSync(bin, "utf8")).toMatch(/^#!\/usr\/bin\/env node\n/);
    if (process.platform !== "win32") expect(statSync(bin).mode & 0o111).not.toBe(0);
  });
});

describe("a project outside the repository", () => {
  it("has the command", async () => {
    expect((await npx("dlc", "--version")).stdout).toBe(`${version}\n`);
    const doctor = await npx("dlc", "doctor", "--json");
    expect(documents(doctor.stdout)).toMatchObject([{ version, healthy: true }]);
  });

  it("builds a package that plain JavaScript imports, trains and asks", async () => {
    const { stdout } = await npx("dlc", "build", "spec.yaml");
    expect(stdout).toMatch(/^generated\/sides: \d+ files written/);
    write(
      project,
      "use.js",
      `import { load } from "./generated/sides/index.js";
const model = await load();
const x = Float32Array.from({ length: 64 }, (_, i) => i - 31.5);
const y = Float32Array.from({ length: 64 }, (_, i) => (i * 7) % 20);
const side = Array.from(x, (value, i) => (value + y[i] > 0 ? "right" : "left"));
const data = { x, y, side };
const trained = await model.train({ run: "in-memory", data, settings: { epochs: 2 } });
const answers = await model.predict([{ x: -40, y: -40 }, { x: 40, y: 40 }]);
const { metrics } = await model.evaluate({ data });
await model.dispose();
console.log(JSON.stringify({ steps: trained.step, labels: answers.map(({ label }) => label), metrics }));
`,
    );
    const used = await node("use.js");
    expect(documents(used.stdout)).toMatchObject([
      { steps: 8, labels: ["left", "right"], metrics: { accuracy: expect.any(Number) } },
    ]);
  });

  it("has types that hold a TypeScript caller to the spec", async () => {
    await npx("dlc", "build", "spec.yaml");
    const call = (body: string): string =>
      `import { load } from "./generated/sides/index.js";\nconst model = await load();\n${body}\n`;
    write(
      project,
      "right.ts",
      call('export const side: "left" | "right" = (await model.predict({ x: 1, y: 2 })).label;'),
    );
    write(project, "wrong.ts", call("await model.predict({ x: 1, z: 2 });"));
    const check = (file: string) =>
      run(
        process.execPath,
        [
          join(repository, "node_modules/typescript/bin/tsc"),
          ...["--noEmit", "--strict", "--target", "es2023", "--module", "nodenext"],
          ...["--typeRoots", join(repository, "node_modules/@types"), "--types", "node", file],
        ],
        { cwd: project, env },
      );
    await check("right.ts");
    await expect(check("wrong.ts")).rejects.toMatchObject({
      stdout: expect.stringMatching(/^wrong\.ts\(3,\d+\): error TS/),
    });
  });

  it("starts from a template and trains it", async () => {
    const made = await npx("dlc", "init", "flowers", "--template", "iris-mlp");
    expect(made.stdout).toMatch(/^flowers: wrote /);
    const [modeline = ""] = readFileSync(join(project, "flowers/spec.yaml"), "utf8").split("\n");
    expect(modeline).toBe(
      "# yaml-language-server: $schema=../node_modules/@dlc/compiler/assets/schema/dlc.schema.json",
    );
    const trained = await npx("dlc", "train", "flowers/spec.yaml");
    expect(trained.stdout).toMatch(/^test \(23 examples\): loss /);
    const predicted = await npx("dlc", "predict", "runs/iris-mlp", "flowers/iris.csv");
    expect(documents(predicted.stdout)).toHaveLength(150);
  });
});
