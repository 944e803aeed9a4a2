/** @file A look at unknown data, for `dlc init`: what source it is, its columns, and what they could be. */
import { readdirSync, statSync } from "node:fs";
import { basename, dirname, extname, join, relative, resolve, sep } from "node:path";
import type { SourceSpec } from "../spec.js";
import { DataError } from "./errors.js";
import { readHead } from "./file.js";
import { sortClasses } from "./labels.js";
import { locate } from "./path.js";
import { readRows } from "./sources/csv.js";
import { describeSource } from "./sources/index.js";
import type { ColumnHeader } from "./table.js";

export interface ColumnGuess {
  readonly name: string;
  readonly type: "image" | "number" | "vector" | "category" | "text";
  /** image: [H, W, C]; vector: its shape. */
  readonly shape?: readonly number[];
  /** category: the labels, sorted. */
  readonly classes?: readonly string[];
  /** CSV: rows looked at in which the cell is empty. */
  readonly missing?: number;
}

export interface SourceGuess {
  /** With paths relative to `base`. */
  readonly source: SourceSpec;
  /** null: not known without reading everything. */
  readonly rows: number | null;
  readonly columns: readonly ColumnGuess[];
  /** The column most likely to be predicted; null if none suggests itself. */
  readonly target: string | null;
}

/** Rows of a CSV file that are looked at. */
const sampleRows = 10_000;
/** A text column with more different values than this is not a category. */
const mostClasses = 100;
const targetNames = ["label", "labels", "class", "target", "species", "y", "category"];

/**
 * Looks at a CSV, IDX or NumPy file, a folder of such files, or a folder of class folders with
 * images. `base`: the folder that paths in the result are relative to.
 */
export async function inspectSource(path: string, base: string): Promise<SourceGuess> {
  const full = resolve(base, path);
  const stats = statSync(full, { throwIfNoEntry: false });
  if (stats?.isDirectory()) return inspectFolder(full, base);
  const file = locate(full, base);
  const head = await readHead(file, 16);
  const shown = inside(base, full);
  if (isIdx(head)) return inspectIdx([full], base);
  if (head[0] === 0x93 && head[1] === 0x4e) {
    return describe({ kind: "npy", files: { [stem(full)]: shown } }, base);
  }
  if (/\.(csv|tsv|txt)(\.gz)?$/i.test(full)) return inspectCsv(full, base);
  throw new DataError("wrong-file-format", `${path} is of no kind that dlc knows by itself`, {
    place: path,
    help: "It looks at CSV, IDX and .npy files and at folders of images; describe other data in the spec.",
  });
}

async function inspectFolder(folder: string, base: string): Promise<SourceGuess> {
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) =>
    a.name < b.name ? -1 : 1,
  );
  if (entries.some((entry) => entry.isDirectory() && !entry.name.startsWith("."))) {
    return describe({ kind: "images", path: inside(base, folder) }, base);
  }
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(folder, entry.name));
  const idxFiles: string[] = [];
  for (const file of files) {
    if (isIdx(await readHead({ path: file, shown: file }, 16))) idxFiles.push(file);
  }
  if (idxFiles.length > 0) return inspectIdx(idxFiles, base);
  const [csvFile, ...others] = files.filter((file) => /\.(csv|tsv)(\.gz)?$/i.test(file));
  if (csvFile !== undefined && others.length === 0) return inspectCsv(csvFile, base);
  throw new DataError("wrong-file-format", `${inside(base, folder)} holds no data that dlc knows`, {
    place: inside(base, folder),
    help: "Name a CSV file, or a folder of IDX files or of class folders with images.",
  });
}

function isIdx(head: Uint8Array): boolean {
  const [a, b, type = 0, dimensions = 0] = head;
  return a === 0 && b === 0 && type >= 0x08 && type <= 0x0e && dimensions >= 1 && dimensions <= 8;
}

/** Training files of MNIST-like sets come in pairs; files for testing are left to the spec's `test`. */
async function inspectIdx(files: readonly string[], base: string): Promise<SourceGuess> {
  const training = files.filter((file) => !/^(t10k|test|valid)/i.test(basename(file)));
  const columns: Record<string, string> = {};
  for (const file of training.length > 0 ? training : files) {
    const kind = /label/i.test(file) ? "labels" : /image/i.test(file) ? "images" : stem(file);
    columns[Object.hasOwn(columns, kind) ? stem(file) : kind] = inside(base, file);
  }
  return describe({ kind: "idx", files: columns }, base);
}

async function describe(source: SourceSpec, base: string): Promise<SourceGuess> {
  const header = await describeSource(source, { base, wants: new Map() }, (error) => {
    throw error;
  });
  const columns: ColumnGuess[] = [];
  for (const [name, column] of header) columns.push(await guess(name, column));
  return {
    source,
    rows: [...header.values()][0]?.rows ?? null,
    columns,
    target: columns.findLast((column) => column.type === "category")?.name ?? null,
  };
}

async function guess(name: string, column: ColumnHeader): Promise<ColumnGuess> {
  const shape = column.shape ?? [];
  if (column.kind === "text")
    return { name, type: "category", classes: sortClasses(column.classes ?? []) };
  if (shape.length === 2) return { name, type: "image", shape: [...shape, 1] };
  if (shape.length === 3) return { name, type: "image", shape };
  if (shape.length === 1) return { name, type: "vector", shape };
  const labels = await column.load?.();
  if (labels?.kind !== "numbers" || labels.data instanceof Float32Array)
    return { name, type: "number" };
  const classes = new Set(Array.from(labels.data, String));
  return classes.size <= mostClasses
    ? { name, type: "category", classes: sortClasses([...classes]) }
    : { name, type: "number" };
}

async function inspectCsv(path: string, base: string): Promise<SourceGuess> {
  const file = { path, shown: inside(base, path) };
  const delimiter = await guessDelimiter(path);
  let names: readonly string[] = [];
  const cells: string[][] = [];
  let rows = 0;
  await readRows({ delimiter, header: null }, file, {
    header(found) {
      names = found;
      cells.push(...found.map(() => []));
    },
    row(row) {
      rows++;
      for (const [i, cell] of row.entries()) cells[i]?.push(cell);
      return rows < sampleRows;
    },
  });
  const columns = names.map((name, i) => guessText(name, cells[i] ?? []));
  return {
    source: { kind: "csv", path: file.shown, delimiter, header: null },
    rows: rows < sampleRows ? rows : null,
    columns,
    target: guessTarget(columns),
  };
}

function guessText(name: string, cells: readonly string[]): ColumnGuess {
  const filled = cells.filter((cell) => cell.trim() !== "");
  const missing = cells.length - filled.length;
  const note = missing > 0 ? { missing } : {};
  const classes = new Set(filled);
  const numeric = filled.length > 0 && filled.every((cell) => Number.isFinite(Number(cell)));
  const whole = numeric && filled.every((cell) => /^-?\d+$/.test(cell.trim()));
  const labelled = targetNames.includes(name.toLowerCase()) && whole && classes.size <= mostClasses;
  if (numeric && !labelled) return { name, type: "number", ...note };
  // Text that hardly repeats (names, comments) tells nothing about other rows.
  const repeats = classes.size <= mostClasses && classes.size <= Math.max(2, filled.length / 2);
  return repeats
    ? { name, type: "category", classes: sortClasses([...classes]), ...note }
    : { name, type: "text", ...note };
}

/** A column named like a target, else the last category, else the last number. */
function guessTarget(columns: readonly ColumnGuess[]): string | null {
  const named = columns.find(
    (c) => targetNames.includes(c.name.toLowerCase()) && c.type !== "text",
  );
  const category = columns.findLast((c) => c.type === "category");
  const number = columns.findLast((c) => c.type === "number");
  return (named ?? category ?? number)?.name ?? null;
}

/** The candidate that occurs most often in the first line. */
async function guessDelimiter(path: string): Promise<string> {
  const head = Buffer.from(await readHead({ path, shown: path }, 4096)).toString("utf8");
  const line = head.split(/[\r\n]/, 1)[0] ?? "";
  const counts = [",", ";", "\t", "|"].map((d) => ({ d, n: line.split(d).length - 1 }));
  return counts.reduce((best, next) => (next.n > best.n ? next : best)).d;
}

function inside(base: string, path: string): string {
  return relative(base, path).split(sep).join("/");
}

/** "train-images.idx3-ubyte.gz" → "train_images" */
function stem(path: string): string {
  const name = basename(path, extname(path)).replace(/[.-](idx|npy).*$/i, "");
  const clean = name.replace(/[^A-Za-z0-9]+/g, "_").replace(/^_+|_+$/g, "");
  return clean === "" ? basename(dirname(path)) : clean;
}
