/** @file Element types that tensors of other tools may have, and how floating ones become f32. */
import { fromHalfBits } from "../../half.js";

/** Bytes per element of everything that files may hold beside each other. */
export const foreignWidths: Readonly<Record<string, number>> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  F8_E4M3: 1,
  F8_E5M2: 1,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
};

type Convert = (bytes: Uint8Array) => Float32Array;

/** Reads little-endian elements of `width` bytes. */
const each =
  (width: number, read: (view: DataView, at: number) => number): Convert =>
  (bytes) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return Float32Array.from({ length: bytes.byteLength / width }, (_, i) => read(view, i * width));
  };

/** Those that can be weights. F64 is rounded; the others have an f32 for every value. */
const floats: Readonly<Record<string, Convert>> = {
  F32: each(4, (view, at) => view.getFloat32(at, true)),
  F64: each(8, (view, at) => view.getFloat64(at, true)),
  F16: each(2, (view, at) => fromHalfBits("f16", view.getUint16(at, true))),
  BF16: each(2, (view, at) => fromHalfBits("bf16", view.getUint16(at, true))),
};

/** May a tensor of this element type become a weight? */
export const isFloat = (code: string): boolean => Object.hasOwn(floats, code);

export function toFloat32(code: string, bytes: Uint8Array): Float32Array {
  const convert = isFloat(code) ? floats[code] : undefined;
  if (convert === undefined) throw new Error(`${code} cannot become f32`);
  return convert(bytes);
}
