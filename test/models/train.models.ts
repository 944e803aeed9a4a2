/** @file Every model in `models/` that has its data at hand trains to its expected metric. */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const dlc = join(root, "compiler/bin/dlc.js");
const run = promisify(execFile);

let runs: string;
beforeAll(() => {
  runs = mkdtempSync(join(tmpdir(), "dlc-models-"));
});
afterAll(() => {
  rmSync(runs, { recursive: true, force: true });
});

interface Band {
  readonly atLeast: number;
  readonly atMost: number;
}

/** One metric and its band, or `metrics`: bands by name, for losses and metrics alike. */
type Expected = { readonly split: string } & (
  | (Band & { readonly metric: string })
  | { readonly metrics: Readonly<Record<string, Band>> }
);

const bandsOf = (expected: Expected): readonly (readonly [string, Band])[] =>
  "metrics" in expected ? Object.entries(expected.metrics) : [[expected.metric, expected]];

const models = readdirSync(join(root, "models")).filter((name) =>
  existsSync(join(root, "models", name, "expected.json")),
);

it.each(models)("%s trains to its expected metric", async (name) => {
  const folder = join(root, "models", name);
  const expected = JSON.parse(readFileSync(join(folder, "expected.json"), "utf8")) as Expected;
  const spec = join(folder, "spec.yaml");
  await run(process.execPath, [dlc, "train", spec, "--runs", runs], { maxBuffer: 1 << 26 });
  const { stdout } = await run(process.execPath, [
    dlc,
    "eval",
    join(runs, name),
    "--split",
    expected.split,
    "--json",
  ]);
  const result = JSON.parse(stdout) as { metrics: Record<string, number> };
  for (const [metric, { atLeast, atMost }] of bandsOf(expected)) {
    expect(result.metrics[metric], metric).toBeGreaterThanOrEqual(atLeast);
    expect(result.metrics[metric], metric).toBeLessThanOrEqual(atMost);
  }
});
