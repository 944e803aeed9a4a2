/** @file Number formats of binary files, read into the three types that columns have. */
import { type NumberData, sharedArray } from "./table.js";

/** How one number is stored. */
export interface ElementFormat {
  readonly name: string;
  readonly bytes: number;
  /** The column type it becomes: integers that may not fit an i32 become f32. */
  readonly becomes: "u8" | "i32" | "f32";
  readonly read: (view: DataView, at: number, littleEndian: boolean) => number;
}

export const elementFormats = {
  u8: { name: "u8", bytes: 1, becomes: "u8", read: (v, at) => v.getUint8(at) },
  i8: { name: "i8", bytes: 1, becomes: "i32", read: (v, at) => v.getInt8(at) },
  u16: { name: "u16", bytes: 2, becomes: "i32", read: (v, at, le) => v.getUint16(at, le) },
  i16: { name: "i16", bytes: 2, becomes: "i32", read: (v, at, le) => v.getInt16(at, le) },
  i32: { name: "i32", bytes: 4, becomes: "i32", read: (v, at, le) => v.getInt32(at, le) },
  u32: { name: "u32", bytes: 4, becomes: "i32", read: (v, at, le) => v.getUint32(at, le) },
  i64: {
    name: "i64",
    bytes: 8,
    becomes: "i32",
    read: (v, at, le) => Number(v.getBigInt64(at, le)),
  },
  u64: {
    name: "u64",
    bytes: 8,
    becomes: "i32",
    read: (v, at, le) => Number(v.getBigUint64(at, le)),
  },
  f16: { name: "f16", bytes: 2, becomes: "f32", read: (v, at, le) => half(v.getUint16(at, le)) },
  f32: { name: "f32", bytes: 4, becomes: "f32", read: (v, at, le) => v.getFloat32(at, le) },
  f64: { name: "f64", bytes: 8, becomes: "f32", read: (v, at, le) => v.getFloat64(at, le) },
} as const satisfies Record<string, ElementFormat>;

/** IEEE 754 binary16. */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/**
 * `length` numbers from `bytes`, which hold at least that many. u8 is a view, not a copy. 32- and
 * 64-bit integers outside the range of i32 make the whole column f32.
 */
export function readElements(
  bytes: Uint8Array,
  format: ElementFormat,
  length: number,
  littleEndian: boolean,
): NumberData {
  if (format.becomes === "u8") return bytes.subarray(0, length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, length * format.bytes);
  const data = sharedArray(format.becomes, length);
  for (let i = 0; i < length; i++) {
    const value = format.read(view, i * format.bytes, littleEndian);
    if (format.becomes === "i32" && (value | 0) !== value) {
      return readElements(bytes, { ...format, becomes: "f32" }, length, littleEndian);
    }
    data[i] = value;
  }
  return data;
}
