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

export type Printable =
  | null
  | boolean
  | number
  | string
  | Code
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

/** Attribute names of ops are ours and stay unquoted; every other key is quoted. */
const plainKey = /^[a-z][A-Za-z0-9]*$/;

interface Style {
  /** Are the keys of objects ours (ops' attributes), so that they need no quotes? */
  readonly plainKeys: boolean;
}

function flat(value: Printable, style: Style): string {
  if (value instanceof Code) return value.text;
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number") return numberLiteral(value);
  if (typeof value === "string") return stringLiteral(value);
  if (Array.isArray(value)) return `[${value.map((item) => flat(item, style)).join(", ")}]`;
  const entries = Object.entries(value).map(([key, item]) => entry(key, flat(item, style), style));
  return entries.length === 0 ? "{}" : `{ ${entries.join(", ")} }`;
}

function entry(key: string, text: string, style: Style): string {
  if (!style.plainKeys) return `${propertyName(key)}: ${text}`;
  if (!plainKey.test(key)) throw new Error(`"${key}" is not a plain key`);
  return key === text ? key : `${key}: ${text}`;
}

const isScalar = (value: Printable): boolean =>
  value === null || typeof value !== "object" || value instanceof Code;

/** Items packed onto lines of at most `width` columns. */
function fill(items: readonly string[], indent: string, width: number): string[] {
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
export function print(
  value: Printable,
  { indent = "", used = 0, width = 100, plainKeys = false } = {},
): string {
  const style = { plainKeys };
  const short = flat(value, style);
  if (isScalar(value) || used + short.length <= width) return short;
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    const items = value as readonly Printable[];
    const lines = items.every(isScalar)
      ? fill(items.map((item) => flat(item, style)), inner, width)
      : items.map((item) => {
          const text = print(item, { indent: inner, used: inner.length + 1, width, plainKeys });
          return `${inner}${text},`;
        });
    return `[\n${lines.join("\n")}\n${indent}]`;
  }
  const entries = Object.entries(value as { readonly [key: string]: Printable });
  const lines = plainKeys
    ? fill(entries.map(([key, item]) => entry(key, flat(item, style), style)), inner, width)
    : entries.map(([key, item]) => {
        const taken = inner.length + propertyName(key).length + 3;
        const text = print(item, { indent: inner, used: taken, width, plainKeys });
        return `${inner}${entry(key, text, style)},`;
      });
  return `{\n${lines.join("\n")}\n${indent}}`;
}
