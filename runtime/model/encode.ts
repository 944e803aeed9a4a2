/** @file From what a caller passes to predict() to the tensors that the infer program takes. */
import { didYouMean } from "../data/suggest.js";
import { DlcError } from "../errors.js";
import type { TensorSpec } from "../program.js";
import type { ModelDefinition } from "../spec.js";
import { allocate, type HostArray, type HostTensor, sizeOf } from "../tensor.js";

type Example = Readonly<Record<string, unknown>>;

/**
 * One tensor per input of the infer program, `[n, …]`, for n examples.
 * @throws DlcError `bad-input`, naming the example and the feature.
 */
export function encodeExamples(
  definition: ModelDefinition,
  examples: readonly Example[],
): Record<string, HostTensor> {
  const { inputs } = definition.programs.infer;
  examples.forEach((example, i) => {
    const unknown = Object.keys(Object(example)).find((name) => inputs[name] === undefined);
    if (unknown === undefined) return;
    const names = Object.keys(inputs);
    throw badInput(placeOf(i, examples.length, unknown), "the model has no such feature", {
      help: `It takes ${names.join(", ")}.${didYouMean(unknown, names)}`,
    });
  });
  return Object.fromEntries(
    Object.entries(inputs).map(([name, spec]) => [
      name,
      encodeFeature(name, spec, classesOf(definition, name), examples),
    ]),
  );
}

/** The class names of a feature or target that is a category; null for anything else. */
export function classesOf(
  { data, facts }: Pick<ModelDefinition, "data" | "facts">,
  name: string,
): readonly string[] | null {
  const feature = data?.features[name] ?? data?.targets[name];
  if (feature?.type !== "category") return null;
  return feature.classes ?? facts[name]?.classes ?? null;
}

function encodeFeature(
  name: string,
  { dtype, shape }: TensorSpec,
  classes: readonly string[] | null,
  examples: readonly Example[],
): HostTensor {
  const rowShape = shape.slice(1).map(Number);
  const size = sizeOf(rowShape);
  const data = allocate(dtype, examples.length * size);
  examples.forEach((example, i) => {
    const place = placeOf(i, examples.length, name);
    const value = Object(example)[name] as unknown;
    if (value === undefined) throw badInput(place, "is missing", {});
    if (classes !== null) data[i] = classIndex(value, classes, place);
    else copyNumbers(value, rowShape, data, i * size, dtype === "u8", place);
  });
  return { dtype, shape: [examples.length, ...rowShape], data };
}

function classIndex(value: unknown, classes: readonly string[], place: string): number {
  const index = classes.indexOf(String(value));
  if (index >= 0) return index;
  throw badInput(place, `${JSON.stringify(value)} is not one of its classes`, {
    help: `The classes are ${classes.slice(0, 12).join(", ")}${classes.length > 12 ? ", …" : ""}.${didYouMean(String(value), classes)}`,
  });
}

/** Copies a number, an array (nested or flat), a typed array or `{shape, data}` of exactly `shape`. */
function copyNumbers(
  value: unknown,
  shape: readonly number[],
  out: HostArray,
  at: number,
  bytes: boolean,
  place: string,
): void {
  const { found, numbers } = numbersOf(value, place);
  const wanted = showShape(shape);
  // A flat array says nothing about its shape: its length must do. One number may come bare.
  const fits = found.length <= 1 || showShape(found) === wanted;
  if (!fits || numbers.length !== sizeOf(shape)) {
    throw badInput(place, `has the shape ${showShape(found)}, not ${wanted}`, {
      help: "Images are height × width × channels; see the package's Input type.",
    });
  }
  for (let i = 0; i < numbers.length; i++) {
    const number = numbers[i] as unknown;
    if (typeof number !== "number" || !Number.isFinite(number)) {
      throw badInput(place, `element ${i} is ${String(number)}, not a finite number`, {});
    }
    if (bytes && (number < 0 || number > 255)) {
      throw badInput(place, `element ${i} is ${number}; pixels are from 0 to 255`, {});
    }
    out[at + i] = bytes ? Math.round(number) : number;
  }
}

function numbersOf(
  value: unknown,
  place: string,
): { found: readonly number[]; numbers: ArrayLike<unknown> } {
  if (typeof value === "number") return { found: [], numbers: [value] };
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    const numbers = value as unknown as ArrayLike<number>;
    return { found: [numbers.length], numbers };
  }
  if (Array.isArray(value)) {
    const found: number[] = [];
    for (let level: unknown = value; Array.isArray(level); level = level[0]) {
      found.push(level.length);
    }
    return { found, numbers: value.flat(Number.POSITIVE_INFINITY) };
  }
  const { shape, data } = Object(value) as { shape?: unknown; data?: unknown };
  if (Array.isArray(shape) && data !== undefined) {
    const { numbers } = numbersOf(data, place);
    return { found: shape.map(Number), numbers };
  }
  throw badInput(place, "is neither a number nor an array of numbers", {
    help: "Pass a number, an array, or { shape, data }.",
  });
}

function showShape(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}

function placeOf(index: number, of: number, name: string): string {
  return of === 1 ? name : `example ${index + 1}, ${name}`;
}

function badInput(place: string, problem: string, details: { help?: string }): DlcError {
  return new DlcError("bad-input", `${place}: ${problem}`, { place, ...details });
}
