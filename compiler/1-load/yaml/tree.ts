/** @file The YAML document as dlc reads it: three kinds of node, every key and value with its place. */
import { brief } from "../../diagnostics/visible.js";
import type { Span } from "../../ir/origin.js";

export type ScalarValue = string | number | boolean | null;

/** Where a value came from, for `dlc inspect --resolved`. */
export type ValueSource = "spec" | "base" | "param" | "command line";

export interface YamlScalar {
  readonly kind: "scalar";
  readonly value: ScalarValue;
  /** Written without quotes: only such scalars can be numbers, booleans or null. */
  readonly plain: boolean;
  readonly span: Span;
  readonly source: ValueSource;
  /** The `${…}` text that gave this value, where one did. */
  readonly expression?: string;
}

export interface YamlList {
  readonly kind: "list";
  readonly items: readonly YamlNode[];
  readonly span: Span;
}

export interface YamlEntry {
  readonly key: string;
  readonly keySpan: Span;
  readonly value: YamlNode;
}

export interface YamlMap {
  readonly kind: "map";
  readonly entries: ReadonlyMap<string, YamlEntry>;
  readonly span: Span;
}

export type YamlNode = YamlScalar | YamlList | YamlMap;

export type PlainValue =
  | ScalarValue
  | readonly PlainValue[]
  | { readonly [key: string]: PlainValue };

/** The values alone, as ajv and fields read them. Maps have no prototype. */
export function plainValue(node: YamlNode): PlainValue {
  if (node.kind === "scalar") return node.value;
  if (node.kind === "list") return node.items.map(plainValue);
  const map: Record<string, PlainValue> = Object.create(null);
  for (const entry of node.entries.values()) map[entry.key] = plainValue(entry.value);
  return map;
}

export type Path = readonly (string | number)[];

/** The node at a path, or null where the document ends before it. */
export function nodeAt(root: YamlNode, path: Path): YamlNode | null {
  let node: YamlNode | undefined = root;
  for (const step of path) {
    if (node?.kind === "map") node = node.entries.get(String(step))?.value;
    else if (node?.kind === "list") node = node.items[Number(step)];
    else return null;
  }
  return node ?? null;
}

/**
 * The range of the key or the value at a path. Where the path leaves the document, the range of the
 * deepest part that exists; list items and the root have no key: their value stands in.
 */
export function locate(root: YamlNode, path: Path, part: "key" | "value"): Span {
  let node = root;
  let key: Span | null = null;
  for (const step of path) {
    if (node.kind === "map") {
      const entry = node.entries.get(String(step));
      if (entry === undefined) break;
      key = entry.keySpan;
      node = entry.value;
    } else if (node.kind === "list") {
      const item: YamlNode | undefined = node.items[Number(step)];
      if (item === undefined) break;
      key = null;
      node = item;
    } else break;
  }
  return part === "key" ? (key ?? node.span) : node.span;
}

/** Stands as the `expression` of a scalar whose `${…}` has already been reported. */
export const poisoned = "${?}";

/** Does the node hold a value that is unknown because of a reported mistake? Checks then keep silent. */
export function isPoisoned(node: YamlNode): boolean {
  if (node.kind === "scalar") return node.expression === poisoned;
  if (node.kind === "list") return node.items.some(isPoisoned);
  return [...node.entries.values()].some(({ value }) => isPoisoned(value));
}

/** "a list", "the number 3": how messages name what was given. */
export function describeNode(node: YamlNode): string {
  if (node.kind === "list")
    return node.items.length === 0 ? "an empty list" : `a list of ${node.items.length}`;
  if (node.kind === "map") return node.entries.size === 0 ? "an empty map" : "a map";
  const via = node.expression === undefined ? "" : ` (from ${brief(node.expression)})`;
  return `${describeScalar(node.value)}${via}`;
}

function describeScalar(value: ScalarValue): string {
  if (value === null) return "empty";
  if (typeof value === "string") return `the text '${brief(value)}'`;
  return typeof value === "number" ? `the number ${value}` : String(value);
}
