/** @file A folder per class with PNG, JPEG and WebP files. Columns: image, label (the folder's name). */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
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
} from "../table.js";
import type { SourceReader } from "./source.js";

const extension = /\.(png|jpe?g|webp)$/i;
/** Larger files are not photographs. */
const mostFileBytes = 2 ** 28;
/** What all decoded images together may take. */
const mostPixels = 2 ** 33;
/** Images decoded at the same time; sharp has its own threads. */
const atOnce = 4;
const columnNames = ["image", "label"];

interface ImageFile extends DataPath {
  readonly label: string;
}

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

  async describe(source, { base, wants }, report) {
    const header = new Map<string, ColumnHeader>();
    try {
      const files = await listImages(locate(source.path, base, "folder"));
      const labels = [...new Set(files.map((f) => f.label))];
      const common = { rows: files.length, place: source.path };
      header.set("label", { ...common, kind: "text", shape: [], classes: labels });
      const want = wants.get("image")?.image;
      const shape = want?.resize === true ? want.shape : await firstShape(files, want?.shape[2]);
      const place = files[0]?.shown ?? source.path;
      header.set("image", { ...common, kind: "numbers", shape, place });
    } catch (error) {
      report(error);
      for (const name of columnNames) {
        header.set(name, { kind: null, rows: null, shape: null, place: source.path });
      }
    }
    return header;
  },
};

/** [H, W, C] of the first image; `channels` are those wanted, which decoding converts to. */
async function firstShape(
  [first]: readonly ImageFile[],
  channels: number | undefined,
): Promise<readonly number[] | null> {
  if (first === undefined) return null;
  const header = await imageHeader(await readImage(first), first.shown);
  return [header.height, header.width, channels ?? header.channels];
}

/** Every image of every class folder, by the names' code units: the same order on every machine. */
async function listImages(folder: DataPath): Promise<readonly ImageFile[]> {
  const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  const classes = (await readdir(folder.path, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
    .map((entry) => entry.name)
    .sort(byName);
  const files: ImageFile[] = [];
  for (const label of classes) {
    const names = (await readdir(join(folder.path, label), { withFileTypes: true }))
      .filter(
        (entry) => entry.isFile() && extension.test(entry.name) && !entry.name.startsWith("."),
      )
      .map((entry) => entry.name)
      .sort(byName);
    if (names.length === 0) {
      throw new DataError("empty-class", `the folder ${label} holds no images`, {
        place: `${folder.shown}/${label}`,
        help: "Each folder is a class: put PNG, JPEG or WebP files into it, or remove it.",
      });
    }
    for (const name of names) {
      files.push({
        label,
        path: join(folder.path, label, name),
        shown: `${folder.shown}/${label}/${name}`,
      });
    }
  }
  if (files.length > 0) return files;
  throw new DataError("no-rows", `${folder.shown} has no folders of images`, {
    place: folder.shown,
    help: "Make one folder per class, named like the class, and put its images there.",
  });
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
