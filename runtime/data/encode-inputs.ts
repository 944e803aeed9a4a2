/** @file From what a caller of `predict` passes to the inputs of a program. */
import type { DataSpec, FeatureSpec, FittedFacts } from "../spec.js";
import { allocate, type HostArray, type HostTensor, sizeOf } from "../tensor.js";
import { fromCanvas, isCanvasPixels } from "./canvas-pixels.js";
import { DataError, list, quote, showShape } from "./errors.js";
import { fitsImage, imageSize, notByte } from "./features.js";
import { classesOf, classOfText, unknownLabel } from "./labels.js";
import { flatten, shapeOf } from "./nested.js";
import { imageFormat, type Pictures } from "./pictures.js";
import { encodeSequence } from "./sequence.js";
import { encodeText, tooLong } from "./text.js";
import { tokenizerOf } from "./tokens/index.js";

/** One example: a value for every feature. */
export type InputRow = Readonly<Record<string, unknown>>;

export interface EncodeOptions {
  /**
   * May an image be given as the path of a file? Set it to false where values come from strangers.
   * Default true.
   */
  readonly files?: boolean;
}

/** The part of a ModelDefinition that says what a model takes. */
export interface InputDefinition {
  readonly data: DataSpec | null;
  readonly facts: FittedFacts;
  /** Features that the infer program does not read need no value. Default: all are needed. */
  readonly programs?: { readonly infer: { readonly inputs: Readonly<Record<string, unknown>> } };
}

/**
 * The batch of `rows`, one tensor per feature. A value may be
 * - image: bytes of a PNG, JPEG or WebP file, the path of one, H·W·C pixel values (typed array, plain
 *   or nested arrays), `{shape, data}`, or the ImageData of a canvas;
 * - number: a number; vector: plain, nested or typed array, or `{shape, data}`; category: a class name;
 * - text: a string; sequence: an array of numbers (one channel) or of arrays, or `{shape, data}`.
 *
 * Throws a DlcError that names the row and the feature at fault. Other keys than features are
 * refused, except targets, which are ignored.
 */
export async function encodeInputsBy(
  pictures: Pictures,
  definition: InputDefinition,
  rows: readonly InputRow[],
  options: EncodeOptions = {},
): Promise<Record<string, HostTensor>> {
  const features = definition.data?.features ?? {};
  const targets = definition.data?.targets ?? {};
  rows.forEach((row, i) => {
    if (typeof row !== "object" || row === null || Array.isArray(row)) throw notAnExample(row, i);
    for (const key of Object.keys(row)) {
      if (!Object.hasOwn(features, key) && !Object.hasOwn(targets, key)) {
        throw unknownInput(key, Object.keys(features), rows.length, i);
      }
    }
  });
  const inputs: Record<string, HostTensor> = {};
  const read = definition.programs?.infer.inputs ?? features;
  for (const [name, feature] of Object.entries(features)) {
    if (!Object.hasOwn(read, name)) continue;
    const { dtype, shape } = layoutOf(feature);
    const size = sizeOf(shape);
    const data = allocate(dtype, rows.length * size);
    const classes = classesOf(name, feature, definition.facts);
    for (const [i, row] of rows.entries()) {
      const place =
        rows.length === 1 ? `input '${name}'` : `input '${name}', row ${i} (counted from 0)`;
      const value = Object.hasOwn(row, name) ? row[name] : undefined;
      if (value === undefined || value === null) throw missingInput(name, feature, place);
      await encoders[feature.type](feature as never, value, {
        name,
        place,
        classes,
        facts: definition.facts,
        files: options.files ?? true,
        pictures,
        to: data.subarray(i * size, (i + 1) * size),
      });
    }
    inputs[name] = { dtype, shape: [rows.length, ...shape], data };
  }
  return inputs;
}

function notAnExample(value: unknown, i: number): DataError {
  const given = Array.isArray(value) ? "an array" : value === null ? "null" : typeof value;
  return new DataError(
    "data-shape-mismatch",
    `an example is an object with a value for every feature, not ${given}`,
    {
      place: `row ${i} (counted from 0)`,
      help: "Pass { feature: value, … }, or an array of such objects.",
    },
  );
}

interface Slot {
  readonly name: string;
  readonly place: string;
  readonly classes: readonly string[];
  readonly facts: FittedFacts;
  readonly files: boolean;
  readonly pictures: Pictures;
  /** Where the row's values go. */
  readonly to: HostArray;
}

type FeatureOf<T extends FeatureSpec["type"]> = Extract<FeatureSpec, { readonly type: T }>;

const encoders: {
  readonly [T in FeatureSpec["type"]]: (
    feature: FeatureOf<T>,
    value: unknown,
    slot: Slot,
  ) => void | Promise<void>;
} = {
  image: async (feature, value, slot) => slot.to.set(await pixelsOf(feature, value, slot)),
  number: (_feature, value, slot) => fill(value, [], slot),
  vector: (feature, value, slot) => fill(value, feature.shape, slot),
  category(_feature, value, { name, place, classes, to }) {
    const label = typeof value === "number" || typeof value === "boolean" ? String(value) : value;
    if (typeof label !== "string") {
      throw new DataError("unknown-label", `'${name}' needs the name of a class`, {
        place,
        help: `The classes are: ${list(classes)}.`,
      });
    }
    const index = classOfText(classes, label);
    if (index === null) throw unknownLabel(quote(label), label, classes, name, place);
    to[0] = index;
  },
  text(feature, value, { name, place, facts, to }) {
    if (typeof value !== "string") {
      throw new DataError("wrong-column-type", `'${name}' needs a text, not ${typeName(value)}`, {
        place,
        help: "Pass a string.",
      });
    }
    const tokens = encodeText(feature, value, tokenizerOf(name, feature, facts), to, () => ({
      name,
      place,
    }));
    if (tokens > feature.length && !feature.truncate) {
      throw tooLong(feature, name, tokens, null, place);
    }
  },
  sequence(feature, value, { name, place, to }) {
    const [steps] = unwrap(value);
    encodeSequence(feature, steps, name, place, to);
  },
};

function layoutOf(feature: FeatureSpec): {
  readonly dtype: "u8" | "f32" | "i32";
  readonly shape: readonly number[];
} {
  if (feature.type === "image") return { dtype: "u8", shape: feature.shape };
  if (feature.type === "category") return { dtype: "i32", shape: [] };
  if (feature.type === "text") return { dtype: "i32", shape: [feature.length] };
  if (feature.type === "sequence") {
    return { dtype: "f32", shape: [feature.length, feature.channels + 1] };
  }
  return { dtype: "f32", shape: feature.type === "number" ? [1] : feature.shape };
}

/** Numbers of just this shape, or as many in a flat array. */
function fill(value: unknown, shape: readonly number[], slot: Slot): void {
  const [values, given] = unwrap(value);
  const flat = given.length === 1 && given[0] === sizeOf(shape);
  if (!flat && String(given) !== String(shape)) {
    throw new DataError(
      "data-shape-mismatch",
      `'${slot.name}' needs ${shape.length === 0 ? "a number" : showShape(shape)}, not ${given.length === 0 ? typeName(values) : showShape(given)}`,
      { place: slot.place, help: "Pass the values of one example, in the shape of the feature." },
    );
  }
  let at = 0;
  flatten(
    values,
    given,
    slot.name,
    () => slot.place,
    (number) => {
      slot.to[at++] = number;
    },
  );
}

function typeName(value: unknown): string {
  if (typeof value === "number") return "a single number";
  return Array.isArray(value) ? "a list" : `a ${typeof value}`;
}

/** `{shape, data}` as its parts; anything else with the shape that it has. */
function unwrap(value: unknown): readonly [values: unknown, shape: readonly number[]] {
  if (typeof value === "object" && value !== null && "data" in value && "shape" in value) {
    const { data, shape } = value as { data: unknown; shape: unknown };
    const [length] = shapeOf(data);
    if (Array.isArray(shape) && length === sizeOf(shape)) {
      return [nest(data as ArrayLike<number>, shape), shape];
    }
  }
  return [value, shapeOf(value)];
}

/** A flat array seen as nested, by views. */
function nest(data: ArrayLike<number>, shape: readonly number[]): unknown {
  const flat = Array.from(data);
  return shape
    .slice(1)
    .reduceRight<unknown[]>(
      (items, size) =>
        Array.from({ length: items.length / size }, (_, i) =>
          items.slice(i * size, (i + 1) * size),
        ),
      flat,
    );
}

async function pixelsOf(
  feature: FeatureOf<"image">,
  value: unknown,
  slot: Slot,
): Promise<Uint8Array> {
  const encoded = await encodedImage(feature, value, slot);
  if (encoded !== null) {
    return slot.pictures.decode(encoded.bytes, feature.shape, feature.resize, encoded.place);
  }
  const given = isCanvasPixels(value) ? fromCanvas(value, feature.shape[2]) : value;
  const [values, shape] = unwrap(given);
  const fits = fitsImage(shape, feature.shape);
  const size = fits ? feature.shape : feature.resize ? imageSize(shape, feature.shape[2]) : null;
  if (size === null) {
    throw new DataError(
      "data-shape-mismatch",
      `'${slot.name}' needs an image of shape ${showShape(feature.shape)}, not ${shape.length === 0 ? typeName(values) : showShape(shape)}`,
      {
        place: slot.place,
        help: "Pass pixel values 0 to 255 (height, width, channels), or the bytes or path of a PNG, JPEG or WebP file.",
      },
    );
  }
  const pixels = new Uint8Array(sizeOf(size));
  let at = 0;
  flatten(
    values,
    shape,
    slot.name,
    () => slot.place,
    (number) => {
      pixels[at] = number;
      if (pixels[at] !== number) throw notByte(number, slot.name, slot.place);
      at++;
    },
  );
  return fits ? pixels : slot.pictures.resize(pixels, size, feature.shape);
}

/** The value as an image file's bytes; null if it is pixels. */
async function encodedImage(
  feature: FeatureOf<"image">,
  value: unknown,
  { name, place, files, pictures }: Slot,
): Promise<{ readonly bytes: Uint8Array; readonly place: string } | null> {
  if (value instanceof Uint8Array) {
    const isPixels = value.length === sizeOf(feature.shape);
    return isPixels || imageFormat(value) === null ? null : { bytes: value, place };
  }
  if (typeof value !== "string") return null;
  if (!files) {
    throw new DataError("data-shape-mismatch", `'${name}' must not be the path of a file here`, {
      place,
      help: "Pass the image's bytes or its pixel values.",
    });
  }
  return { bytes: await pictures.read(value, name, place), place: value };
}

function missingInput(name: string, feature: FeatureSpec, place: string): DataError {
  return new DataError("input-missing", `'${name}' is missing`, {
    place,
    help: `Every example needs a value for it (${feature.type}).`,
  });
}

function unknownInput(key: string, known: readonly string[], rows: number, row: number): DataError {
  return new DataError("unknown-input", `${quote(key)} is not a feature of the model`, {
    place: rows === 1 ? "input" : `row ${row} (counted from 0)`,
    help: `Its features are: ${list(known)}.`,
    wrong: { word: key, known },
  });
}
