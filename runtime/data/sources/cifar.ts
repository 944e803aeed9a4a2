/**
 * @file The binary files of CIFAR-10 and CIFAR-100 (https://www.cs.toronto.edu/~kriz/cifar.html).
 * A record is a label byte (CIFAR-100: a coarse and a fine one) and 32×32 pixels in three planes: red,
 * green, blue. Columns: image, label; for 100 also coarse_label.
 */
import { count, DataError } from "../errors.js";
import { measure, privateBytes, readBytes } from "../file.js";
import { type DataPath, locate } from "../path.js";
import {
  type Column,
  type ColumnHeader,
  numberColumn,
  recordPlace,
  tableOf,
  unknownColumn,
} from "../table.js";
import type { SourceOf, SourceReader } from "./source.js";

const side = 32;
const plane = side * side;
const pixels = 3 * plane;
/** Number of coarse classes of CIFAR-100. */
const coarseClasses = 20;

interface LabelByte {
  readonly name: string;
  readonly offset: number;
  readonly classes: number;
}

function labelBytes(source: SourceOf<"cifar">): readonly LabelByte[] {
  if (source.classes === 10) return [{ name: "label", offset: 0, classes: 10 }];
  return [
    { name: "coarse_label", offset: 0, classes: coarseClasses },
    { name: "label", offset: 1, classes: 100 },
  ];
}

export const cifar: SourceReader<"cifar"> = {
  name: (source) => source.files.join(", "),

  async read(source, { base, wants }) {
    const labels = labelBytes(source);
    const known = ["image", ...labels.map((l) => l.name)];
    for (const name of wants.keys()) {
      if (!known.includes(name)) throw unknownColumn(name, known, cifar.name(source));
    }
    const record = labels.length + pixels;
    const files = source.files.map((path) => locate(path, base));
    const sizes: number[] = [];
    for (const file of files) sizes.push(await recordsOf(file, record));
    const starts = sizes.map((_, i) => sizes.slice(0, i).reduce((a, b) => a + b, 0));
    const rows = sizes.reduce((a, b) => a + b, 0);
    const place = (row: number): string => {
      const i = starts.findLastIndex((start) => start <= row);
      return recordPlace(files[i]?.shown ?? "")(row - (starts[i] ?? 0));
    };

    const image = new Uint8Array(new SharedArrayBuffer(wants.has("image") ? rows * pixels : 0));
    const labelData = labels.map(() => new Uint8Array(new SharedArrayBuffer(rows)));
    for (const [i, file] of files.entries()) {
      const bytes = await readBytes(file, privateBytes);
      const start = starts[i] ?? 0;
      if (bytes.length !== (sizes[i] ?? 0) * record) throw wrongLength(file, bytes.length, record);
      for (let r = 0; r < (sizes[i] ?? 0); r++) {
        labels.forEach((label, l) => {
          const value = bytes[r * record + label.offset] as number;
          if (value >= label.classes) throw notCifar(source, value, place(start + r));
          (labelData[l] as Uint8Array)[start + r] = value;
        });
        if (image.length > 0) {
          interleave(bytes, r * record + labels.length, image, (start + r) * pixels);
        }
      }
    }
    const columns = new Map<string, Column>();
    if (wants.has("image")) {
      columns.set("image", numberColumn(image, rows, [side, side, 3], place));
    }
    labels.forEach((label, l) => {
      if (wants.has(label.name)) {
        columns.set(label.name, numberColumn(labelData[l] as Uint8Array, rows, [], place));
      }
    });
    return tableOf(columns, cifar.name(source));
  },

  async describe(source, { base }, report) {
    const labels = labelBytes(source);
    let rows = 0;
    let complete = true;
    for (const path of source.files) {
      try {
        rows += await recordsOf(locate(path, base), labels.length + pixels);
      } catch (error) {
        report(error);
        complete = false;
      }
    }
    const common = {
      kind: "numbers" as const,
      rows: complete ? rows : null,
      place: cifar.name(source),
    };
    return new Map<string, ColumnHeader>([
      ["image", { ...common, shape: [side, side, 3] }],
      ...labels.map((label): [string, ColumnHeader] => [label.name, { ...common, shape: [] }]),
    ]);
  },
};

/** Number of records in a file; gzip must be read for it. */
async function recordsOf(file: DataPath, record: number): Promise<number> {
  const { bytes, gzip } = await measure(file);
  const length = gzip ? (await readBytes(file, privateBytes)).length : bytes;
  if (length === 0 || length % record !== 0) throw wrongLength(file, length, record);
  return length / record;
}

function wrongLength(file: DataPath, length: number, record: number): DataError {
  const whole = Math.floor(length / record);
  return new DataError(
    "truncated-file",
    `${file.shown} has ${count(length, "byte")}: ${count(whole, "record")} of ${record} bytes and ${count(length % record, "byte")} more`,
    {
      place: file.shown,
      help: "Records of CIFAR-10 have 3073 bytes, of CIFAR-100 3074: the file is incomplete or of the other kind. Use the binary version of the data set.",
    },
  );
}

function notCifar(source: SourceOf<"cifar">, value: number, place: string): DataError {
  return new DataError(
    "wrong-file-format",
    `the label ${value} is not one of CIFAR-${source.classes}`,
    {
      place,
      help: "The file is of another kind: use the binary version of the data set, and classes: 10 or 100 as it is.",
    },
  );
}

/** From three planes to [H, W, 3]. */
function interleave(from: Uint8Array, at: number, to: Uint8Array, start: number): void {
  for (let p = 0; p < plane; p++) {
    to[start + 3 * p] = from[at + p] as number;
    to[start + 3 * p + 1] = from[at + plane + p] as number;
    to[start + 3 * p + 2] = from[at + 2 * plane + p] as number;
  }
}
