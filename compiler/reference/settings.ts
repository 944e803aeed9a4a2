/** @file What the pages of the reference share: tables of settings, examples, cells. */
import { describeSchema } from "../1-load/check/describe-schema.js";
import { type EditorSchema, isNested, type Shape } from "../1-load/schema/shape.js";
import type { Field, FieldSchema } from "../layers/fields.js";

/** Where the content of a nested setting is described: link by the name of its definition. */
export type Links = (definition: string) => string;

/** One that takes a single value says nothing: `arrays: true`. */
const isSetting = ({ schema }: Field<unknown>): boolean => schema.enum?.length !== 1;

export const hasSettings = ({ fields }: Shape): boolean => Object.values(fields).some(isSetting);

export interface Setting {
  readonly name: string;
  /** What it accepts, in words. */
  readonly values: string;
  /** As one would write it; null: unset or empty; undefined: the setting is required. */
  readonly fallback: string | null | undefined;
  readonly meaning: string;
}

export const settingsOf = (fields: Shape["fields"], links: Links): readonly Setting[] =>
  Object.entries(fields)
    .filter(([, field]) => isSetting(field))
    .map(([name, field]) => ({
      name,
      values: describeValues(isNested(field) ? field.editor() : { ...field.schema }, links),
      fallback: field.default === undefined ? undefined : shown(field.default),
      meaning: field.description,
    }));

/** The table of settings; nothing where there are none. */
export function settingsTable(fields: Shape["fields"], links: Links): string[] {
  const settings = settingsOf(fields, links);
  if (settings.length === 0) return [];
  return [
    "| setting | values | default | meaning |",
    "| - | - | - | - |",
    ...settings.map(row),
    "",
  ];
}

function row({ name, values, fallback, meaning }: Setting): string {
  const last = fallback === undefined ? "required" : fallback === null ? "" : `\`${fallback}\``;
  return `| \`${name}\` | ${cell(values)} | ${cell(last)} | ${cell(meaning)} |`;
}

function shown(value: unknown): string | null {
  if (value === null || (typeof value === "object" && Object.keys(value).length === 0)) return null;
  if (typeof value === "object" && "kind" in value) return String(value.kind);
  return JSON.stringify(value).replaceAll('"', "");
}

/** What a setting holds; `plural` for the items of a list or map. */
function describeValues(schema: EditorSchema, links: Links, plural = false): string {
  const { $ref, type, items, additionalProperties: others, properties } = schema;
  if (typeof $ref === "string") return links($ref.replace("#/definitions/", ""));
  if (type === "array" && Object(items).$ref !== undefined) {
    return `${plural ? "lists" : "a list"}: ${describeValues(items as EditorSchema, links, true)}`;
  }
  if (type === "object" && properties === undefined && typeof others === "object") {
    const inner = describeValues(others as EditorSchema, links, true);
    return `${plural ? "maps" : "a map"} by name: ${inner}`;
  }
  return describeSchema(schema as FieldSchema, plural);
}

export const yamlBlock = (text: string): string[] => ["```yaml", text, "```", ""];

/** Text in a table; <end> is no HTML. */
export const cell = (text: string): string =>
  text
    .replaceAll("|", "\\|")
    .replaceAll("\n", " ")
    .replace(/<(?=[a-z])/g, "\\<");
