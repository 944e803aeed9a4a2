/** @file Batches of an epoch: order, completeness, resumption, and the same through a worker. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import fc from "fast-check";
import { expect, it } from "vitest";
import {
  type Batch,
  type BatchOptions,
  batchSource,
  createBatches,
  type Dataset,
  openData,
} from "../../../runtime/data/index.js";
import { derive, permutation } from "../../../runtime/random.js";
import { dataSpec, feature, folder, noSplit } from "./support.js";

const base = folder();

/** n rows: x is the row's number, v = [x, -x], y = x mod 3; the last `validation` rows held back. */
async function counting(n: number, validation = 0): Promise<Dataset> {
  const rows = Array.from({ length: n }, (_, i) => i);
  const spec = dataSpec(
    { kind: "arrays" },
    {
      features: { x: feature.number("x"), v: feature.vector(["v"], [2]) },
      targets: { y: feature.category("y", ["a", "b", "c"]) },
      split: { ...noSplit, method: "last", validation },
    },
  );
  const train = { x: rows, v: rows.map((i) => [i, -i]), y: rows.map((i) => i % 3) };
  return openData(spec, {}, { base, arrays: { train } });
}

async function all(
  dataset: Dataset,
  options: BatchOptions,
  split: "train" | "validation" = "train",
) {
  const batches: Batch[] = [];
  for await (const batch of createBatches(dataset, split, options)) batches.push(batch);
  return batches;
}

const options = { batch: 4, seed: 5, epoch: 0, shuffle: true, worker: false };

it("gives each row exactly once, all columns of a row together, and the rest as the last batch", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 1, max: 70 }),
      fc.boolean(),
      fc.nat(),
      async (n, batch, shuffle, seed) => {
        const batches = await all(await counting(n), { ...options, batch, shuffle, seed });
        expect(batches.map((b) => b.index)).toEqual(batches.map((_, i) => i));
        expect(batches.map((b) => b.rows.length)).toEqual(
          Array.from({ length: Math.ceil(n / batch) }, (_, i) => Math.min(batch, n - i * batch)),
        );
        const rows = batches.flatMap((b) => [...b.rows]);
        expect([...rows].sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i));
        for (const { inputs, rows: picked } of batches) {
          expect(inputs.x).toEqual({
            dtype: "f32",
            shape: [picked.length, 1],
            data: Float32Array.from(picked),
          });
          expect([...inputs.v!.data]).toEqual([...picked].flatMap((i) => [i, 0 - i]));
          expect(inputs.y).toEqual({
            dtype: "i32",
            shape: [picked.length],
            data: Int32Array.from(picked, (i) => i % 3),
          });
        }
      },
    ),
    { numRuns: 40 },
  );
});

it("shuffles by seed and epoch with the permutation of the runtime's generator", async () => {
  const dataset = await counting(23);
  for (const [seed, epoch] of [
    [5, 0],
    [5, 1],
    [6, 0],
  ] as const) {
    const rows = (await all(dataset, { ...options, seed, epoch })).flatMap((b) => [...b.rows]);
    expect(rows).toEqual([...permutation(23, derive(seed, epoch))]);
  }
});

it("keeps the stored order without shuffling, and stays inside the split", async () => {
  const dataset = await counting(10, 3);
  const rows = async (split: "train" | "validation", shuffle: boolean) =>
    (await all(dataset, { ...options, shuffle }, split)).flatMap((b) => [...b.rows]);
  expect(await rows("train", false)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(await rows("validation", false)).toEqual([7, 8, 9]);
  expect((await rows("validation", true)).sort()).toEqual([7, 8, 9]);
});

it("goes on at any batch just as an uninterrupted epoch does", async () => {
  const dataset = await counting(30);
  const whole = await all(dataset, options);
  for (let startBatch = 0; startBatch <= whole.length; startBatch++) {
    expect(await all(dataset, { ...options, startBatch })).toEqual(whole.slice(startBatch));
  }
});

it("gives batches in memory of their own, which engines may keep", async () => {
  const dataset = await counting(5);
  const [first] = await all(dataset, { ...options, shuffle: false });
  first!.inputs.x!.data.fill(99);
  const [again] = await all(dataset, { ...options, shuffle: false });
  expect([...again!.inputs.x!.data]).toEqual([0, 1, 2, 3]);
  expect(again!.inputs.x!.data.buffer).toBeInstanceOf(ArrayBuffer);
});

it("ends after the last batch and after close", async () => {
  const batches = createBatches(await counting(5), "train", options);
  expect(batches.count).toBe(2);
  expect((await batches.next())?.index).toBe(0);
  await batches.close();
  expect(await batches.next()).toBeNull();
});

it("is a source for the trainer", async () => {
  const dataset = await counting(9, 2);
  const source = batchSource(dataset, "train", { worker: false });
  expect(source?.size).toBe(7);
  const rows: number[] = [];
  for await (const batch of source!.batches({ batch: 3, epoch: 2, from: 1, shuffle: 8 })) {
    rows.push(...Array.from(batch.rows));
  }
  expect(rows).toEqual([...permutation(7, derive(8, 2))].slice(3));
  expect(batchSource(dataset, "test")).toBeNull();
});

// ------------------------------------------------------------ the worker, which needs compiled files

const dist = new URL("../../../runtime/dist/data/index.js", import.meta.url);

/** Runs `body` in a process of its own with the compiled runtime; gives the JSON that it prints. */
function inProcess(body: string): unknown {
  expect(existsSync(fileURLToPath(dist)), "npm run build makes runtime/dist").toBe(true);
  const code = `
    import { createBatches, openData } from ${JSON.stringify(pathToFileURL(fileURLToPath(dist)).href)};
    const rows = Array.from({ length: 1003 }, (_, i) => i);
    const spec = { source: { kind: "arrays" }, validation: null, test: null,
      split: ${JSON.stringify({ ...noSplit, validation: 100 })},
      features: { x: ${JSON.stringify(feature.number("x"))} },
      targets: { y: ${JSON.stringify(feature.category("y", ["a", "b"]))} } };
    const train = { x: rows.map((i) => i / 7), y: rows.map((i) => i % 2) };
    const open = () => openData(spec, {}, { base: ".", arrays: { train } });
    const run = async (dataset, split, options) => {
      const out = [];
      for await (const b of createBatches(dataset, split, { batch: 32, seed: 3, epoch: 0, shuffle: true, ...options })) {
        out.push([b.index, ...b.rows, ...b.inputs.x.data, ...b.inputs.y.data]);
      }
      return out;
    };
    ${body}`;
  const out = execFileSync(process.execPath, ["--input-type=module", "-e", code], {
    timeout: 30_000,
    encoding: "utf8",
    cwd: base,
  });
  return JSON.parse(out);
}

it("assembles the same batches in a worker, over several epochs, splits and restarts", () => {
  const result = inProcess(`
    const a = await open();
    const b = await open();
    const same = [];
    for (const [split, options] of [["train", {}], ["train", { epoch: 1 }], ["validation", { shuffle: false }], ["train", { epoch: 1, startBatch: 20 }]]) {
      const there = await run(a, split, { ...options, worker: true });
      const here = await run(b, split, { ...options, worker: false });
      same.push(there.length > 0 && JSON.stringify(there) === JSON.stringify(here));
    }
    const used = a.worker() !== null;
    await a.close();
    console.log(JSON.stringify({ same, used }));`);
  expect(result).toEqual({ same: [true, true, true, true], used: true });
});

it("lets the process end with batches left and nothing closed", () => {
  const result = inProcess(`
    const a = await open();
    const batches = createBatches(a, "train", { batch: 8, seed: 1, epoch: 0, shuffle: true, worker: true });
    const first = await batches.next();
    console.log(JSON.stringify(first.index));`);
  expect(result).toBe(0);
});

it("closes in the middle of an epoch and refuses batches afterwards", () => {
  const result = inProcess(`
    const a = await open();
    const batches = createBatches(a, "train", { batch: 8, seed: 1, epoch: 0, shuffle: true, worker: true });
    await batches.next();
    await a.close();
    let message = null;
    try { for (let i = 0; i < 20; i++) await batches.next(); } catch (error) { message = error.message; }
    console.log(JSON.stringify(message));`);
  expect(result).toContain("the batch worker ended");
});

it("brings a fault in the worker to the caller", () => {
  const result = inProcess(`
    const a = await open();
    const worker = a.worker();
    const epoch = worker.begin({ columns: { x: null }, indices: null, rows: 4, batch: 2, shuffle: false, seed: 0, epoch: 0 });
    let message = null;
    try { await worker.take(epoch, 0); } catch (error) { message = error.message; }
    await a.close();
    console.log(JSON.stringify(message));`);
  expect(result).toMatch(/null/);
});
