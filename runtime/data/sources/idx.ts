/** @file IDX: the format of the MNIST files (http://yann.lecun.com/exdb/mnist, "the IDX file format"). */
import { type ElementFormat, elementFormats, readElements } from "../elements.js";
import { DataError } from "../errors.js";
import type { DataPath } from "../path.js";
import { type ArrayHeader, arrayFiles, lengthOf, truncated } from "./per-file.js";
import type { SourceReader } from "./source.js";

/** The third byte of the magic number. */
const formats: ReadonlyMap<number, ElementFormat> = new Map<number, ElementFormat>([
  [0x08, elementFormats.u8],
  [0x09, elementFormats.i8],
  [0x0b, elementFormats.i16],
  [0x0c, elementFormats.i32],
  [0x0d, elementFormats.f32],
  [0x0e, elementFormats.f64],
]);
const mostDimensions = 8;

export const idx: SourceReader<"idx"> = arrayFiles({
  headBytes: 4 + 4 * mostDimensions,
  parseHeader,
  readNumbers: (stored, header) => readElements(stored, header.format, lengthOf(header), false),
});

function parseHeader(bytes: Uint8Array, file: DataPath): ArrayHeader {
  const format = formats.get(bytes[2] ?? 0);
  const dimensions = bytes[3] ?? 0;
  const known = bytes.length >= 4 && bytes[0] === 0 && bytes[1] === 0 && format !== undefined;
  if (!known || dimensions < 1 || dimensions > mostDimensions) {
    const magic = [...bytes.subarray(0, 4)].map((b) => b.toString(16).padStart(2, "0")).join(" ");
    throw new DataError("wrong-file-format", `${file.shown} is not an IDX file`, {
      place: file.shown,
      help: `An IDX file begins with 00 00, a type (08 to 0e) and the number of dimensions; this one with ${magic === "" ? "nothing" : magic}.`,
    });
  }
  const offset = 4 + 4 * dimensions;
  if (bytes.length < offset) throw truncated(file, offset, bytes.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, offset);
  const dims = Array.from({ length: dimensions }, (_, i) => view.getUint32(4 + 4 * i));
  return { format, rows: dims[0] ?? 0, shape: dims.slice(1), offset };
}
