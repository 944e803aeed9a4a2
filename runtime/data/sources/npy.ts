/**
 * @file NumPy arrays, format versions 1 to 3
 * (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html). Numbers only: arrays of
 * Python objects hold pickles, which run code when read, and are refused.
 */
import { type ElementFormat, elementFormats, readElements } from "../elements.js";
import { count, DataError, quote } from "../errors.js";
import type { DataPath } from "../path.js";
import { type NumberData, rowSize, sharedArray } from "../table.js";
import { type ArrayHeader, arrayFiles, lengthOf, truncated } from "./per-file.js";
import type { SourceReader } from "./source.js";

interface NpyHeader extends ArrayHeader {
  readonly littleEndian: boolean;
  readonly fortranOrder: boolean;
}

const formats: ReadonlyMap<string, ElementFormat> = new Map<string, ElementFormat>([
  ["u1", elementFormats.u8],
  ["b1", elementFormats.u8],
  ["i1", elementFormats.i8],
  ["u2", elementFormats.u16],
  ["i2", elementFormats.i16],
  ["i4", elementFormats.i32],
  ["u4", elementFormats.u32],
  ["i8", elementFormats.i64],
  ["u8", elementFormats.u64],
  ["f2", elementFormats.f16],
  ["f4", elementFormats.f32],
  ["f8", elementFormats.f64],
]);
const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // \x93NUMPY
const longestHeader = 1 << 16;

export const npy: SourceReader<"npy"> = arrayFiles({
  headBytes: longestHeader,
  parseHeader,

  readNumbers(stored, header) {
    const data = readElements(stored, header.format, lengthOf(header), header.littleEndian);
    return header.fortranOrder ? rowMajor(data, [header.rows, ...header.shape]) : data;
  },
});

function parseHeader(bytes: Uint8Array, file: DataPath): NpyHeader {
  if (!magic.every((b, i) => bytes[i] === b)) {
    throw new DataError("wrong-file-format", `${file.shown} is not a NumPy array file`, {
      place: file.shown,
      help: "A .npy file begins with \\x93NUMPY; write one with numpy.save (not savez).",
    });
  }
  const version = bytes[6] ?? 0;
  if (bytes.length < 12) throw truncated(file, 12, bytes.length);
  if (version < 1 || version > 3) throw badHeader(file, `format version ${version} is not known`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const start = version === 1 ? 10 : 12;
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  const offset = start + length;
  if (offset > longestHeader) throw badHeader(file, `it is ${count(length, "byte")} long`);
  if (bytes.length < offset) throw truncated(file, offset, bytes.length);
  const fields = parseDictionary(
    Buffer.from(bytes.subarray(start, offset)).toString("latin1"),
    file,
  );
  const descr = fields.get("descr");
  const order = fields.get("fortran_order");
  const dims = fields.get("shape");
  if (typeof order !== "boolean") throw badHeader(file, "fortran_order is missing");
  if (!Array.isArray(dims)) throw badHeader(file, "shape is missing");
  if (dims.length === 0) {
    throw new DataError("data-shape-mismatch", `${file.shown} holds a single number`, {
      place: file.shown,
      help: "The first axis of the array must be the rows.",
    });
  }
  return {
    ...elementOf(descr, file),
    fortranOrder: order,
    rows: dims[0] ?? 0,
    shape: dims.slice(1),
    offset,
  };
}

function elementOf(
  descr: DictionaryValue | undefined,
  file: DataPath,
): { format: ElementFormat; littleEndian: boolean } {
  const text = typeof descr === "string" ? descr : "";
  const order = text[0] ?? "";
  const format = formats.get(text.slice(1));
  if (format !== undefined && "<>|=".includes(order))
    return { format, littleEndian: order !== ">" };
  const what = text.slice(1) === "O" ? "Python objects" : `elements of type ${quote(text)}`;
  throw new DataError("unsupported-element-type", `${file.shown} holds ${what}`, {
    place: file.shown,
    help: "Only arrays of numbers are read: convert with astype('float32'), astype('int32') or astype('uint8') before saving.",
  });
}

type DictionaryValue = string | boolean | readonly number[];

/** The header: a Python dictionary of a string, a boolean and a tuple, and nothing else. */
function parseDictionary(text: string, file: DataPath): ReadonlyMap<string, DictionaryValue> {
  const entry =
    /\s*'(descr|fortran_order|shape)'\s*:\s*(?:'([^']{1,40})'|(True|False)|\(([\d,\s]{0,400})\))\s*(?:,|(?=\}))/y;
  const fields = new Map<string, DictionaryValue>();
  const open = text.indexOf("{");
  if (open === -1) throw badHeader(file, "it is not a dictionary");
  entry.lastIndex = open + 1;
  for (let match = entry.exec(text); match !== null; match = entry.exec(text)) {
    const [, key = "", word, flag, tuple] = match;
    fields.set(key, word ?? (flag === undefined ? dimensions(tuple ?? "", file) : flag === "True"));
  }
  // What does not match (a list of record fields as descr, say) is left out and found missing.
  return fields;
}

function dimensions(tuple: string, file: DataPath): readonly number[] {
  const dims = tuple
    .split(",")
    .filter((part) => part.trim() !== "")
    .map(Number);
  if (dims.length <= 8 && dims.every((d) => Number.isSafeInteger(d))) return dims;
  throw badHeader(file, `the shape (${tuple}) cannot be read`);
}

function badHeader(file: DataPath, why: string): DataError {
  return new DataError("wrong-file-format", `the header of ${file.shown} cannot be used: ${why}`, {
    place: file.shown,
    help: "Write the file with numpy.save.",
  });
}

/** From column-major (Fortran) to row-major order. */
function rowMajor(data: NumberData, dims: readonly number[]): NumberData {
  const dtype = data instanceof Uint8Array ? "u8" : data instanceof Int32Array ? "i32" : "f32";
  const result = sharedArray(dtype, data.length);
  const strides = dims.map((_, axis) => rowSize(dims.slice(0, axis)));
  const index = dims.map(() => 0);
  let from = 0;
  for (let to = 0; to < data.length; to++) {
    result[to] = data[from] as number;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      const next = (index[axis] as number) + 1;
      if (next < (dims[axis] as number)) {
        index[axis] = next;
        from += strides[axis] as number;
        break;
      }
      from -= (strides[axis] as number) * (next - 1);
      index[axis] = 0;
    }
  }
  return result;
}
