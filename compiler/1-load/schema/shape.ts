/**
 * @file How parts of the language are described: a shape is a map with known fields, a choice is a
 * set of named shapes (`adam`, `adam: 0.001`, `adam: {…}`). Layers are shapes too. From these come the
 * JSON Schema for editors, the check of specs, the defaults and the reference.
 */
import type { Field, FieldSchema, FieldValues } from "../../layers/fields.js";

/** JSON Schema, draft-07, as the editor reads it. */
export interface EditorSchema {
  readonly [keyword: string]: unknown;
}

/** A field whose content is checked by code of its own; editors get `editor`. */
export interface NestedField extends Field<unknown> {
  readonly editor: () => EditorSchema;
}

export type Fields = Record<string, Field<unknown>>;

export interface Shape<F extends Fields = Fields> {
  /** What stands in the YAML: `adam`, or the section's name. */
  readonly name: string;
  readonly summary: string;
  /** The field set where a value stands in place of a map; null: there is none. */
  readonly primary: string | null;
  readonly fields: F;
  readonly example?: string;
}

export interface Choice {
  /** With article, for messages: "a loss". */
  readonly what: string;
  readonly shapes: ReadonlyMap<string, Shape>;
}

export function defineShape<const F extends Fields>(
  shape: Shape<F> & { readonly primary: (keyof F & string) | null },
): Shape<F> {
  return shape;
}

/** The values of a shape's fields, after its check. */
export type ValuesOf<S> = S extends Shape<infer F> ? FieldValues<F> : never;

export function defineChoice(what: string, shapes: readonly Shape[]): Choice {
  return { what, shapes: new Map(shapes.map((shape) => [shape.name, shape])) };
}

export const isNested = (field: Field<unknown>): field is NestedField => "editor" in field;

/** The schema that a map of this shape is validated against; nested fields are left to their own check. */
export function shapeSchema(shape: Shape): FieldSchema & { readonly required: readonly string[] } {
  const fields = Object.entries(shape.fields);
  return {
    type: "object",
    properties: Object.fromEntries(
      fields.map(([name, field]) => [name, isNested(field) ? {} : field.schema]),
    ),
    required: fields.filter(([, field]) => field.default === undefined).map(([name]) => name),
    additionalProperties: false,
  };
}
