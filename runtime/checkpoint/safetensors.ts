/**
 * @file The safetensors format (github.com/huggingface/safetensors): 8 bytes header length, a JSON
 * header, raw little-endian tensors. The reader is strict: every byte of the file must belong to the
 * header or to exactly one tensor, so that a file has one meaning and cannot hide or repeat data.
 */
import { allocate, bytesPerElement, type DType, type HostTensor, sizeOf } from "../tensor.js";
import { parseHeader, SafetensorsError, show } from "./safetensors-header.js";

export { SafetensorsError, type SafetensorsFault } from "./safetensors-header.js";

const codes: Readonly<Record<DType, string>> = {
  f32: "F32",
  i32: "I32",
  u32: "U32",
  u8: "U8",
  bool: "BOOL",
};
const dtypes = new Map(Object.entries(codes).map(([dtype, code]) => [code, dtype as DType]));

const widths = Object.fromEntries(
  Object.entries(codes).map(([dtype, code]) => [code, bytesPerElement[dtype as DType]]),
);

export interface SafetensorsFile {
  readonly tensors: Readonly<Record<string, HostTensor>>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Serialises tensors. Equal content gives equal bytes: wide elements first (alignment), then by name. */
export function writeSafetensors(
  tensors: Readonly<Record<string, HostTensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const entries = Object.entries(tensors).sort(
    ([a, x], [b, y]) =>
      bytesPerElement[y.dtype] - bytesPerElement[x.dtype] || (a < b ? -1 : a > b ? 1 : 0),
  );
  const header: [string, unknown][] = [];
  if (Object.keys(metadata).length > 0) {
    header.push(["__metadata__", Object.fromEntries(Object.entries(metadata).sort())]);
  }
  let offset = 0;
  for (const [name, tensor] of entries) {
    if (name === "__metadata__") throw new Error("a tensor cannot be called __metadata__");
    const end = offset + tensor.data.byteLength;
    header.push([
      name,
      { dtype: codes[tensor.dtype], shape: tensor.shape, data_offsets: [offset, end] },
    ]);
    offset = end;
  }
  const json = new TextEncoder().encode(renderObject(header));
  // Padded with spaces so that the tensors start at a multiple of 8.
  const headerBytes = Math.ceil(json.length / 8) * 8;
  const file = new Uint8Array(8 + headerBytes + offset);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true);
  file.fill(0x20, 8, 8 + headerBytes);
  file.set(json, 8);
  let at = 8 + headerBytes;
  for (const [, { data }] of entries) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return file;
}

/**
 * Reads a whole file. The tensors are copies.
 * @throws SafetensorsError for any deviation from the format.
 */
export function readSafetensors(file: Uint8Array): SafetensorsFile {
  const { entries, metadata, start } = parseHeader(file, file.length, widths);
  const tensors: Record<string, HostTensor> = Object.create(null);
  for (const { name, code, shape, begin, end } of entries) {
    const dtype = dtypes.get(code);
    if (dtype === undefined) throw new Error(`the header's reader knows no ${code}`);
    const data = allocate(dtype, sizeOf(shape));
    const bytes = new Uint8Array(data.buffer);
    bytes.set(file.subarray(start + begin, start + end));
    if (dtype === "bool" && bytes.some((byte) => byte > 1)) {
      throw new SafetensorsError("bad-bool", `tensor ${show(name)} has a bool that is not 0 or 1`);
    }
    tensors[name] = { dtype, shape, data };
  }
  return { tensors, metadata };
}

/** A JSON object in the given key order (plain objects would move number-like keys to the front). */
function renderObject(entries: readonly (readonly [string, unknown])[]): string {
  return `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(",")}}`;
}
