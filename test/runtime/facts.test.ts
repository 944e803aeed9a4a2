/** @file Weights and runs know the classes and scales of the data that they belong to. */
import { join } from "node:path";
import { createModel, type ModelDefinition } from "@dlc/runtime";
import { describe, expect, it } from "vitest";
import { factDifferences, factsHash, factsOf } from "../../runtime/checkpoint/facts.js";
import { fingerprint, openData } from "../../runtime/data/index.js";
import { tinyModel } from "../support/tiny-model.mjs";
import { engine, pointed, runFolders, trainTiny } from "../support/tiny-runs.js";
import { dataSpec, feature, folder, put } from "./data/support.js";

const newRun = runFolders();
const plain = tinyModel({ settings: { epochs: 1 } });
const scaled = (mean: number): ModelDefinition => ({
  ...plain,
  facts: { x: { mean: [mean, 0], deviation: [1, 1] } },
});

describe("a difference of facts", () => {
  it("is told at its first place", () => {
    const before = {
      a: { mean: [12.1], deviation: [1] },
      v: { min: [0, 0], max: [1, 1] },
      c: { classes: ["cat", "dog"], counts: [3, 4] },
      d: { classes: ["x"] },
      t: { vocabulary: ["<pad>", "the"] },
    };
    const now = {
      a: { mean: [13], deviation: [2] },
      v: { min: [0, 0], max: [1, 1.5] },
      c: { classes: ["cat", "cow"], counts: [3, 4] },
      d: { classes: ["x", "y"] },
      t: { vocabulary: ["<pad>", "a"] },
    };
    expect(factDifferences(before, now)).toEqual([
      "the mean of 'a' was 12.1, now it is 13",
      "the greatest value of 'v' (element 2 of 2) was 1, now it is 1.5",
      `class 2 of 'c' was "dog", now it is "cow"`,
      "'d' had 1 class, now it has 2",
      `token 2 of 't' was "the", now it is "a"`,
    ]);
    expect(factDifferences(before, before)).toEqual([]);
    expect(factDifferences({ a: { mean: [1] } }, { a: { mean: [1 + 1e-12] } })).toEqual([
      "the mean of 'a' was 1, now it is 1.000000000001",
    ]);
    const counts = (n: number) => ({ c: { classes: ["cat"], counts: [n] } });
    expect(factDifferences(counts(1), counts(2))).toEqual([
      `the number of rows with the class "cat" of 'c' was 1, now it is 2`,
    ]);
  });

  it("counts for predictions, but for the number of rows", () => {
    expect(factsHash(scaled(1))).not.toBe(factsHash(scaled(2)));
    const worded = (word: string) => ({ ...plain, facts: { x: { vocabulary: [word] } } });
    expect(factsHash(worded("a"))).not.toBe(factsHash(worded("b")));
    const counted = { ...plain, facts: { y: { counts: [1, 2, 3] } } };
    expect(factsHash(counted)).toBe(factsHash(plain));
    expect(factsOf(plain).y?.classes).toEqual(["red", "green", "blue"]);
  });
});

describe("a run", () => {
  it("is not continued with other facts or other data", async () => {
    const run = newRun();
    await trainTiny(scaled(1), run, { dataHash: "a" });
    const refused = { code: "different-run" };
    await expect(trainTiny(scaled(2), run, { dataHash: "a" })).rejects.toMatchObject({
      ...refused,
      message: expect.stringContaining("the mean of 'x' (element 1 of 2) was 1, now it is 2"),
    });
    await expect(trainTiny(scaled(1), run, { dataHash: "b" })).rejects.toMatchObject({
      ...refused,
      message: expect.stringContaining("the content of the data has changed"),
    });
    const { result } = await trainTiny(scaled(1), run, { dataHash: "a" });
    expect(result.alreadyFinished).toBe(true);
  });

  it("gives weights that predict with its own facts only, but that training may start from", async () => {
    const run = newRun();
    await trainTiny(scaled(1), run);
    const own = await createModel(scaled(1), { engine, weights: run });
    const file = join(run, "..", "own.safetensors");
    await own.save(file);
    await expect(own.predict({ x: [0, 0] })).resolves.toBeDefined();
    for (const weights of [run, pointed(run, "best"), file]) {
      const other = await createModel(scaled(2), { engine, weights });
      await expect(other.predict({ x: [0, 0] })).rejects.toMatchObject({
        code: "foreign-checkpoint",
        message: expect.stringMatching(/the mean of 'x'|other classes or scales/),
      });
      await expect(other.save(file)).rejects.toMatchObject({ code: "foreign-checkpoint" });
      await other.train({ run: newRun(), data: { x: [[0, 1]], y: ["red"] } });
      await expect(other.predict({ x: [0, 0] })).resolves.toBeDefined();
    }
    await own.dispose();
    await expect(own.predict({ x: [0, 0] })).rejects.toMatchObject({
      code: "untrained",
      message: expect.stringContaining("disposed"),
    });
  });
});

it("the fingerprint of data changes with every value that training reads, and with nothing else", async () => {
  const base = folder();
  const of = async (text: string): Promise<string> => {
    put(base, "d.csv", text);
    const spec = dataSpec(
      { kind: "csv", path: "d.csv", delimiter: ",", header: null },
      { features: { a: feature.number("a") } },
    );
    const dataset = await openData(spec, {}, { base });
    try {
      return fingerprint(dataset);
    } finally {
      await dataset.close();
    }
  };
  const first = await of("a,b\n1,2\n3,4\n");
  expect(await of("a,b\r\n1.0,9\r\n3,4")).toBe(first);
  expect(await of("a,b\n1,2\n3.5,4\n")).not.toBe(first);
  expect(await of("a,b\n3,4\n1,2\n")).not.toBe(first);
});
