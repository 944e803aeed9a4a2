/** @file Weights can be loaded from every place a user may point to. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadWeights, saveWeights } from "@dlc/runtime";
import { beforeAll, expect, it } from "vitest";
import { tinyModel } from "../support/tiny-model.mjs";
import { fingerprint, type Outcome, pointed, runFolders, trainTiny } from "../support/tiny-runs.js";

const newRun = runFolders();
// The best epoch of this run is its first, so best and last differ.
const definition = tinyModel({
  ema: true,
  settings: { monitor: { metric: "loss", mode: "max" } },
});
let run: string;
let outcome: Outcome;
beforeAll(async () => {
  run = newRun();
  outcome = await trainTiny(definition, run);
});

const needed = (state: Outcome["state"]): Outcome["state"] =>
  Object.fromEntries(Object.entries(state).filter(([name]) => !name.endsWith(":velocity")));

it("takes the best checkpoint of a run folder", async () => {
  const fromRun = await loadWeights(run, definition);
  const fromBest = await loadWeights(join(run, "best"), definition);
  expect(fromRun.path).toBe(pointed(run, "best"));
  expect(fromRun).toEqual(fromBest);
  expect(fromRun).toMatchObject({ step: outcome.result.best?.step, sameSpec: true });
});

it("takes the last checkpoint where asked, which has the weights of the end", async () => {
  const last = await loadWeights(join(run, "last"), definition);
  expect(fingerprint(last.values)).toBe(fingerprint(needed(outcome.state)));
  const folder = await loadWeights(pointed(run, "last"), definition);
  expect(folder).toEqual(last);
});

it("takes a safetensors file, also one it saved", async () => {
  const file = join(run, "..", "exported.safetensors");
  await saveWeights(file, needed(outcome.state), definition);
  const loaded = await loadWeights(file, definition);
  expect(fingerprint(loaded.values)).toBe(fingerprint(needed(outcome.state)));
  expect(loaded).toMatchObject({ path: file, step: null, sameSpec: true });
  const other = await loadWeights(file, { ...definition, specHash: "other" });
  expect(other.sameSpec).toBe(false);
});

it("lets weights stand in for averages that a file does not have", async () => {
  const plain = Object.fromEntries(
    Object.entries(outcome.state).filter(([name]) => !name.includes(":")),
  );
  const file = join(run, "..", "plain.safetensors");
  await saveWeights(file, plain, definition);
  const { values } = await loadWeights(file, definition);
  expect(values["out.bias:average"]).toEqual(plain["out.bias"]);
});

it("takes the newest checkpoint of a run that lost its pointers", async () => {
  const other = newRun();
  await trainTiny(definition, other);
  rmSync(join(other, "best"));
  rmSync(join(other, "last"));
  const { path } = await loadWeights(other, definition);
  expect(path).toBe(join(other, "checkpoints", "step-00000016"));
});

it("says what is missing where there are no weights", async () => {
  const folder = newRun();
  const code = "weights-not-found";
  await expect(loadWeights(folder, definition)).rejects.toMatchObject({ code });
  mkdirSync(folder);
  await expect(loadWeights(folder, definition)).rejects.toMatchObject({ code });
  for (const target of [
    "checkpoints/../../secret",
    "/etc/passwd",
    "step-00000001",
    "checkpoints/x",
  ]) {
    writeFileSync(join(folder, "best"), JSON.stringify({ checkpoint: target }));
    await expect(loadWeights(join(folder, "best"), definition)).rejects.toMatchObject({ code });
  }
  const file = join(folder, "x.safetensors");
  writeFileSync(file, "not tensors");
  await expect(loadWeights(file, definition)).rejects.toMatchObject({ code: "damaged-weights" });
});

it("refuses weights that lack a tensor or have one too many", async () => {
  const file = join(run, "..", "odd.safetensors");
  const { "out.bias": bias, ...rest } = needed(outcome.state);
  await saveWeights(file, rest, definition);
  await expect(loadWeights(file, definition)).rejects.toMatchObject({
    message: expect.stringContaining("lacks out.bias"),
  });
  await saveWeights(file, { ...rest, "out.bias": bias!, extra: bias! }, definition);
  await expect(loadWeights(file, definition)).rejects.toMatchObject({
    code: "foreign-checkpoint",
    message: expect.stringContaining("extra"),
  });
});
