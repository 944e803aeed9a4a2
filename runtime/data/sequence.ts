/** @file Sequences of numbers, each with its own number of steps, padded to one length. */
import type { FeatureSpec } from "../spec.js";
import { count, DataError, quote, showShape } from "./errors.js";
import type { Encoded } from "./features.js";
import { isArrayLike, notNumber, shapeOf, toNumber } from "./nested.js";
import { checkNumber, parseNumber } from "./number-text.js";
import { type Column, type NumberColumn, rowSize, sharedArray } from "./table.js";
import { checkSize } from "./text.js";

export type SequenceFeature = Extract<FeatureSpec, { readonly type: "sequence" }>;

/** One sequence: `numbers` are its steps' channels, step by step. */
type Emit = (number: number) => void;

/** All rows of a column as sequences: calls `emit` with every number of a row. */
interface Steps {
  readonly rows: number;
  readonly place: (row: number) => string;
  read(row: number, emit: Emit): void;
}

/** f32 [length, channels + 1] per row; the last number of a step says that it is there. */
export function encodeSequences(feature: SequenceFeature, column: Column, name: string): Encoded {
  const steps = stepsOf(feature, column, name);
  const { length, channels } = feature;
  const size = length * (channels + 1);
  checkSize(column.rows * size, name);
  const data = sharedArray("f32", column.rows * size) as Float32Array;
  for (let row = 0; row < column.rows; row++) {
    const writer = new StepWriter(feature, data.subarray(row * size, (row + 1) * size));
    steps.read(row, (number) => writer.push(number));
    const given = writer.finish(name, () => steps.place(row));
    if (given > length && !feature.truncate) {
      throw tooLong(feature, name, given, longestOf(feature, steps), steps.place(row));
    }
  }
  return { dtype: "f32", shape: [length, channels + 1], data };
}

/** Steps of every row. */
export function sequenceLengths(feature: SequenceFeature, column: Column, name: string) {
  const steps = stepsOf(feature, column, name);
  const lengths = new Uint32Array(column.rows);
  for (let row = 0; row < column.rows; row++) lengths[row] = lengthOf(feature, steps, row);
  return lengths;
}

function lengthOf({ channels }: SequenceFeature, steps: Steps, row: number): number {
  let numbers = 0;
  steps.read(row, () => numbers++);
  return numbers / channels;
}

function longestOf(feature: SequenceFeature, steps: Steps): number {
  let most = 0;
  for (let row = 0; row < steps.rows; row++) most = Math.max(most, lengthOf(feature, steps, row));
  return most;
}

/** Takes the numbers of one sequence, and puts those that have room where the batch wants them. */
class StepWriter {
  readonly #channels: number;
  readonly #length: number;
  readonly #to: { [index: number]: number };
  #numbers = 0;

  constructor({ channels, length }: SequenceFeature, to: { [index: number]: number }) {
    this.#channels = channels;
    this.#length = length;
    this.#to = to;
  }

  push(number: number): void {
    const channels = this.#channels;
    const step = Math.floor(this.#numbers / channels);
    if (step < this.#length) {
      const at = step * (channels + 1);
      this.#to[at + (this.#numbers % channels)] = number;
      this.#to[at + channels] = 1;
    }
    this.#numbers++;
  }

  /** How many steps were given. */
  finish(name: string, place: () => string): number {
    if (this.#numbers === 0) throw emptySequence(name, place());
    return this.#numbers / this.#channels;
  }
}

function stepsOf(feature: SequenceFeature, column: Column, name: string): Steps {
  const { rows, place } = column;
  switch (column.kind) {
    case "numbers":
      return { rows, place, read: fixedSteps(feature, column, name) };
    case "text":
      return {
        rows,
        place,
        read(row, emit) {
          parseSteps(feature, column.values[row] as string, name, () => place(row), emit);
        },
      };
    case "values":
      return {
        rows,
        place,
        read(row, emit) {
          nestedSteps(feature, column.values[row], name, () => place(row), emit);
        },
      };
  }
}

/** Arrays: all rows have the same number of steps. */
function fixedSteps(
  { channels }: SequenceFeature,
  { data, shape, place }: NumberColumn,
  name: string,
): Steps["read"] {
  if (!isSteps(shape, channels)) {
    throw wrongSteps(name, shape, channels, place(0).replace(/, record 0 .*$/, ""));
  }
  const size = rowSize(shape);
  return (row, emit) => {
    for (let i = row * size; i < (row + 1) * size; i++) {
      emit(checkNumber(data[i] as number, name, () => place(row)));
    }
  };
}

const isSteps = (shape: readonly number[], channels: number): boolean =>
  (shape.length === 1 || shape.length === 2) && (shape[1] ?? 1) === channels;

/** What is wrong with arrays whose rows have this shape; null: nothing. */
export function misfitOfSteps(
  feature: SequenceFeature,
  shape: readonly number[],
  name: string,
  place: string,
): DataError | null {
  const { length, channels, truncate } = feature;
  if (!isSteps(shape, channels)) return wrongSteps(name, shape, channels, place);
  const [steps = 0] = shape;
  const fits = steps <= length || length === 0 || truncate;
  return fits ? null : tooLong(feature, name, steps, steps, place);
}

/** "1.5 2 3": numbers with spaces, commas or semicolons between them; or a list as in JSON. */
export function parseSteps(
  feature: SequenceFeature,
  text: string,
  name: string,
  place: () => string,
  emit: Emit,
): void {
  const cell = text.trim();
  if (cell === "") return;
  if (cell.startsWith("[")) {
    nestedSteps(feature, parseList(cell, name, place), name, place, emit);
    return;
  }
  // With several channels, semicolons and line ends part the steps.
  const { channels } = feature;
  const parts = channels === 1 ? [cell] : cell.split(/[;\n]/).filter((part) => part.trim() !== "");
  const perStep = channels > 1 && parts.length > 1;
  for (const part of parts) {
    const numbers = part.split(/[\s,;]+/).filter((word) => word !== "");
    if (perStep ? numbers.length !== channels : numbers.length % channels !== 0) {
      throw raggedStep(name, numbers.length, channels, place());
    }
    for (const word of numbers) emit(parseNumber(word, name, place));
  }
}

function parseList(cell: string, name: string, place: () => string): unknown {
  try {
    return JSON.parse(cell);
  } catch (cause) {
    throw new DataError("not-a-number", `${quote(cell)} in '${name}' is not a list of numbers`, {
      place: place(),
      column: name,
      help: "Write numbers with spaces between them, or a list like [1.5, 2, 3].",
      cause,
    });
  }
}

/** `[1, 2, 3]`, or with several channels a list for every step: `[[1, 2], [3, 4]]`. */
export function nestedSteps(
  { channels }: SequenceFeature,
  value: unknown,
  name: string,
  place: () => string,
  emit: Emit,
): void {
  if (!isArrayLike(value)) {
    if (value === null || value === undefined) toNumber(value, name, place);
    throw wrongSteps(name, shapeOf(value), channels, place());
  }
  for (let i = 0; i < value.length; i++) {
    const step: unknown = value[i];
    if (!isArrayLike(step)) {
      if (channels !== 1) throw raggedStep(name, 1, channels, place());
      emit(stepNumber(step, name, place));
      continue;
    }
    if (step.length !== channels) throw raggedStep(name, step.length, channels, place());
    for (let c = 0; c < channels; c++) emit(stepNumber(step[c], name, place));
  }
}

/** A measurement: `true` is none, unlike in a column of truth values. */
function stepNumber(value: unknown, name: string, place: () => string): number {
  if (typeof value === "boolean") throw notNumber(value, name, place());
  return toNumber(value, name, place);
}

/** One sequence as `predict` takes it. */
export function encodeSequence(
  feature: SequenceFeature,
  value: unknown,
  name: string,
  place: string,
  to: { [index: number]: number },
): void {
  const writer = new StepWriter(feature, to);
  const read = typeof value === "string" ? parseSteps : nestedSteps;
  read(
    feature,
    value as string,
    name,
    () => place,
    (number) => writer.push(number),
  );
  const given = writer.finish(name, () => place);
  if (given > feature.length && !feature.truncate) {
    throw tooLong(feature, name, given, null, place);
  }
}

export function tooLong(
  feature: SequenceFeature,
  name: string,
  steps: number,
  longest: number | null,
  place: string,
): DataError {
  return new DataError(
    "example-too-long",
    `this sequence of '${name}' has ${count(steps, "step")}, but max_length is ${feature.length}`,
    {
      place,
      help:
        longest === null
          ? "Shorten it; longer sequences are cut if the spec says `truncate: true`."
          : `The longest has ${longest}: write max_length: ${longest}, or truncate: true to cut longer sequences.`,
    },
  );
}

function emptySequence(name: string, place: string): DataError {
  return new DataError("empty-sequence", `this sequence of '${name}' has no steps`, {
    place,
    help: "Every sequence needs at least one step: fill it in or remove the row.",
  });
}

function raggedStep(name: string, given: number, channels: number, place: string): DataError {
  const [what, help] =
    channels === 1
      ? [count(given, "number"), "Set `channels` to how many numbers a step has."]
      : [count(given, "number"), "Every step needs a number for each channel."];
  return new DataError(
    "ragged-row",
    `a step of '${name}' has ${what}, but ${count(channels, "channel")} ${channels === 1 ? "is" : "are"} needed`,
    { place, column: name, help },
  );
}

function wrongSteps(
  name: string,
  shape: readonly number[],
  channels: number,
  place: string,
): DataError {
  const have = shape.length === 0 ? "are single values" : `have the shape ${showShape(shape)}`;
  const wanted = channels === 1 ? "[steps]" : `[steps, ${channels}]`;
  return new DataError(
    "data-shape-mismatch",
    `'${name}' needs rows of the shape ${wanted}, but the data ${have}`,
    {
      place,
      help:
        shape.length === 2
          ? `Write channels: ${shape[1]}.`
          : "A sequence is a list of numbers, or with several channels a list of lists.",
    },
  );
}
