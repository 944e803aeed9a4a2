/** @file Reading the binary files of CIFAR. */
import { expect, it } from "vitest";
import type { SourceSpec } from "../../../runtime/spec.js";
import { failure, folder, put, read, valuesOf } from "./support.js";

const base = folder();

/** Records with the given label bytes; red, green and blue planes are 10·k, 10·k + 1, 10·k + 2. */
function records(labels: readonly (readonly number[])[]): Buffer {
  return Buffer.concat(
    labels.flatMap((label, k) => [
      Buffer.from(label),
      ...[0, 1, 2].map((c) => Buffer.alloc(1024, 10 * k + c)),
    ]),
  );
}

function cifar(files: readonly string[], classes: 10 | 100 = 10): SourceSpec {
  return { kind: "cifar", files, classes };
}

it("reads several files one after the other and puts the colours of a pixel together", async () => {
  const a = put(base, "a.bin", records([[3], [9]]));
  const b = put(base, "b.bin", records([[0]]));
  const { image, label } = await read(cifar([a, b]), base, ["image", "label"]);
  expect(valuesOf(label)).toEqual([3, 9, 0]);
  expect(image).toMatchObject({ rows: 3, shape: [32, 32, 3] });
  const pixels = valuesOf(image);
  expect(pixels.slice(0, 6)).toEqual([0, 1, 2, 0, 1, 2]);
  expect(pixels.slice(3072 + 3069, 3072 + 3072)).toEqual([10, 11, 12]);
});

it("keeps every pixel in its place", async () => {
  const body = Buffer.alloc(3073);
  for (let i = 0; i < 3072; i++) body[1 + i] = (i * 7 + 3) % 256;
  const { image } = await read(cifar([put(base, "p.bin", body)]), base, ["image"]);
  const pixels = valuesOf(image);
  for (const [row, column, c] of [
    [0, 0, 0],
    [5, 31, 1],
    [31, 31, 2],
    [17, 4, 2],
  ] as const) {
    const plane = c * 1024 + row * 32 + column;
    expect(pixels[(row * 32 + column) * 3 + c]).toBe((plane * 7 + 3) % 256);
  }
});

it("reads fine and coarse labels of CIFAR-100", async () => {
  const file = put(
    base,
    "c100.bin",
    records([
      [19, 99],
      [0, 7],
    ]),
  );
  const table = await read(cifar([file], 100), base, ["label", "coarse_label"]);
  expect(valuesOf(table.label)).toEqual([99, 7]);
  expect(valuesOf(table.coarse_label)).toEqual([19, 0]);
});

it("refuses a file that is not a whole number of records", async () => {
  const whole = records([[1], [2]]);
  for (const length of [0, 1, 3072, 3074, whole.length - 1]) {
    const file = put(base, "short.bin", whole.subarray(0, length));
    expect((await failure(read(cifar([file]), base, ["label"]))).code).toBe("truncated-file");
  }
});

it("refuses a label that the data set does not have, with its record in its file", async () => {
  const a = put(base, "ok.bin", records([[1]]));
  const b = put(base, "bad.bin", records([[1], [10]]));
  const error = await failure(read(cifar([a, b]), base, ["image"]));
  expect(error).toMatchObject({
    code: "wrong-file-format",
    place: "bad.bin, record 1 (counted from 0)",
  });
});

it("knows its columns", async () => {
  const error = await failure(read(cifar(["a.bin"]), base, ["labels"]));
  expect(error.help).toContain("Did you mean 'label'?");
});
