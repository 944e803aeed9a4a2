/** @file Reading IDX files. */
import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import type { SourceSpec } from "../../../runtime/spec.js";
import { bytesOf, failure, folder, idxFile, put, read, valuesOf } from "./support.js";

const base = folder();

function idx(files: Record<string, string>): SourceSpec {
  return { kind: "idx", files };
}

/** The same numbers in every element type of the format. */
const types: readonly [name: string, type: number, body: Uint8Array][] = [
  ["u8", 0x08, Buffer.from([1, 2, 3, 100, 0, 7])],
  ["i8", 0x09, Buffer.from([1, 2, 3, 100, 0, 7])],
  ["i16", 0x0b, bytesOf(Int16Array.of(1, 2, 3, 100, 0, 7)).swap16()],
  ["i32", 0x0c, bytesOf(Int32Array.of(1, 2, 3, 100, 0, 7)).swap32()],
  ["f32", 0x0d, bytesOf(Float32Array.of(1, 2, 3, 100, 0, 7)).swap32()],
  ["f64", 0x0e, bytesOf(Float64Array.of(1, 2, 3, 100, 0, 7)).swap64()],
];

for (const [name, type, body] of types) {
  for (const packed of [false, true]) {
    it(`reads ${name}${packed ? " from gzip" : ""}`, async () => {
      const bytes = idxFile(type, [3, 2], body);
      const file = put(base, `${name}.idx${packed ? ".gz" : ""}`, packed ? gzipSync(bytes) : bytes);
      const { x } = await read(idx({ x: file }), base, ["x"]);
      expect(valuesOf(x)).toEqual([1, 2, 3, 100, 0, 7]);
      expect(x).toMatchObject({ rows: 3, shape: [2] });
    });
  }
}

it("keeps negative numbers of signed types", async () => {
  const file = put(base, "negative.idx", idxFile(0x09, [2], Buffer.from([0xff, 0x80])));
  expect(valuesOf((await read(idx({ x: file }), base, ["x"])).x)).toEqual([-1, -128]);
});

it("leaves files alone that no feature uses", async () => {
  const x = put(base, "x.idx", idxFile(8, [2], Buffer.from([1, 2])));
  expect(Object.keys(await read(idx({ x, y: "is-not-there" }), base, ["x"]))).toEqual(["x"]);
});

it("refuses every shortened file, and says how much is missing", async () => {
  const whole = idxFile(8, [4, 2, 2], Buffer.alloc(16, 9));
  for (let length = 0; length < whole.length; length++) {
    const file = put(base, "short.idx", whole.subarray(0, length));
    const error = await failure(read(idx({ x: file }), base, ["x"]));
    expect(error.code).toBe(length < 4 ? "wrong-file-format" : "truncated-file");
    expect(error.place).toBe("short.idx");
  }
});

it("refuses a file with more than its header says", async () => {
  const file = put(base, "long.idx", idxFile(8, [2], Buffer.from([1, 2, 3])));
  const error = await failure(read(idx({ x: file }), base, ["x"]));
  expect(error).toMatchObject({
    code: "trailing-bytes",
    message: "long.idx has 1 byte more than its header says",
  });
});

it("refuses another magic number and shows it", async () => {
  const file = put(base, "page.idx", "<!doctype html>");
  const error = await failure(read(idx({ x: file }), base, ["x"]));
  expect(error.code).toBe("wrong-file-format");
  expect(error.help).toContain("3c 21 64 6f");
});

it("does not allocate what a lying header asks for", async () => {
  const file = put(base, "huge.idx", idxFile(8, [0xffffffff, 0xffff], Buffer.alloc(10)));
  expect((await failure(read(idx({ x: file }), base, ["x"]))).code).toBe("truncated-file");
});

it("refuses columns of different lengths and names both", async () => {
  const x = put(base, "a.idx", idxFile(8, [3], Buffer.alloc(3)));
  const y = put(base, "b.idx", idxFile(8, [2], Buffer.alloc(2)));
  const error = await failure(read(idx({ x, y }), base, ["x", "y"]));
  expect(error).toMatchObject({
    code: "row-count-mismatch",
    message: "the column 'x' has 3 rows, but 'y' has 2 rows",
  });
});

it("refuses a file without rows", async () => {
  const x = put(base, "none.idx", idxFile(8, [0, 2], Buffer.alloc(0)));
  expect((await failure(read(idx({ x }), base, ["x"]))).code).toBe("no-rows");
});
