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

interface Expected {
  readonly split: string;
  readonly metric: string;
  readonly atLeast: number;
  readonly atMost: number;
}

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
  const value = result.metrics[expected.metric];
  expect(value).toBeGreaterThanOrEqual(expected.atLeast);
  expect(value).toBeLessThanOrEqual(expected.atMost);
});
