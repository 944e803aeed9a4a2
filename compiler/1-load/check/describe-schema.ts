/** @file What a schema accepts, in words: "a whole number ≥ 1", "a list of 2 numbers". */
import type { FieldSchema } from "../../layers/fields.js";

/** With article; `plural` for the items of a list. */
export function describeSchema(schema: FieldSchema, plural = false): string {
  if (schema.anyOf !== undefined) {
    return [...new Set(schema.anyOf.map((s) => describeSchema(s, plural)))].join(", or ");
  }
  if (schema.enum !== undefined) {
    const words = schema.enum.map(String);
    return words.length === 1 ? `${words[0]}` : `${plural ? "any" : "one"} of ${words.join(", ")}`;
  }
  const types = Array.isArray(schema.type)
    ? (schema.type as string[])
    : [String(schema.type ?? "")];
  return types.map((type) => describeType(type, schema, plural)).join(" or ");
}

function describeType(type: string, schema: FieldSchema, plural: boolean): string {
  const article = (singular: string, many: string): string => (plural ? many : `a ${singular}`);
  if (type === "integer") return article("whole number", "whole numbers") + describeRange(schema);
  if (type === "number") return article("number", "numbers") + describeRange(schema);
  if (type === "boolean") return "true or false";
  if (type === "string") return article("text", "texts") + describeLength(schema);
  if (type === "null") return "null";
  if (type === "array") return article("list", "lists") + describeItems(schema);
  if (type === "object") return article("map", "maps") + describeProperties(schema);
  return "a value";
}

function describeRange(schema: FieldSchema): string {
  const parts = [
    schema.minimum === undefined ? "" : `≥ ${schema.minimum}`,
    schema.exclusiveMinimum === undefined ? "" : `> ${schema.exclusiveMinimum}`,
    schema.maximum === undefined ? "" : `≤ ${schema.maximum}`,
    schema.exclusiveMaximum === undefined ? "" : `< ${schema.exclusiveMaximum}`,
  ].filter((part) => part !== "");
  return parts.length === 0 ? "" : ` ${parts.join(" and ")}`;
}

function describeLength(schema: FieldSchema): string {
  if (schema.maxLength === 1) return " of one character";
  return "";
}

function describeItems(schema: FieldSchema): string {
  const items = schema.items === undefined ? "" : ` ${describeSchema(schema.items, true)}`;
  const { minItems, maxItems } = schema;
  if (minItems !== undefined && minItems === maxItems) return ` of ${minItems}${items}`;
  if (minItems !== undefined && minItems > 1) return ` of at least ${minItems}${items}`;
  const least = minItems === 1 ? ", at least one" : "";
  return items === "" ? "" : ` of${items}${least}`;
}

function describeProperties(schema: FieldSchema): string {
  const keys = Object.keys(schema.properties ?? {});
  return keys.length === 0
    ? ""
    : ` with ${schema.maxProperties === 1 ? "one of " : ""}${keys.join(", ")}`;
}
