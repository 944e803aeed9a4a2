/**
 * @file Diagnostics of the data stage. Their messages and help are written where the mistake is found,
 * in the runtime, which knows the file and the row.
 */
import type { CatalogueEntry } from "../diagnostic.js";

export const dataEntries = {
  "data-file-missing": {
    severity: "error",
    message: "{message}",
    help: "{help}",
    explain:
      "The data section names a file or folder that does not exist. Paths are relative to the folder of the spec; `npm:package/path` names a file inside an installed npm package. The check runs before anything is built, so that a long run never starts without its data.",
    wrong: "data:\n  source: { csv: data/iri.csv }",
    right: "data:\n  source: { csv: data/iris.csv }",
  },
  "data-package-missing": {
    severity: "error",
    message: "{message}",
    help: "{help}",
    explain:
      "A path that begins with `npm:` is resolved like an import from the folder of the spec. The package it names is not installed there or in any folder above.",
  },
  "data-path-outside": {
    severity: "error",
    message: "{message}",
    help: "{help}",
    explain:
      "A path with `npm:` may only name files of that package. This one leaves the package's folder, by `..` or by a symbolic link.",
    wrong: 'source: { csv: "npm:some-data/../../secrets.csv" }',
    right: "source: { csv: ../../data.csv }",
  },
  "data-file-unreadable": {
    severity: "error",
    message: "{message}",
    help: "{help}",
    explain:
      "The file exists, but the system does not let dlc read it, or it is a folder where a file is needed (or the other way round), or it changed while it was read.",
  },
  "data-too-large": {
    severity: "error",
    message: "{message}",
    help: "{help}",
    explain:
      "Data are held in memory while a model trains. The file, or what its images decode to, exceeds the limit that keeps a mistake from filling the memory of the machine.",
  },
  "compression-bomb": {
    severity: "error",
    message: "{message}",
    help: "{help}",
    explain:
      "The file is compressed so well that it would grow to more than a hundred times its size. Real data do not do that; files made to exhaust memory do.",
  },
  "damaged-gzip": {
    severity: "error",
    message: "{message}",
    help: "{help}",
    explain:
      "The file begins like gzip, but its compressed data are incomplete or wrong, usually because a download broke off.",
  },
  "wrong-file-format": {
    severity: "error",
    message: "{message}",
    help: "{help}",
    explain:
      "The first bytes of the file, its magic number, are not those of the format that the spec names. Perhaps the wrong file is named, or a web page was saved in its place.",
  },
  "truncated-file": {
    severity: "error",
    message: "{message}",
    help: "{help}",
    explain:
      "The header of the file promises more data than the file holds. The file is incomplete, usually because a copy or download broke off.",
  },
  "trailing-bytes": {
    severity: "error",
    message: "{message}",
    help: "{help}",
    explain:
      "The file holds more data than its header promises. It is damaged, two files were joined, or it is of another format.",
  },
  "unsupported-element-type": {
    severity: "error",
    message: "{message}",
    help: "{help}",
    explain:
      "The array holds something else than numbers. NumPy arrays of Python objects in particular are pickles, which run code when they are read; dlc never reads them.",
  },
  "not-utf8": {
    severity: "error",
    message: "{message}",
    help: "{help}",
    explain:
      "Text is read as UTF-8, the encoding of nearly all data files. This file has bytes that do not occur in UTF-8; it was probably saved as Latin-1 or UTF-16.",
  },
  "csv-syntax": {
    severity: "error",
    message: "{message}",
    help: "{help}",
    explain:
      "The text breaks the rules of CSV (RFC 4180): a cell that contains a delimiter, a quote or a line end stands in double quotes, and double quotes in it are doubled. Reading on would shift cells into the wrong columns.",
    wrong: 'size,note\n3,a "large" one',
    right: 'size,note\n3,"a ""large"" one"',
  },
  "json-syntax": {
    severity: "error",
    message: "{message}",
    help: "{help}",
    explain:
      "The file breaks off or has a mistake in its syntax, so it is not a JSON document. The message tells where reading it ended.",
  },
  "ragged-row": {
    severity: "error",
    message: "{message}",
    help: "{help}",
    explain:
      "All rows of a table have the same number of cells, and all rows of a column the same shape. A row that differs would shift values into the wrong columns, so it is refused instead of being filled up or cut.",
    wrong: "a,b,c\n1,2,3\n4,5",
    right: "a,b,c\n1,2,3\n4,5,6",
  },
  "unknown-column": {
    severity: "error",
    message: "{message}",
    help: "{help}",
    explain:
      "A feature, target or split names a column that the source does not have. CSV columns are named by the first row (or by `header`), IDX and npy columns by the keys of the source, CIFAR files and image folders have `image` and `label`.",
    wrong: "features:\n  width: { type: number, column: petal_widht }",
    right: "features:\n  width: { type: number, column: petal_width }",
  },
  "duplicate-column": {
    severity: "error",
    message: "{message}",
    help: "{help}",
    explain: "Two columns have the same name, so a feature could not say which of them it means.",
  },
  "unknown-label": {
    severity: "error",
    message: "{message}",
    help: "{help}",
    explain:
      "A row has a label that is not among the classes of its category. Text must be one of the class names as written. Whole numbers name the class of that name where all class names are whole numbers, and count classes from 0 otherwise. Where the spec lists no classes, they are those of the training split. A text with 'words' needs words for every value of its column.",
    wrong:
      "species: { type: category, classes: [setosa, virginica] }   # the data also have versicolor",
    right: "species: { type: category, classes: [setosa, versicolor, virginica] }",
  },
  "label-not-integer": {
    severity: "error",
    message: "{message}",
    help: "{help}",
    explain:
      "The labels of a category are text or whole numbers. A number with a fraction is a measured value, and its feature or target is of type number.",
  },
  "not-a-number": {
    severity: "error",
    message: "{message}",
    help: "{help}",
    explain:
      "A number is expected here: digits with an optional sign, point and exponent. Thousands separators, decimal commas, units and hexadecimal numbers are not read.",
    wrong: "age\n1.234,5",
    right: "age\n1234.5",
  },
  "missing-value": {
    severity: "error",
    message: "{message}",
    help: "{help}",
    explain:
      "A row has no value for a column that a feature uses. A missing value would make the loss not a number, so it is refused while reading.",
  },
  "value-out-of-range": {
    severity: "error",
    message: "{message}",
    help: "{help}",
    explain:
      "The value does not fit what it is stored in: pixels of images are whole numbers from 0 to 255, and other numbers are 32-bit floats.",
  },
  "mixed-values": {
    severity: "error",
    message: "{message}",
    help: "{help}",
    explain: "The values of one column must be of one kind, and the rows of one source too.",
    wrong: '[{"size": 3}, {"size": "large"}]',
    right: '[{"size": "small"}, {"size": "large"}]',
  },
  "wrong-column-type": {
    severity: "error",
    message: "{message}",
    help: "{help}",
    explain: "The column holds text, but the feature needs numbers or images.",
  },
  "data-shape-mismatch": {
    severity: "error",
    message: "{message}",
    help: "{help}",
    explain:
      "The shape that a feature declares is not the shape that the data have. Images are height × width × channels; a grey image has one channel. Rows may also hold the same number of values in a flat array.",
    wrong: "image: { type: image, shape: [32, 32, 3] }   # the files hold 28 × 28 grey images",
    right: "image: { type: image, shape: [28, 28, 1] }",
  },
  "row-count-mismatch": {
    severity: "error",
    message: "{message}",
    help: "{help}",
    explain:
      "The columns of a source belong together row by row, so all of them must have the same number of rows. Different numbers usually mean that the images of one part are paired with the labels of another.",
    wrong: "source: { idx: { images: train-images, labels: t10k-labels } }",
    right: "source: { idx: { images: train-images, labels: train-labels } }",
  },
  "no-rows": {
    severity: "error",
    message: "{message}",
    help: "{help}",
    explain: "The source has no rows at all, so there is nothing to learn from.",
  },
  "split-too-large": {
    severity: "error",
    message: "{message}",
    help: "{help}",
    explain:
      "The rows held back for validation and test are all rows of the source, or more. A number from 1 counts rows; below 1 it is a fraction of all rows.",
    wrong: "split: { validation: 150 }   # of 150 rows",
    right: "split: { validation: 0.2 }",
  },
  "empty-split": {
    severity: "error",
    message: "{message}",
    help: "{help}",
    explain:
      "A part of the data is asked for but gets no rows. With `method: hash` equal rows always stay together, and a fraction holds only on average, so a small source may leave a part empty.",
    wrong: "split: { validation: 0.05, method: hash }   # of 12 rows",
    right: "split: { validation: 2, method: random }",
  },
  "image-unreadable": {
    severity: "error",
    message: "{message}",
    help: "{help}",
    explain:
      "An image file is damaged, larger than 64 megapixels, or not a PNG, JPEG or WebP file whatever its name says. Damaged images are refused, because a half decoded picture trains on grey areas.",
  },
  "image-library-missing": {
    severity: "error",
    message: "{message}",
    help: "{help}",
    explain:
      "PNG, JPEG and WebP files are decoded by the package sharp. It is an optional dependency of the runtime and is not installed here, or not for this platform.",
  },
  "empty-class": {
    severity: "error",
    message: "{message}",
    help: "{help}",
    explain:
      "A class has no rows: an empty folder or file, or a class that the spec lists and for which there is no folder or file. A model cannot learn a class without examples.",
  },
  "class-without-rows": {
    severity: "warning",
    message: "{message}",
    help: "{help}",
    explain:
      "The spec lists a class that none of the rows to train on has. The model keeps an output for it, but learns only never to choose it. Rows that the split holds back do not count.",
    wrong: "kind: { type: category, classes: [cat, dog, cow] }   # the data have cats and dogs",
    right: "kind: { type: category, classes: [cat, dog] }",
  },
  "single-class": {
    severity: "error",
    message: "{message}",
    help: "{help}",
    explain:
      "A classifier tells classes apart. If all rows to train on are of one class, it learns to always answer that one, and its loss says nothing. Usually the wrong column is named, the file holds only one kind of rows, or rows sorted by class are split with `method: last`, which holds back the last classes as a whole.",
    wrong: "split: { validation: 0.5, method: last }   # of rows sorted by class",
    right: "split: { validation: 0.5, method: random }",
  },
  "example-too-long": {
    severity: "error",
    message: "{message}",
    help: "{help}",
    explain:
      "All examples of a text or sequence are padded to `max_length` steps, and this one has more. Without `max_length` the longest of the source decides, so that a longer one can only come from a test or validation source of its own, or from what is predicted. Longer examples are cut only where the spec says `truncate: true`; for texts `max_length` counts tokens: characters, words or pieces of words.",
    wrong: "review: { type: text, max_length: 50 }   # one has 212 words",
    right: "review: { type: text, max_length: 50, truncate: true }",
  },
  "empty-text": {
    severity: "error",
    message: "{message}",
    help: "{help}",
    explain:
      "A text has no token: it is empty, or (with `tokens: word`) holds nothing but white space. A model has nothing to read in it, and averages over its steps would divide by zero.",
  },
  "empty-sequence": {
    severity: "error",
    message: "{message}",
    help: "{help}",
    explain:
      "A sequence has no steps, so there is no last step and no mean over the steps to compute.",
    wrong: '[{"beats": [0.8, 0.9]}, {"beats": []}]',
    right: '[{"beats": [0.8, 0.9]}]',
  },
  "unknown-token": {
    severity: "error",
    message: "{message}",
    help: "{help}",
    explain:
      "With `unknown: error` every character or word must be in the vocabulary, which holds the most frequent ones of the training split. Without that setting this one would be read as `<unknown>`.",
    wrong: "name: { type: text, tokens: char, vocabulary: 20, unknown: error }",
    right: "name: { type: text, tokens: char, unknown: error }",
  },
  "many-unknown-tokens": {
    severity: "warning",
    message: "{message}",
    help: "{help}",
    explain:
      "More than one in twenty tokens of the texts that are held back never occur in the training split, or are too rare for the vocabulary. The model reads all of them as the same `<unknown>`, so its results on such text will be worse than they could be.",
    wrong: "review: { type: text, tokens: word, vocabulary: 100 }",
    right: "review: { type: text, tokens: word, vocabulary: 10000 }",
  },
  "arrays-missing": {
    severity: "error",
    message: "{message}",
    help: "{help}",
    explain:
      "The spec says that the data are passed in by the program (`arrays`), but none were passed, so this command has nothing to read.",
  },
  "input-missing": {
    severity: "error",
    message: "{message}",
    help: "{help}",
    explain: "Every example given to a model needs a value for each of its features.",
  },
  "unknown-input": {
    severity: "error",
    message: "{message}",
    help: "{help}",
    explain:
      "An example has a key that is not a feature of the model. It would be ignored silently, and is usually a misspelt feature.",
  },
} as const satisfies Record<string, CatalogueEntry>;
