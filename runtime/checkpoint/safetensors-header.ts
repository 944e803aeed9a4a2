/**
 * @file The header of a safetensors file: 8 bytes of length, then JSON that names every tensor with its
 * element type, shape and bytes. Headers come from anywhere, so that nothing in one is believed before
 * it is checked: every byte after it must belong to exactly one tensor.
 */
import { sizeOf } from "../tensor.js";
import { isCount, isRecord, parseStrictJson } from "./strict-json.js";

/** The limit that the reference implementation sets. */
const maxHeaderBytes = 100_000_000;
/** Bytes before the header. */
export const lengthBytes = 8;

export type SafetensorsFault =
  | "not-safetensors"
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

export interface TensorEntry {
  readonly name: string;
  /** Element type as the format writes it: F32, BF16 … */
  readonly code: string;
  readonly shape: readonly number[];
  /** From the first byte after the header. */
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  /** In the order of their bytes. */
  readonly entries: readonly TensorEntry[];
  readonly metadata: Readonly<Record<string, string>>;
  /** Where the bytes of tensors start in the file. */
  readonly start: number;
}

/**
 * Where the header ends, from the file's first 8 bytes and its length.
 * @throws SafetensorsError for lengths that cannot be.
 */
export function headerEnd(file: Uint8Array, fileBytes: number): number {
  if (fileBytes < lengthBytes || file.length < lengthBytes) {
    throw new SafetensorsError("too-short", `${fileBytes} bytes cannot hold a header`);
  }
  const length = new DataView(file.buffer, file.byteOffset, lengthBytes).getBigUint64(0, true);
  if (length > BigInt(maxHeaderBytes)) {
    throw new SafetensorsError("header-too-large", `the header claims ${length} bytes`);
  }
  const end = lengthBytes + Number(length);
  if (end > fileBytes) {
    throw new SafetensorsError(
      "header-beyond-file",
      `the header claims ${length} bytes, the file has ${fileBytes}`,
    );
  }
  return end;
}

/**
 * Reads and checks a header. `file` holds it whole (from byte 0), `fileBytes` is the file's length and
 * `widths` has the bytes per element of the types that may occur.
 * @throws SafetensorsError for any deviation from the format.
 */
export function parseHeader(
  file: Uint8Array,
  fileBytes: number,
  widths: Readonly<Record<string, number>>,
): SafetensorsHeader {
  const start = headerEnd(file, fileBytes);
  const header = readJson(file.subarray(lengthBytes, start));
  const metadata = readMetadata(header.__metadata__);
  const entries = Object.entries(header)
    .filter(([name]) => name !== "__metadata__")
    .map(([name, entry]) => readEntry(name, entry, widths))
    .sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkCoverage(entries, fileBytes - start);
  return { entries, metadata, start };
}

/** Every byte belongs to exactly one tensor. */
function checkCoverage(entries: readonly TensorEntry[], payload: number): void {
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
}

function readJson(bytes: Uint8Array): Record<string, unknown> {
  let header: unknown;
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    header = parseStrictJson(text.decode(bytes));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const fault = reason.includes("appears twice") ? "duplicate-key" : "header-not-json";
    throw new SafetensorsError(fault, `the header cannot be read: ${reason}`);
  }
  if (bytes[0] !== 0x7b || !isRecord(header)) {
    throw new SafetensorsError("header-not-json", "the header is not a JSON object");
  }
  return header;
}

function readMetadata(value: unknown): Record<string, string> {
  if (value === undefined) return {};
  if (!isRecord(value) || Object.values(value).some((item) => typeof item !== "string")) {
    throw new SafetensorsError("bad-entry", "__metadata__ must map text to text");
  }
  return value as Record<string, string>;
}

function readEntry(
  name: string,
  value: unknown,
  widths: Readonly<Record<string, number>>,
): TensorEntry {
  if (!isRecord(value)) {
    throw new SafetensorsError("bad-entry", `the entry of ${show(name)} is not an object`);
  }
  const { dtype: code, shape, data_offsets: offsets, ...rest } = value;
  const [extra] = Object.keys(rest);
  if (extra !== undefined) {
    throw new SafetensorsError("bad-entry", `tensor ${show(name)} has an unknown ${show(extra)}`);
  }
  const width = typeof code === "string" && Object.hasOwn(widths, code) ? widths[code] : undefined;
  if (typeof code !== "string" || width === undefined) {
    throw new SafetensorsError(
      "unsupported-dtype",
      `tensor ${show(name)} has dtype ${show(code)}; known are ${Object.keys(widths).join(", ")}`,
    );
  }
  if (!Array.isArray(shape) || !shape.every(isCount)) {
    throw new SafetensorsError("bad-entry", `tensor ${show(name)} has no proper shape`);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    throw new SafetensorsError("bad-entry", `tensor ${show(name)} has no proper data_offsets`);
  }
  const [begin, end] = offsets as [number, number];
  const bytes = sizeOf(shape) * width;
  if (!Number.isSafeInteger(bytes) || end - begin !== bytes) {
    throw new SafetensorsError(
      "size-mismatch",
      `tensor ${show(name)} of shape [${shape.join(", ")}] needs ${bytes} bytes, has ${end - begin}`,
    );
  }
  return { name, code, shape, begin, end };
}

/** Text from a file, shortened and without control characters. */
export function show(value: unknown): string {
  return JSON.stringify(String(value).slice(0, 80));
}
