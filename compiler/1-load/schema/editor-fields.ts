/**
 * @file Shapes and fields as JSON Schema for editors: with descriptions, defaults and examples, and with
 * `${…}` accepted for any single value.
 */
import { parse } from "yaml";
import type { Field, FieldSchema } from "../../layers/fields.js";
import { type EditorSchema, type Fields, isNested, type Shape } from "./shape.js";

export const expression: EditorSchema = { $ref: "#/definitions/expression" };

/** A map with the fields of a shape. */
export function shapeSchema<F extends Fields>(shape: Shape<F>, expressions = true): EditorSchema {
  const examples = exampleValues(shape);
  const fields = Object.entries(shape.fields);
  const required = requiredOf(shape);
  return {
    type: "object",
    description: shape.summary,
    properties: Object.fromEntries(
      fields.map(([name, field]) => [name, fieldSchema(field, examples[name], expressions)]),
    ),
    ...(required.length === 0 ? {} : { required }),
    additionalProperties: false,
  };
}

export const requiredOf = (shape: { readonly fields: Fields }): string[] =>
  Object.entries(shape.fields).flatMap(([name, f]) => (f.default === undefined ? [name] : []));

export const withoutRequired = ({ required: _, ...schema }: EditorSchema): EditorSchema => schema;

export function fieldSchema(
  field: Field<unknown>,
  example: unknown,
  expressions: boolean,
): EditorSchema {
  const fallback = presentable(field);
  const notes = {
    description: field.description,
    ...(fallback === undefined ? {} : { default: fallback }),
    ...examplesOf(field, example ?? fallback),
  };
  if (isNested(field)) {
    const editor = field.editor();
    return { ...(editor.$ref === undefined ? editor : { allOf: [editor] }), ...notes };
  }
  return { ...(expressions ? withExpressions(field.schema) : field.schema), ...notes };
}

function examplesOf(field: Field<unknown>, example: unknown): EditorSchema {
  if (field.schema.examples !== undefined) return { examples: field.schema.examples };
  const value = example ?? typicalValue(field.schema);
  return value === undefined ? {} : { examples: [value] };
}

/** Something that the schema accepts, for fields that no example shows. */
function typicalValue(schema: FieldSchema): unknown {
  const [branch] = schema.anyOf ?? [];
  if (branch !== undefined) return typicalValue(branch);
  if (schema.enum !== undefined) return schema.enum[0];
  if (schema.type === "boolean") return true;
  if (schema.type === "integer" || schema.type === "number") {
    const least = schema.minimum ?? schema.exclusiveMinimum ?? 0;
    return schema.type === "integer" ? Math.max(1, least) : least + 0.1;
  }
  if (schema.type === "string") return schema.maxLength === 1 ? ";" : "name";
  if (schema.type === "array" && schema.items !== undefined) {
    return Array.from({ length: schema.minItems ?? 1 }, () => typicalValue(schema.items ?? {}));
  }
  return undefined;
}

/** The default as one would write it; undefined where there is none to show. */
function presentable({ default: value, schema }: Field<unknown>): unknown {
  if (value === undefined || value === null) return undefined;
  if (Array.isArray(value) && value.length === 0) return undefined;
  if (typeof value === "object" && "kind" in value) return value.kind;
  const single = schema.anyOf?.some(({ type }) => type === "integer" || type === "number");
  const equal = Array.isArray(value) && value.length > 0 && value.every((v) => v === value[0]);
  return single && equal ? (value as readonly unknown[])[0] : value;
}

/** What the shape's example says for each field. */
export function exampleValues<F extends Fields>(
  shape: Shape<F>,
): Readonly<Record<string, unknown>> {
  if (shape.example === undefined) return {};
  const parsed: unknown = parse(shape.example);
  // Features show a name of their own in front: `age: { type: number }`.
  const first = Object.values(parsed ?? {}).find((value) => typeof value === "object");
  const body = findExample(parsed, shape.name) ?? first;
  if (typeof body === "object" && body !== null && !Array.isArray(body)) {
    return body as Record<string, unknown>;
  }
  return shape.primary === null || body === undefined ? {} : { [shape.primary]: body };
}

/** The value of a key, at any depth: examples show shapes where they are used. */
export function findExample(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  if (!Array.isArray(value) && Object.hasOwn(value, key)) {
    const found = (value as Record<string, unknown>)[key];
    return findExample(found, key) ?? found;
  }
  for (const inner of Object.values(value)) {
    const found = findExample(inner, key);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The schema with `${…}` accepted wherever a single value may stand. */
function withExpressions(schema: FieldSchema): EditorSchema {
  if (schema.anyOf !== undefined) {
    const branches = schema.anyOf.map(inner);
    return { ...schema, anyOf: [...branches, expression] };
  }
  const scalar = schema.enum !== undefined || isScalar(schema.type);
  if (!scalar) return inner(schema);
  const { description, default: fallback, examples, ...rest } = schema;
  const notes = {
    ...(description === undefined ? {} : { description }),
    ...(fallback === undefined ? {} : { default: fallback }),
    ...(examples === undefined ? {} : { examples }),
  };
  return { ...notes, anyOf: [rest, expression] };
}

/** Texts accept `${…}` as they are. */
const isScalar = (type: FieldSchema["type"]): boolean =>
  type === "integer" || type === "number" || type === "boolean";

/** Alternatives do not repeat the expression; items and properties may be one each. */
function inner(schema: FieldSchema): EditorSchema {
  const { items, properties, additionalProperties: others } = schema;
  return {
    ...schema,
    ...(items === undefined ? {} : { items: withExpressions(items) }),
    ...(properties === undefined
      ? {}
      : {
          properties: Object.fromEntries(
            Object.entries(properties).map(([key, value]) => [key, withExpressions(value)]),
          ),
        }),
    ...(typeof others === "object" ? { additionalProperties: withExpressions(others) } : {}),
  };
}
