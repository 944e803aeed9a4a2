/** @file runtime/README.md: what it shows of a generated package type-checks and runs as it stands. */
import { execFile } from "node:child_process";
import { readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { dlc, repository, startNode, workFolder, write } from "../support/cli.js";

const folder = workFolder();
const here = { cwd: folder };

const blocksOf = (file: string, language: string): readonly string[] =>
  [
    ...readFileSync(join(repository, file), "utf8").matchAll(
      new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``, "g"),
    ),
  ].map(([, block = ""]) => block);

const snippets = blocksOf("runtime/README.md", "ts");
const usesDates = (snippet: string): boolean => snippet.includes("generated/dates/");

/** Some of what the spec of the first page reads, and less of training. */
const months = ["January", "February", "March", "April", "May", "June", "July", "August"];
const dates = Array.from({ length: 60 }, (_, i) => {
  const [day, month, year] = [1 + ((i * 7) % 28), i % 8, 1990 + i];
  const two = (n: number): string => String(n).padStart(2, "0");
  return `"${day}th of ${months[month]}, ${year}",${year}-${two(month + 1)}-${two(day)}`;
});

beforeAll(async () => {
  symlinkSync(join(repository, "node_modules"), join(folder, "node_modules"), "junction");
  const [shapes = ""] = blocksOf("runtime/README.md", "yaml");
  const translator = blocksOf("README.md", "yaml").find((spec) => spec.includes("name: dates"));
  write(folder, "package.json", '{ "type": "module" }');
  write(folder, "shapes.yaml", shapes);
  write(folder, "dates.yaml", (translator ?? "").replace("epochs: 5", "epochs: 1"));
  write(folder, "dates.csv", `written,iso\n${dates.join("\n")}\n`);
  write(folder, "shapes.ts", snippets.filter((snippet) => !usesDates(snippet)).join("\n"));
  write(folder, "dates.ts", snippets.filter(usesDates).join("\n"));
  const config = {
    extends: join(repository, "tsconfig.base.json"),
    compilerOptions: {
      ...{ composite: false, declaration: false, declarationMap: false, sourceMap: false },
      ...{ typeRoots: [join(repository, "node_modules/@types")], types: ["node"] },
    },
    files: ["shapes.ts", "dates.ts"],
  };
  write(folder, "tsconfig.json", JSON.stringify(config));
  for (const args of [
    ["build", "shapes.yaml"],
    ["build", "dates.yaml"],
    ["train", "dates.yaml"],
  ]) {
    const { code, stderr } = await dlc(args, here);
    expect(code, stderr).toBe(0);
  }
  const tsc = join(repository, "node_modules/typescript/bin/tsc");
  const checked = promisify(execFile)(process.execPath, [tsc, "--pretty", "false"], here);
  const errors = await checked.then(
    () => "",
    (error: { readonly stdout: string }) => error.stdout,
  );
  expect(errors).toBe("");
}, 120_000);

describe("runtime/README.md", () => {
  it("trains, asks, measures and saves as it shows", async () => {
    const { code, stdout, stderr } = await startNode(["shapes.js"], here).outcome;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const lines = stdout.trimEnd().split("\n");
    expect(lines[3]).toMatch(/^finished \d .*checkpoints/);
    expect(lines.slice(-2)).toEqual(["true", expect.stringMatching(/^weights-not-found /)]);
  });

  it("generates as it shows", async () => {
    const { code, stdout, stderr } = await startNode(["dates.js"], here).outcome;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const lines = stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(3);
    for (const line of lines.slice(0, 2)) expect(line).toMatch(/ -\d+\.\d+ /);
  });
});
