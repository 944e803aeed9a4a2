/**
 * @file Values as TypeScript source text. The only way in which a string from a spec reaches
 * generated code is as a quoted literal made here; anything unquoted must be `Code`.
 */
import type { Identifier } from "./name-scope.js";

/** Source text that is printed as it stands. Made from identifiers and arithmetic on them only. */
export class Code {
  readonly text: string;
  private constructor(text: string) {
    this.text = text;
  }
  static of(identifier: Identifier): Code {
    return new Code(identifier);
  }
  /** `784 * n` */
  static times(factor: number, identifier: Identifier): Code {
    return new Code(factor === 1 ? identifier : `${numberLiteral(factor)} * ${identifier}`);
  }
}

/** An object whose keys are words of ours (attributes, fields), and so need no quotes. */
export class Fields {
  readonly entries: readonly (readonly [string, Printable])[];
  /** Several to a line where it is too long for one. */
  readonly packed: boolean;
  constructor(entries: readonly (readonly [string, Printable])[], packed = false) {
    for (const [key] of entries)
      if (!isPlainKey(key)) throw new Error(`"${key}" is not a plain key`);
    this.entries = entries;
    this.packed = packed;
  }
}

export const isPlainKey = (key: string): boolean => /^[a-z][A-Za-z0-9_]*$/.test(key);

export type Printable =
  | null
  | boolean
  | number
  | string
  | Code
  | Fields
  | readonly Printable[]
  | { readonly [key: string]: Printable };

/**
 * Control, format (bidirectional marks, zero width, tags) and separator characters; and what ends a
 * comment, a template, a script element or names a source map, in case the text is ever embedded.
 */
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}`]|\$(?=\{)|<(?=[/!])|\*(?=\/)|\/(?=[/*])/gu;

const escapeUnits = (text: string): string =>
  Array.from(
    { length: text.length },
    (_, i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, "0")}`,
  ).join("");

/** A double-quoted literal, safe in scripts, comments, templates and HTML, and plain to read. */
export function stringLiteral(text: string): string {
  return JSON.stringify(text).replace(unsafe, escapeUnits);
}

/** A quoted property name. `"__proto__"` is computed, since it would set the prototype otherwise. */
export function propertyName(key: string): string {
  return key === "__proto__" ? '["__proto__"]' : stringLiteral(key);
}

export function numberLiteral(value: number): string {
  if (Number.isNaN(value)) return "Number.NaN";
  if (value === Number.POSITIVE_INFINITY) return "Number.POSITIVE_INFINITY";
  if (value === Number.NEGATIVE_INFINITY) return "Number.NEGATIVE_INFINITY";
  return Object.is(value, -0) ? "-0" : String(value);
}

const isScalar = (value: Printable): boolean =>
  value === null || typeof value !== "object" || value instanceof Code;

/** The entries of an object with their keys as printed. */
const entriesOf = (
  value: Fields | { readonly [key: string]: Printable },
): readonly (readonly [string, Printable])[] =>
  value instanceof Fields
    ? value.entries
    : Object.entries(value).map(([key, item]) => [propertyName(key), item]);

function flat(value: Printable): string {
  if (value instanceof Code) return value.text;
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number") return numberLiteral(value);
  if (typeof value === "string") return stringLiteral(value);
  if (Array.isArray(value)) return `[${value.map(flat).join(", ")}]`;
  const entries = entriesOf(value as Fields).map(([key, item]) => `${key}: ${flat(item)}`);
  return entries.length === 0 ? "{}" : `{ ${entries.join(", ")} }`;
}

/** Items packed onto lines of at most `width` columns, each followed by a comma. */
export function fill(items: readonly string[], indent: string, width = 100): string[] {
  const lines: string[] = [];
  let line = "";
  for (const item of items) {
    const longer = line === "" ? `${indent}${item},` : `${line} ${item},`;
    if (longer.length > width && line !== "") {
      lines.push(line);
      line = `${indent}${item},`;
    } else line = longer;
  }
  if (line !== "") lines.push(line);
  return lines;
}

/**
 * Source text of a value, broken over lines where it does not fit.
 * `used`: columns already taken on the first line and by what follows.
 */
export function print(value: Printable, { indent = "", used = 0, width = 100 } = {}): string {
  const short = flat(value);
  if (isScalar(value) || used + short.length <= width) return short;
  const inner = `${indent}  `;
  /** One item on lines of its own; `key` stands before it. */
  const broken = (item: Printable, key: string | null): string => {
    const used = inner.length + 1 + (key === null ? 0 : key.length + 2);
    const text = print(item, { indent: inner, used, width });
    return `${inner}${key === null ? text : `${key}: ${text}`},`;
  };
  if (Array.isArray(value)) {
    const items = value as readonly Printable[];
    const lines = items.every(isScalar)
      ? fill(items.map(flat), inner, width)
      : items.map((item) => broken(item, null));
    return `[\n${lines.join("\n")}\n${indent}]`;
  }
  const entries = entriesOf(value as Fields);
  const lines =
    value instanceof Fields && value.packed
      ? fill(
          entries.map(([key, item]) => `${key}: ${flat(item)}`),
          inner,
          width,
        )
      : entries.map(([key, item]) => broken(item, key));
  return `{\n${lines.join("\n")}\n${indent}}`;
}
