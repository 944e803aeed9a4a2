/** @file A folder per class with PNG, JPEG and WebP files. Columns: image, label (the folder's name). */
import { readFile } from "node:fs/promises";
import { count, DataError } from "../errors.js";
import { sharedBytes } from "../file.js";
import { decodeImage, imageHeader } from "../image.js";
import { type DataPath, locate } from "../path.js";
import {
  type Column,
  type ColumnHeader,
  numberColumn,
  rowSize,
  tableOf,
  unknownColumn,
  type Want,
} from "../table.js";
import { type ImageFile, listImages } from "./image-files.js";
import type { SourceReader } from "./source.js";

/** Larger files are not photographs. */
const mostFileBytes = 2 ** 28;
/** What all decoded images together may take. */
const mostPixels = 2 ** 33;
/** Images decoded at the same time; sharp has its own threads. */
const atOnce = 4;
const columnNames = ["image", "label"];

export const images: SourceReader<"images"> = {
  name: (source) => source.path,

  async read(source, { base, wants }) {
    for (const name of wants.keys()) {
      if (!columnNames.includes(name)) throw unknownColumn(name, columnNames, source.path);
    }
    const files = await listImages(locate(source.path, base, "folder"));
    const place = (row: number): string => files[row]?.shown ?? source.path;
    const columns = new Map<string, Column>();
    const image = wants.get("image")?.image;
    if (image != null) {
      const length = rowSize(image.shape);
      if (files.length * length > mostPixels) {
        throw new DataError(
          "data-too-large",
          `${count(files.length, "image")} of this shape need too much memory`,
          {
            place: source.path,
            help: "Use a smaller shape with resize: true, or fewer images.",
          },
        );
      }
      const data = sharedBytes(files.length * length);
      await parallel(files, async (file, i) => {
        const pixels = await decodeImage(
          await readImage(file),
          image.shape,
          image.resize,
          file.shown,
        );
        data.set(pixels, i * length);
      });
      columns.set("image", numberColumn(data, files.length, image.shape, place));
    }
    if (wants.has("label")) {
      const values = files.map((file) => file.label);
      columns.set("label", { kind: "text", rows: files.length, values, place });
    }
    return tableOf(columns, source.path);
  },

  async describe(source, { base, wants, note = () => {} }, report) {
    const header = new Map<string, ColumnHeader>();
    try {
      const files = await listImages(locate(source.path, base, "folder"));
      const labels = [...new Set(files.map((f) => f.label))];
      const common = { rows: files.length, place: source.path };
      header.set("label", { ...common, kind: "text", shape: [], classes: labels });
      const want = wants.get("image")?.image;
      const { shape, place } = await look(files, want ?? null, report, note);
      const resized = want?.resize === true ? want.shape : shape;
      header.set("image", { ...common, kind: "numbers", shape: resized, place });
    } catch (error) {
      report(error);
      for (const name of columnNames) {
        header.set(name, { kind: null, rows: null, shape: null, place: source.path });
      }
    }
    return header;
  },
};

/** Images whose headers are looked at before training; of more, so many evenly spaced ones. */
const mostChecked = 500;

interface Looked {
  /** [H, W, C] of the first image that does not have the size, else of the first; null: unknown. */
  readonly shape: readonly number[] | null;
  readonly place: string;
}

/** Looks at the headers of images: reports those that cannot be read, finds a size that is not wanted. */
async function look(
  files: readonly ImageFile[],
  want: Want["image"],
  report: (error: unknown) => void,
  note: (message: string) => void,
): Promise<Looked> {
  const some = files.length <= mostChecked ? files : sample(files);
  if (some.length < files.length) {
    note(`${count(some.length, "image")} of ${count(files.length, "image")} were looked at`);
  }
  const looked: (Looked | undefined)[] = [];
  const failures: unknown[] = [];
  await parallel(some, async (file, i) => {
    try {
      const { height, width, channels } = await imageHeader(await readImage(file), file.shown);
      // Decoding converts to the channels that are wanted.
      looked[i] = { shape: [height, width, want?.shape[2] ?? channels], place: file.shown };
    } catch (error) {
      failures[i] = error;
    }
  });
  // One says what to do; a folder of them would say it a thousand times.
  const [failure] = failures.filter((error) => error !== undefined);
  if (failure !== undefined) report(failure);
  const found = looked.filter((one) => one !== undefined);
  const fits = ({ shape }: Looked): boolean =>
    want === null || want.resize || (shape?.[0] === want.shape[0] && shape[1] === want.shape[1]);
  return (
    found.find((one) => !fits(one)) ?? found[0] ?? { shape: null, place: some[0]?.shown ?? "" }
  );
}

function sample(files: readonly ImageFile[]): readonly ImageFile[] {
  const step = files.length / mostChecked;
  return Array.from({ length: mostChecked }, (_, i) => files[Math.floor(i * step)]).filter(
    (file) => file !== undefined,
  );
}

async function readImage(file: DataPath): Promise<Uint8Array> {
  try {
    const bytes = await readFile(file.path);
    if (bytes.length <= mostFileBytes) return bytes;
  } catch (cause) {
    throw new DataError("data-file-unreadable", `${file.shown} cannot be read`, {
      place: file.shown,
      help: "Check that you may read it.",
      reason: "io",
      cause,
    });
  }
  throw new DataError(
    "data-too-large",
    `${file.shown} is larger than ${count(mostFileBytes, "byte")}`,
    {
      place: file.shown,
      help: "Use a smaller image.",
    },
  );
}

/** Runs `work` on all items, a few at a time; the error of the first item at fault wins. */
async function parallel<T>(
  items: readonly T[],
  work: (item: T, i: number) => Promise<void>,
): Promise<void> {
  const failures = new Map<number, unknown>();
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < items.length && failures.size === 0) {
      const i = next++;
      try {
        await work(items[i] as T, i);
      } catch (error) {
        failures.set(i, error);
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  if (failures.size > 0) throw failures.get(Math.min(...failures.keys()));
}
