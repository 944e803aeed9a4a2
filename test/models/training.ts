/** @file Training the models in `models/` through the built command line, to their expected metrics. */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Judging, recognised, trainedJudge } from "./judge.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const dlc = join(root, "compiler/bin/dlc.js");
const run = promisify(execFile);

interface Band {
  readonly atLeast: number;
  readonly atMost: number;
}

/** One metric and its band, or `metrics`: bands by name, for losses and metrics alike. */
type Expected = {
  readonly split: string;
  /** Trains for more than some two minutes on two idle cores: left to `npm run test:models:long`. */
  readonly long?: boolean;
  /** What another model says of generated images. */
  readonly judged?: Judging;
} & ((Band & { readonly metric: string }) | { readonly metrics: Readonly<Record<string, Band>> });

const bandsOf = (expected: Expected): readonly (readonly [string, Band])[] =>
  "metrics" in expected ? Object.entries(expected.metrics) : [[expected.metric, expected]];

function expectedOf(name: string): Expected | null {
  const file = join(root, "models", name, "expected.json");
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Expected) : null;
}

/** A test for each model that has its data at hand and is long, or is not. */
export function testModels(long: boolean): void {
  let runs: string;
  beforeAll(() => {
    runs = mkdtempSync(join(tmpdir(), "dlc-models-"));
  });
  afterAll(() => {
    rmSync(runs, { recursive: true, force: true });
  });
  const models = readdirSync(join(root, "models")).filter((name) => {
    const expected = expectedOf(name);
    return expected !== null && (expected.long ?? false) === long;
  });

  it.each(models)("%s trains to its expected metric", async (name) => {
    const spec = join(root, "models", name, "spec.yaml");
    const expected = expectedOf(name) as Expected;
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
    const { judged } = expected;
    if (judged === undefined) return;
    const judge = await trainedJudge(judged.by, runs);
    const { all, byValue } = await recognised(join(runs, name), judge, judged);
    expect(all, JSON.stringify(byValue)).toBeGreaterThanOrEqual(judged.atLeast);
  });
}
