/**
 * @file Fields of layers: one statement gives the JSON-Schema branch, the TypeScript type, the
 * documentation and the default.
 */
import type { Pads } from "@dlc/runtime";
import { initializerNames } from "./initializer-names.js";

/** The part of JSON Schema (draft-07) that fields use. */
export interface FieldSchema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly (string | number | boolean)[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly items?: FieldSchema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly anyOf?: readonly FieldSchema[];
  readonly properties?: Readonly<Record<string, FieldSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | FieldSchema;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  /** Linear-time patterns only, beside a maxLength. */
  readonly pattern?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
}

export interface Field<T> {
  readonly schema: FieldSchema;
  readonly description: string;
  /** undefined: the field is required. */
  readonly default: T | undefined;
  /** From the validated YAML value to the layer's value (a pair from one number, say). */
  readonly resolve: (value: unknown) => T;
}

export type FieldValues<F extends Record<string, Field<unknown>>> = {
  readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never;
};

/** A field by its schema. `resolve`: from the validated YAML value; default: as it is. */
export function field<T>(
  schema: FieldSchema,
  description: string,
  fallback: T | undefined,
  resolve: (value: unknown) => T = (value) => value as T,
): Field<T> {
  return { schema, description, default: fallback, resolve };
}

export const positiveInteger = (description: string, fallback?: number): Field<number> =>
  field({ type: "integer", minimum: 1 }, description, fallback);

export const integer = (
  description: string,
  limits: { minimum?: number; maximum?: number },
  fallback?: number,
): Field<number> => field({ type: "integer", ...limits }, description, fallback);

export const number = (
  description: string,
  limits: {
    minimum?: number;
    maximum?: number;
    exclusiveMinimum?: number;
    exclusiveMaximum?: number;
  },
  fallback?: number,
): Field<number> => field({ type: "number", ...limits }, description, fallback);

export const flag = (description: string, fallback: boolean): Field<boolean> =>
  field({ type: "boolean" }, description, fallback);

export const choice = <const T extends string>(
  description: string,
  values: readonly T[],
  fallback?: T,
): Field<T> => field({ enum: values }, description, fallback);

/** One number for both spatial axes, or `[height, width]`. */
export const pair = (
  description: string,
  minimum: number,
  fallback?: readonly [number, number],
): Field<readonly [number, number]> =>
  field(
    {
      anyOf: [
        { type: "integer", minimum },
        { type: "array", items: { type: "integer", minimum }, minItems: 2, maxItems: 2 },
      ],
    },
    description,
    fallback,
    (value) => (typeof value === "number" ? [value, value] : (value as readonly [number, number])),
  );

/** How a window meets the border: TensorFlow's `same` and `valid`, or zeros on both sides of each axis. */
export type Padding = "same" | "valid" | readonly [height: number, width: number];

export const padding = (description: string): Field<Padding> =>
  field<Padding>(
    {
      anyOf: [
        { enum: ["same", "valid"] },
        { type: "integer", minimum: 0 },
        { type: "array", items: { type: "integer", minimum: 0 }, minItems: 2, maxItems: 2 },
      ],
    },
    description,
    "valid",
    (value) => (typeof value === "number" ? [value, value] : (value as Padding)),
  );

/** As `padding`, for one axis; the value has a height of 0. */
export const padding1d = (description: string): Field<Padding> =>
  field<Padding>(
    { anyOf: [{ enum: ["same", "valid"] }, { type: "integer", minimum: 0 }] },
    description,
    "valid",
    (value) => (typeof value === "number" ? [0, value] : (value as Padding)),
  );

/** As `padding1d`, or all zeros in front. */
export const causalPadding = (description: string): Field<Padding | "causal"> =>
  field<Padding | "causal">(
    { anyOf: [{ enum: ["same", "valid", "causal"] }, { type: "integer", minimum: 0 }] },
    description,
    "valid",
    (value) => (typeof value === "number" ? [0, value] : (value as Padding | "causal")),
  );

/** A border around images: one number, `[height, width]`, or `[top, bottom, left, right]`. */
export const border = (description: string): Field<Pads> =>
  field<Pads>(
    {
      anyOf: [
        { type: "integer", minimum: 0 },
        { type: "array", items: { type: "integer", minimum: 0 }, minItems: 2, maxItems: 2 },
        { type: "array", items: { type: "integer", minimum: 0 }, minItems: 4, maxItems: 4 },
      ],
    },
    description,
    undefined,
    (value) => {
      if (typeof value === "number") return [value, value, value, value];
      const [first = 0, second = 0, third, fourth] = value as readonly number[];
      return third === undefined || fourth === undefined
        ? [first, second, first, second]
        : [first, third, second, fourth];
    },
  );

/** A list of sizes, such as a target shape. */
export const sizes = (description: string): Field<readonly number[]> =>
  field<readonly number[]>(
    { type: "array", items: { type: "integer", minimum: 1 }, minItems: 1 },
    description,
    undefined,
  );

/** A list of positions, from 0. */
export const indices = (description: string): Field<readonly number[]> =>
  field<readonly number[]>(
    { type: "array", items: { type: "integer", minimum: 0 }, minItems: 1 },
    description,
    undefined,
  );

/** A number of elements, or a shape. */
export const sizeOrShape = (description: string): Field<readonly number[]> =>
  field<readonly number[]>(
    {
      anyOf: [
        { type: "integer", minimum: 1 },
        { type: "array", items: { type: "integer", minimum: 1 }, minItems: 1, maxItems: 8 },
      ],
    },
    description,
    undefined,
    (value) => (typeof value === "number" ? [value] : (value as readonly number[])),
  );

/** Like another field, but null (unset) by default. */
export const optional = <T>(inner: Field<T>): Field<T | null> =>
  field(inner.schema, inner.description, null, (value) =>
    value === null ? null : inner.resolve(value),
  );

/** How a weight starts: a name, or `{name: value}` for those that take one. */
export interface InitializerValue {
  readonly kind: (typeof initializerNames)[number];
  readonly value: number | null;
}
export const initializer = (
  description: string,
  fallback: (typeof initializerNames)[number],
): Field<InitializerValue> =>
  field(
    {
      anyOf: [
        { enum: initializerNames },
        {
          type: "object",
          properties: {
            constant: {
              type: "number",
              description: "The value of every element.",
              examples: [0.1],
            },
            uniform: { type: "number", description: "Largest absolute value.", examples: [0.05] },
            normal: { type: "number", description: "Standard deviation.", examples: [0.05] },
            orthogonal: { type: "number", description: "Factor.", examples: [1] },
          },
          additionalProperties: false,
          minProperties: 1,
          maxProperties: 1,
        },
      ],
    },
    description,
    { kind: fallback, value: null },
    (value) => {
      if (typeof value === "string") {
        return { kind: value as InitializerValue["kind"], value: null };
      }
      const [kind, amount] = Object.entries(value as Record<string, number>)[0] ?? ["zeros", 0];
      return { kind: kind as InitializerValue["kind"], value: amount };
    },
  );
