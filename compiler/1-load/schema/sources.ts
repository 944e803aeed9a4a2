/** @file Where data comes from: the kinds of source. */
import { choice } from "../../layers/fields.js";
import { nested, optionalText, special, text } from "./kinds.js";
import { type Choice, defineChoice, defineShape } from "./shape.js";

const path = "Relative to the spec's folder, or npm:package/path; .gz is decompressed on the way.";
const filesByColumn = {
  type: "object",
  additionalProperties: { type: "string", minLength: 1, maxLength: 1000 },
  minProperties: 1,
} as const;

/** Columns are the keys: `idx: { images: …, labels: … }` is read by hand, not field by field. */
export const columnSources: ReadonlySet<string> = new Set(["idx", "npy"]);

export const columnFilesSchema = filesByColumn;

const byColumn = (name: string, summary: string, example: string) =>
  defineShape({
    name,
    summary: `${summary} The keys name the columns.`,
    primary: null,
    fields: {},
    example,
  });

export const csvShape = defineShape({
  name: "csv",
  summary: "Comma-separated text (RFC 4180); the first row names the columns.",
  primary: "path",
  fields: {
    path: text(`The file. ${path}`),
    delimiter: special<string>(
      { type: "string", minLength: 1, maxLength: 1 },
      "What separates the columns.",
      ",",
    ),
    header: special<readonly string[] | null>(
      { type: "array", items: { type: "string", minLength: 1, maxLength: 1000 }, minItems: 1 },
      "Names of the columns where the file has no first row of names.",
      null,
    ),
  },
  example: 'csv: { path: data/iris.csv, delimiter: ";", header: [width, height] }',
});

export const cifarShape = defineShape({
  name: "cifar",
  summary: "CIFAR-10 or CIFAR-100 in its binary form: columns image and label.",
  primary: "files",
  fields: {
    files: special<readonly string[]>(
      {
        anyOf: [
          { type: "string", minLength: 1, maxLength: 1000 },
          {
            type: "array",
            items: { type: "string", minLength: 1, maxLength: 1000 },
            minItems: 1,
          },
        ],
      },
      `The .bin files, in order. ${path}`,
      undefined,
      (value) => (typeof value === "string" ? [value] : (value as string[])),
    ),
    classes: special<10 | 100>(
      { enum: [10, 100] },
      "CIFAR-10 or CIFAR-100 (which also has the column coarse_label).",
      10,
    ),
  },
  example: "cifar: { files: [data_batch_1.bin, data_batch_2.bin] }",
});

export const imagesShape = defineShape({
  name: "images",
  summary: "A folder per class with PNG, JPEG or WebP files: columns image and label.",
  primary: "path",
  fields: { path: text(`The folder that holds a folder for each class. ${path}`) },
  example: "images: data/flowers",
});

export const jsonShape = defineShape({
  name: "json",
  summary: "A JSON file with an array of records, or one file per class with an array of values.",
  primary: "path",
  fields: {
    path: optionalText(`The file. ${path}`),
    by_class: nested(`One file per class, by the class's name. ${path}`, () => filesByColumn),
    at: optionalText("The key under which the array stands in the file."),
    column: special<string | null>(
      { type: "string", minLength: 1, maxLength: 1000 },
      "With by_class: what the column of values is called; default: values.",
      null,
    ),
  },
  example:
    "json: { path: data/reviews.json, by_class: { cat: cat.json }, at: rows, column: image }",
});

export const textSourceShape = defineShape({
  name: "text",
  summary: "A text file (UTF-8): one column, text, of its lines, paragraphs or pieces.",
  primary: "path",
  fields: {
    path: text(`The file. ${path}`),
    by: choice(
      "What a row is. line: a line that is not empty; paragraph: lines up to an empty one; characters: so many as length says.",
      ["line", "paragraph", "characters"],
      "line",
    ),
    length: special<number>(
      { type: "integer", minimum: 1, maximum: 1_000_000 },
      "With by: characters: how many each row has.",
      200,
    ),
  },
  example: "text: { path: book.txt, by: characters, length: 200 }",
});

export const sourceChoice: Choice = defineChoice("a data source", [
  byColumn(
    "idx",
    "IDX files (the format of MNIST), one per column.",
    "idx: { images: train-images-idx3-ubyte, labels: train-labels-idx1-ubyte }",
  ),
  csvShape,
  byColumn("npy", "NumPy arrays, one file per column.", "npy: { x: x.npy, y: y.npy }"),
  cifarShape,
  imagesShape,
  jsonShape,
  textSourceShape,
  defineShape({
    name: "arrays",
    summary: "Columns that the caller passes to train() and evaluate().",
    primary: "given",
    fields: { given: special<boolean>({ enum: [true] }, "Always true.", true) },
    example: "arrays: true",
  }),
]);

export const splitShape = defineShape({
  name: "split",
  summary: "How much of the source is held back from training, and which rows.",
  primary: null,
  fields: {
    validation: special<number>(
      { type: "number", minimum: 0 },
      "Rows for validation: a count, or a fraction below 1, which is at least one row (with method hash: as the rows fall).",
      0,
    ),
    test: special<number>({ type: "number", minimum: 0 }, "Rows for the test: likewise.", 0),
    method: choice(
      "random: a seeded shuffle; last: the rows at the end; hash: by the row's content, so that equal rows never part.",
      ["random", "last", "hash"],
      "random",
    ),
    by: special<readonly string[]>(
      { type: "array", items: { type: "string", minLength: 1, maxLength: 1000 }, minItems: 1 },
      "With method hash: the columns that decide; default: all.",
      [],
    ),
    seed: special<number>(
      { type: "integer", minimum: 0 },
      "Seed of the shuffle, or of the hash.",
      0,
    ),
  },
  example: "split: { validation: 5000, test: 0.1, method: hash, by: [patient], seed: 1 }",
});
