/** @file The safetensors reader accepts what the format allows and nothing else. */
import type { DType, HostTensor } from "@dlc/runtime";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  readSafetensors,
  SafetensorsError,
  writeSafetensors,
} from "../../runtime/checkpoint/safetensors.js";
import { parseStrictJson } from "../../runtime/checkpoint/strict-json.js";
import { allocate, sizeOf } from "../../runtime/tensor.js";

/** A file with any header text and payload. */
function file(header: string, payload = new Uint8Array(0), claimed?: bigint): Uint8Array {
  const json = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + json.length + payload.length);
  new DataView(bytes.buffer).setBigUint64(0, claimed ?? BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(payload, 8 + json.length);
  return bytes;
}
const entry = (begin: number, end: number, shape = [(end - begin) / 4], dtype = "F32"): string =>
  JSON.stringify({ dtype, shape, data_offsets: [begin, end] });

function faultOf(bytes: Uint8Array): string | null {
  try {
    readSafetensors(bytes);
    return null;
  } catch (error) {
    if (!(error instanceof SafetensorsError)) throw error;
    return error.fault;
  }
}

const dtypes: readonly DType[] = ["f32", "i32", "u32", "u8", "bool"];
const anyTensor: fc.Arbitrary<HostTensor> = fc
  .tuple(fc.constantFrom(...dtypes), fc.array(fc.nat(4), { maxLength: 3 }), fc.nat())
  .map(([dtype, shape, seed]) => {
    const data = allocate(dtype, sizeOf(shape));
    for (let i = 0; i < data.length; i++) data[i] = dtype === "bool" ? i % 2 : seed / 7 + i;
    return { dtype, shape, data };
  });

describe("safetensors", () => {
  it("gives back what was written, for every element type and any names", () => {
    const names = fc.string({ unit: "binary" }).filter((name) => name !== "__metadata__");
    const tensors = fc.dictionary(names, anyTensor, { maxKeys: 6 });
    const property = fc.property(
      tensors,
      fc.dictionary(fc.string(), fc.string()),
      (given, about) => {
        const read = readSafetensors(writeSafetensors(given, about));
        expect(Object.entries(read.tensors).sort()).toEqual(Object.entries(given).sort());
        expect(Object.entries(read.metadata).sort()).toEqual(Object.entries(about).sort());
      },
    );
    fc.assert(property, { numRuns: 300 });
  });

  it("writes the same bytes whatever the order of names", () => {
    const a: HostTensor = { dtype: "u8", shape: [3], data: Uint8Array.of(1, 2, 3) };
    const b: HostTensor = { dtype: "f32", shape: [1], data: Float32Array.of(1.5) };
    expect(writeSafetensors({ a, b, 10: a, 2: b })).toEqual(
      writeSafetensors({ 2: b, 10: a, b, a }),
    );
  });

  it("starts every tensor at a multiple of its element size", () => {
    const bytes = writeSafetensors({
      a: { dtype: "u8", shape: [3], data: Uint8Array.of(1, 2, 3) },
      b: { dtype: "f32", shape: [1], data: Float32Array.of(1.5) },
    });
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect(length % 8).toBe(0);
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as {
      b: { data_offsets: number[] };
    };
    expect(header.b.data_offsets).toEqual([0, 4]);
  });

  it("reads a file written by hand as the format describes", () => {
    const payload = new Uint8Array(Float32Array.of(1, 2, 3).buffer);
    const bytes = file(`{"__metadata__":{"format":"pt"},"w":${entry(0, 12, [3, 1])}}  `, payload);
    const { tensors, metadata } = readSafetensors(bytes);
    expect(tensors.w).toEqual({ dtype: "f32", shape: [3, 1], data: Float32Array.of(1, 2, 3) });
    expect(metadata).toEqual({ format: "pt" });
  });

  const eight = new Uint8Array(8);
  const faults: Readonly<Record<string, readonly [expected: string, bytes: Uint8Array]>> = {
    "an empty file": ["too-short", new Uint8Array(0)],
    "seven bytes": ["too-short", new Uint8Array(7)],
    "a header length of 2^63": ["header-too-large", file("{}", eight, 2n ** 63n)],
    "a header length of -1": ["header-too-large", file("{}", eight, 2n ** 64n - 1n)],
    "a header length beyond the file": ["header-beyond-file", file("{}", eight, 11n)],
    "a header length of 0": ["header-not-json", file("", eight)],
    "a header that is cut": ["header-not-json", file(`{"a":${entry(0, 8)}`, eight)],
    "a header that is an array": ["header-not-json", file("[]")],
    "a header that starts with a space": ["header-not-json", file(" {}")],
    "a header with a byte order mark": ["header-not-json", file("\ufeff{}")],
    "a header that is not UTF-8": ["header-not-json", file('{"a').with(9, 0xff)],
    "a name that appears twice": [
      "duplicate-key",
      file(`{"a":${entry(0, 4)},"a":${entry(4, 8)}}`, eight),
    ],
    "a name that appears twice, once escaped": [
      "duplicate-key",
      file(`{"a":${entry(0, 4)},"\\u0061":${entry(4, 8)}}`, eight),
    ],
    "a field that appears twice": [
      "duplicate-key",
      file('{"a":{"dtype":"F32","shape":[1],"shape":[2],"data_offsets":[0,8]}}', eight),
    ],
    "metadata that is not text": ["bad-entry", file('{"__metadata__":{"a":1}}')],
    "an entry that is a number": ["bad-entry", file('{"a":1}')],
    "an entry with an unknown field": [
      "bad-entry",
      file('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}}', eight),
    ],
    "a shape with a negative size": ["bad-entry", file(`{"a":${entry(0, 8, [-2])}}`, eight)],
    "a shape with a fraction": ["bad-entry", file(`{"a":${entry(0, 8, [1.5])}}`, eight)],
    "offsets that are text": [
      "bad-entry",
      file('{"a":{"dtype":"F32","shape":[2],"data_offsets":["0","8"]}}', eight),
    ],
    "one offset": [
      "bad-entry",
      file('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}}', eight),
    ],
    "an element type we do not have": [
      "unsupported-dtype",
      file(`{"a":${entry(0, 8, [1], "F64")}}`, eight),
    ],
    "no element type": [
      "unsupported-dtype",
      file('{"a":{"shape":[2],"data_offsets":[0,8]}}', eight),
    ],
    "a shape that needs more bytes": ["size-mismatch", file(`{"a":${entry(0, 8, [3])}}`, eight)],
    "a shape whose size overflows": [
      "size-mismatch",
      file(`{"a":${entry(0, 8, [2 ** 30, 2 ** 30])}}`, eight),
    ],
    "offsets in reverse": ["size-mismatch", file(`{"a":${entry(8, 0, [2])}}`, eight)],
    "tensors that overlap": [
      "overlap-or-hole",
      file(`{"a":${entry(0, 8)},"b":${entry(4, 8)}}`, eight),
    ],
    "two names for the same bytes": [
      "overlap-or-hole",
      file(`{"a":${entry(0, 8)},"b":${entry(0, 8)}}`, eight),
    ],
    "a hole between tensors": [
      "overlap-or-hole",
      file(`{"a":${entry(0, 4)},"b":${entry(8, 12)}}`, new Uint8Array(12)),
    ],
    "a first tensor that does not start at 0": [
      "overlap-or-hole",
      file(`{"a":${entry(4, 8)}}`, eight),
    ],
    "a tensor beyond the end": ["too-short", file(`{"a":${entry(0, 12)}}`, eight)],
    "bytes after the last tensor": ["trailing-bytes", file(`{"a":${entry(0, 4)}}`, eight)],
    "a bool of 2": ["bad-bool", file(`{"a":${entry(0, 1, [1], "BOOL")}}`, Uint8Array.of(2))],
  };
  it.each(Object.entries(faults))("refuses %s", (_, [expected, bytes]) => {
    expect(faultOf(bytes)).toBe(expected);
  });

  it("refuses a file that is cut off at any place or has a byte too many", () => {
    const whole = writeSafetensors({
      a: { dtype: "f32", shape: [2], data: Float32Array.of(1, 2) },
      b: { dtype: "u8", shape: [3], data: Uint8Array.of(1, 2, 3) },
    });
    for (let length = 0; length < whole.length; length++) {
      expect(faultOf(whole.subarray(0, length))).not.toBeNull();
    }
    const longer = new Uint8Array(whole.length + 1);
    longer.set(whole);
    expect(faultOf(longer)).toBe("trailing-bytes");
  });

  it("answers any bytes with tensors or a typed error", () => {
    const sample = writeSafetensors(
      { w: { dtype: "f32", shape: [2, 2], data: new Float32Array(4) } },
      { a: "b" },
    );
    const mutation = fc.tuple(fc.nat(sample.length - 1), fc.nat(255));
    const mutated = fc.array(mutation, { minLength: 1, maxLength: 4 }).map((changes) => {
      const bytes = sample.slice();
      for (const [at, value] of changes) bytes[at] = value;
      return bytes;
    });
    const property = fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 200 })), (bytes) => {
      // faultOf throws whatever is not a SafetensorsError.
      faultOf(bytes);
    });
    fc.assert(property, { numRuns: 3000 });
  });
});

describe("strict JSON", () => {
  it("reads the same as JSON.parse", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(parseStrictJson(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it("finds a key that appears twice at any depth, and only then", () => {
    expect(() => parseStrictJson('[{"a":[{"b":1,"c":{}, "b" : 2}]}]')).toThrow('"b" appears twice');
    expect(parseStrictJson('{"a":{"a":["a","a",{"a":"a"}]}}')).toBeTruthy();
    expect(parseStrictJson('{"a":"\\"a\\":1,{","b":"}"}')).toBeTruthy();
  });
});
