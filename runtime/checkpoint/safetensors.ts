/**
 * @file The safetensors format (github.com/huggingface/safetensors): 8 bytes header length, a JSON
 * header, raw little-endian tensors. The reader is strict: every byte of the file must belong to the
 * header or to exactly one tensor, so that a file has one meaning and cannot hide or repeat data.
 */
import { allocate, bytesPerElement, type DType, type HostTensor, sizeOf } from "../tensor.js";
import { isCount, isRecord, parseStrictJson } from "./strict-json.js";

const codes: Readonly<Record<DType, string>> = {
  f32: "F32",
  i32: "I32",
  u32: "U32",
  u8: "U8",
  bool: "BOOL",
};
const dtypes = new Map(Object.entries(codes).map(([dtype, code]) => [code, dtype as DType]));

/** The limit that the reference implementation sets. */
const maxHeaderBytes = 100_000_000;

export type SafetensorsFault =
  | "too-short"
  | "header-too-large"
  | "header-beyond-file"
  | "header-not-json"
  | "duplicate-key"
  | "bad-entry"
  | "unsupported-dtype"
  | "size-mismatch"
  | "overlap-or-hole"
  | "trailing-bytes"
  | "bad-bool";

/** What is wrong with a file's bytes. Callers add which file it is. */
export class SafetensorsError extends Error {
  override readonly name = "SafetensorsError";
  constructor(
    readonly fault: SafetensorsFault,
    message: string,
  ) {
    super(message);
  }
}

export interface SafetensorsFile {
  readonly tensors: Readonly<Record<string, HostTensor>>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Serialises tensors. Equal content gives equal bytes: wide elements first (alignment), then by name. */
export function writeSafetensors(
  tensors: Readonly<Record<string, HostTensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
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
  const { header, start } = readHeader(file);
  const payload = file.length - start;
  const metadata = readMetadata(header.__metadata__);
  const entries = Object.entries(header)
    .filter(([name]) => name !== "__metadata__")
    .map(([name, entry]) => readEntry(name, entry))
    .sort((a, b) => a.begin - b.begin || a.end - b.end);
  let covered = 0;
  for (const { name, begin, end } of entries) {
    if (begin !== covered) {
      throw new SafetensorsError(
        "overlap-or-hole",
        `tensor ${show(name)} starts at byte ${begin}, the one before it ends at ${covered}`,
      );
    }
    if (end > payload) {
      throw new SafetensorsError(
        "too-short",
        `tensor ${show(name)} ends at byte ${end} of ${payload}: the file is cut off`,
      );
    }
    covered = end;
  }
  if (covered !== payload) {
    throw new SafetensorsError(
      "trailing-bytes",
      `${payload - covered} bytes after the last tensor belong to nothing`,
    );
  }
  const tensors: Record<string, HostTensor> = Object.create(null);
  for (const { name, dtype, shape, begin, end } of entries) {
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

function readHeader(file: Uint8Array): { header: Record<string, unknown>; start: number } {
  if (file.length < 8) {
    throw new SafetensorsError("too-short", `${file.length} bytes cannot hold a header`);
  }
  const length = new DataView(file.buffer, file.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(maxHeaderBytes)) {
    throw new SafetensorsError("header-too-large", `the header claims ${length} bytes`);
  }
  const start = 8 + Number(length);
  if (start > file.length) {
    throw new SafetensorsError(
      "header-beyond-file",
      `the header claims ${length} bytes, the file has ${file.length}`,
    );
  }
  let header: unknown;
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    header = parseStrictJson(text.decode(file.subarray(8, start)));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const fault = reason.includes("appears twice") ? "duplicate-key" : "header-not-json";
    throw new SafetensorsError(fault, `the header cannot be read: ${reason}`);
  }
  if (file[8] !== 0x7b || !isRecord(header)) {
    throw new SafetensorsError("header-not-json", "the header is not a JSON object");
  }
  return { header, start };
}

function readMetadata(value: unknown): Record<string, string> {
  if (value === undefined) return {};
  if (!isRecord(value) || Object.values(value).some((item) => typeof item !== "string")) {
    throw new SafetensorsError("bad-entry", "__metadata__ must map text to text");
  }
  return value as Record<string, string>;
}

interface Entry {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

function readEntry(name: string, value: unknown): Entry {
  if (!isRecord(value)) {
    throw new SafetensorsError("bad-entry", `the entry of ${show(name)} is not an object`);
  }
  const { dtype: code, shape, data_offsets: offsets, ...rest } = value;
  const [extra] = Object.keys(rest);
  if (extra !== undefined) {
    throw new SafetensorsError("bad-entry", `tensor ${show(name)} has an unknown ${show(extra)}`);
  }
  const dtype = typeof code === "string" ? dtypes.get(code) : undefined;
  if (dtype === undefined) {
    throw new SafetensorsError(
      "unsupported-dtype",
      `tensor ${show(name)} has dtype ${show(code)}; known are ${[...dtypes.keys()].join(", ")}`,
    );
  }
  if (!Array.isArray(shape) || !shape.every(isCount)) {
    throw new SafetensorsError("bad-entry", `tensor ${show(name)} has no proper shape`);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    throw new SafetensorsError("bad-entry", `tensor ${show(name)} has no proper data_offsets`);
  }
  const [begin, end] = offsets as [number, number];
  const bytes = sizeOf(shape) * bytesPerElement[dtype];
  if (!Number.isSafeInteger(bytes) || end - begin !== bytes) {
    throw new SafetensorsError(
      "size-mismatch",
      `tensor ${show(name)} of shape [${shape.join(", ")}] needs ${bytes} bytes, has ${end - begin}`,
    );
  }
  return { name, dtype, shape, begin, end };
}

/** A JSON object in the given key order (plain objects would move number-like keys to the front). */
function renderObject(entries: readonly (readonly [string, unknown])[]): string {
  return `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(",")}}`;
}

/** Text from a file, shortened and without control characters. */
function show(value: unknown): string {
  return JSON.stringify(String(value).slice(0, 80));
}
