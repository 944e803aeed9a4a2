/** @file Reading NumPy arrays. */
import { expect, it } from "vitest";
import type { SourceSpec } from "../../../runtime/spec.js";
import { bytesOf, failure, folder, npyFile, put, read, valuesOf } from "./support.js";

const base = folder();

function npy(file: string): SourceSpec {
  return { kind: "npy", files: { x: file } };
}

async function load(dictionary: string, body: Uint8Array, version = 1) {
  const file = put(base, "x.npy", npyFile(dictionary, body, version));
  return (await read(npy(file), base, ["x"])).x;
}

const header = (descr: string, shape = "(3, 2)", order = "False") =>
  `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }`;

const values = [1, 2, 3, 100, 0, 7];
const types: readonly [descr: string, body: Buffer][] = [
  ["|u1", bytesOf(Uint8Array.from(values))],
  ["|i1", bytesOf(Int8Array.from(values))],
  ["<u2", bytesOf(Uint16Array.from(values))],
  [">i2", bytesOf(Int16Array.from(values)).swap16()],
  ["<i4", bytesOf(Int32Array.from(values))],
  [">u4", bytesOf(Uint32Array.from(values)).swap32()],
  ["<i8", bytesOf(BigInt64Array.from(values, BigInt))],
  [">u8", bytesOf(BigUint64Array.from(values, BigInt)).swap64()],
  ["<f2", bytesOf(Uint16Array.of(0x3c00, 0x4000, 0x4200, 0x5640, 0, 0x4700))],
  ["<f4", bytesOf(Float32Array.from(values))],
  [">f4", bytesOf(Float32Array.from(values)).swap32()],
  ["<f8", bytesOf(Float64Array.from(values))],
];
for (const [descr, body] of types) {
  for (const version of [1, 2, 3]) {
    it(`reads ${descr} of format ${version}`, async () => {
      const x = await load(header(descr), body, version);
      expect(x).toMatchObject({ rows: 3, shape: [2] });
      expect(valuesOf(x)).toEqual(values);
    });
  }
}

it("reads booleans as 0 and 1", async () => {
  expect(valuesOf(await load(header("|b1", "(2,)"), Buffer.from([1, 0])))).toEqual([1, 0]);
});

it("reads half floats exactly: subnormal, negative, largest", async () => {
  const body = bytesOf(Uint16Array.of(0x0001, 0xc000, 0x7bff));
  expect(valuesOf(await load(header("<f2", "(3,)"), body))).toEqual([2 ** -24, -2, 65504]);
});

it("brings Fortran order into row order", async () => {
  // numpy.asfortranarray(numpy.arange(24).reshape(2, 3, 4)) in memory order
  const body = new Uint8Array(24);
  let at = 0;
  for (let k = 0; k < 4; k++) {
    for (let j = 0; j < 3; j++) for (let i = 0; i < 2; i++) body[at++] = 12 * i + 4 * j + k;
  }
  const x = await load(header("|u1", "(2, 3, 4)", "True"), body);
  expect(x).toMatchObject({ rows: 2, shape: [3, 4] });
  expect(valuesOf(x)).toEqual(Array.from({ length: 24 }, (_, i) => i));
});

it("keeps integers beyond 32 bits as floats", async () => {
  const x = await load(header("<i8", "(2,)"), bytesOf(BigInt64Array.of(5n, 2n ** 40n)));
  expect(valuesOf(x)).toEqual([5, 2 ** 40]);
});

const refused: readonly [what: string, dictionary: string, code: string][] = [
  ["Python objects", header("|O", "(2,)"), "unsupported-element-type"],
  ["text", header("<U3", "(2,)"), "unsupported-element-type"],
  ["complex numbers", header("<c8", "(2,)"), "unsupported-element-type"],
  [
    "records",
    "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }",
    "wrong-file-format",
  ],
  ["a single number", header("<f4", "()"), "data-shape-mismatch"],
  ["a header that is no dictionary", "hello", "wrong-file-format"],
  ["a header without a shape", "{'descr': '<f4', 'fortran_order': False}", "wrong-file-format"],
  ["a shape beyond all bounds", header("|u1", `(${"9".repeat(20)},)`), "wrong-file-format"],
];
for (const [what, dictionary, code] of refused) {
  it(`refuses ${what}`, async () => {
    const error = await failure(load(dictionary, Buffer.alloc(64)));
    expect(error.code).toBe(code);
    expect(error.help).not.toBe("");
  });
}

it("refuses every shortened file", async () => {
  const whole = npyFile(header("<f4", "(2, 2)"), bytesOf(Float32Array.of(1, 2, 3, 4)));
  for (let length = 0; length < whole.length; length++) {
    const file = put(base, "short.npy", whole.subarray(0, length));
    const { code } = await failure(read(npy(file), base, ["x"]));
    expect(code).toBe(length < 6 ? "wrong-file-format" : "truncated-file");
  }
});
