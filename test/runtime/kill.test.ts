/**
 * @file Training survives SIGKILL: killed at random moments (often in the middle of a save) and started
 * again with the same command, it ends with the very same bytes. Needs the built runtime.
 */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { sha256 } from "../../runtime/sha256.js";
import { pointed, readMetrics, runFolders } from "../support/tiny-runs.js";

const newRun = runFolders();
const child = fileURLToPath(new URL("../support/train-child.mjs", import.meta.url));
const kills = 32;

/** Trains; `killAfter` milliseconds after training has begun the process is killed. */
function trainOnce(run: string, killAfter: number | null): Promise<{ output: string; ms: number }> {
  return new Promise((resolve, reject) => {
    const process_ = spawn(process.execPath, [child, run]);
    let output = "";
    let errors = "";
    let began = 0;
    let timer: NodeJS.Timeout | undefined;
    process_.stdout.on("data", (chunk: Buffer) => {
      output += chunk;
      if (began > 0 || !output.includes("training\n")) return;
      began = performance.now();
      if (killAfter !== null) timer = setTimeout(() => process_.kill("SIGKILL"), killAfter);
    });
    process_.stderr.on("data", (chunk: Buffer) => {
      errors += chunk;
    });
    process_.on("error", reject);
    process_.on("exit", (code, signal) => {
      clearTimeout(timer);
      if (code === 0 || signal === "SIGKILL") resolve({ output, ms: performance.now() - began });
      else reject(new Error(`the trainer failed (${code}): ${errors}`));
    });
  });
}

/** Everything that must be the same at the end. */
function essence(run: string): unknown {
  const read = (pointer: "best" | "last", file: string): string =>
    sha256(readFileSync(join(pointed(run, pointer), file)));
  return {
    metrics: readMetrics(run),
    best: read("best", "weights.safetensors"),
    last: read("last", "weights.safetensors"),
    optimizer: read("last", "optimizer.safetensors"),
    state: read("last", "state.json"),
    checkpoints: readdirSync(join(run, "checkpoints")).sort(),
    files: readdirSync(run).sort(),
  };
}

it(`ends the same after ${kills} kills`, async () => {
  const reference = newRun();
  const whole = await trainOnce(reference, null);
  expect(whole.output).toMatch(/finished (finished|early-stopping)/);
  const expected = essence(reference);

  let killed = 0;
  while (killed < kills) {
    const run = newRun();
    const delays: number[] = [];
    for (let done = false; !done; ) {
      const delay = Math.random() * whole.ms * 0.3;
      delays.push(Math.round(delay));
      const { output } = await trainOnce(run, delay);
      done = output.includes("finished");
      if (!done) killed++;
    }
    expect(existsSync(join(run, ".lock"))).toBe(false);
    expect(essence(run), `killed after ${delays.join(", ")} ms`).toEqual(expected);
  }
}, 300_000);
