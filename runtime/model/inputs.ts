/**
 * @file Types of what a model takes and gives, with shapes and class names at the type level, so
 * that a changed shape or class in the spec is a compile error in the caller. Generated packages
 * write their `Input` and `Output` types with these.
 */
import type { CanvasPixels } from "../data/canvas-pixels.js";
import { sizeOf } from "../tensor.js";

/** Numbers of a known shape, row by row. `data.length` must be the product of `shape`. */
export interface ShapedArray<Shape extends readonly number[]> {
  readonly shape: Shape;
  readonly data:
    | Float32Array
    | Float64Array
    | Int32Array
    | Uint32Array
    | Uint8Array
    | Uint8ClampedArray
    | readonly number[];
}

/**
 * Gives numbers a shape that the type checker knows: `shaped([28, 28, 1], pixels)`.
 * @throws RangeError if the number of elements does not fit the shape.
 */
export function shaped<const Shape extends readonly number[]>(
  shape: Shape,
  data: ShapedArray<Shape>["data"],
): ShapedArray<Shape> {
  const size = sizeOf(shape);
  if (data.length !== size) {
    throw new RangeError(`${data.length} elements do not fill the shape [${shape.join(", ")}]`);
  }
  return { shape, data };
}

/** A tuple of N elements of T; above 256 elements a plain array. */
export type Repeat<T, N extends number> = number extends N
  ? readonly T[]
  : RepeatFrom<T, N, readonly []>;
type RepeatFrom<T, N extends number, Items extends readonly T[]> = Items["length"] extends N
  ? Items
  : Items["length"] extends 256
    ? readonly T[]
    : RepeatFrom<T, N, readonly [...Items, T]>;

/**
 * One image as stored: 0 … 255, height × width × channels, channels last; a canvas's ImageData; or (in Node)
 * the path of a PNG, JPEG or WebP file.
 */
export type ImageInput<H extends number, W extends number, C extends number> =
  | ShapedArray<readonly [H, W, C]>
  | CanvasPixels
  | string;

/** One number, in the units of the data. */
export type NumberInput = number;

/** Numbers of a shape; a vector of rank 1 may be written as a plain array of that many numbers. */
export type VectorInput<Shape extends readonly number[]> =
  | ShapedArray<Shape>
  | (Shape extends readonly [infer N extends number] ? Repeat<number, N> : never);

/** A class name. */
export type CategoryInput<Classes extends string> = Classes;

/** Prediction of a category: the most probable class, and how probable each one is (they sum to 1). */
export interface CategoryOutput<Classes extends string> {
  readonly label: Classes;
  readonly probabilities: Readonly<Record<Classes, number>>;
}

/**
 * Prediction of one of two classes by one number: also the probability of the second one, which is
 * the label from 0.5 on.
 */
export interface BinaryOutput<Classes extends string = string> extends CategoryOutput<Classes> {
  readonly probability: number;
}

/** A text. */
export type TextInput = string;

/**
 * Numbers in time: one per step, or with several channels a list of them per step; or all in one
 * array, step by step, with the shape [steps, channels].
 */
export type SequenceInput<Channels extends number> =
  | (Channels extends 1 ? ArrayLike<number> : never)
  | readonly (Repeat<number, Channels> | Float32Array)[]
  | ShapedArray<readonly [number, Channels]>;

/**
 * Prediction of a text that is read on the way (a model that scores texts): the most probable token
 * of every step. Of a language model, which is given the text itself: a step for each of its tokens (the
 * end included where the feature has one), each after those before it; `text` ends at the first end. Of
 * other models: up to the end that the model sees.
 */
export interface TokensOutput {
  readonly text: string;
  readonly tokens: readonly string[];
  /** Of each token: how probable it is. */
  readonly probabilities: readonly number[];
}

/** A predicted number, in the units of the target. */
export interface NumberOutput {
  readonly value: number;
}

/** Predicted numbers of a shape, in the units of the target. */
export interface TensorOutput<Shape extends readonly number[]> {
  readonly value: { readonly shape: Shape; readonly data: Float32Array };
}

/** A text that was found token by token. */
export interface TextOutput {
  readonly text: string;
  /** Natural logarithm of the probability that the model gives it (what follows the prompt, if any). */
  readonly score: number;
}

/** A text that generate() made. */
export interface GeneratedText extends TextOutput {
  /** Where `candidates` were asked for: the best ones, the first of which is this. */
  readonly candidates?: readonly TextOutput[];
}

/**
 * Examples in memory: per feature and target one value for each example, all of the same length; or
 * all examples in one flat array, whose shape begins with their number.
 */
export type ExampleColumns<Example> = {
  readonly [Name in keyof Example]: readonly Example[Name][] | ShapedArray<readonly number[]>;
};
