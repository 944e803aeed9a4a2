/** @file Checks one map of the spec against its shape: findings become diagnostics, values get defaults. */
import { didYouMean } from "../../diagnostics/fixes.js";
import { suggest } from "../../diagnostics/suggest.js";
import type { Span } from "../../ir/origin.js";
import type { Field, FieldSchema, FieldValues } from "../../layers/fields.js";
import { headOf, type LoadContext } from "../context.js";
import { modelNamePattern } from "../schema/kinds.js";
import { type Fields, isNested, type Shape, shapeSchema } from "../schema/shape.js";
import {
  describeNode,
  isPoisoned,
  locate,
  nodeAt,
  type PlainValue,
  plainValue,
  type YamlMap,
  type YamlNode,
} from "../yaml/tree.js";
import { describeSchema } from "./describe-schema.js";
import { type Finding, validate } from "./validate.js";

export interface Owner {
  /** As messages name it: "dense layer 'head'", "train". */
  readonly title: string;
  /** Where a missing key is reported: the owner's own key. */
  readonly span: Span;
  /** Prefix of the origins' paths: "model.layers.head"; empty at the top. */
  readonly path: string;
}

/** Values by field name, as YAML nodes. */
export type FieldNodes = ReadonlyMap<string, YamlNode>;

export interface Checked<F extends Fields> {
  readonly ok: boolean;
  /** With defaults. While `ok` is false, wrong fields hold their default, wrong required ones undefined. */
  readonly values: FieldValues<F>;
  /** Places of the values that were written. */
  readonly spans: Readonly<Record<string, Span>>;
  /** What was written for each field, nested ones included. */
  readonly nodes: FieldNodes;
}

const schemas = new WeakMap<object, ReturnType<typeof shapeSchema>>();

function schemaOf(shape: Shape): ReturnType<typeof shapeSchema> {
  const known = schemas.get(shape.fields);
  if (known !== undefined) return known;
  const schema = shapeSchema(shape);
  schemas.set(shape.fields, schema);
  return schema;
}

/** `map` null: nothing was written. `primary`: the value that stood in place of a map. */
export function checkShape<F extends Fields>(
  map: YamlMap | null,
  shape: Shape<F>,
  owner: Owner,
  context: LoadContext,
  primary: YamlNode | null = null,
): Checked<F> {
  const nodes = new Map<string, YamlNode>();
  for (const entry of map?.entries.values() ?? []) nodes.set(entry.key, entry.value);
  if (primary !== null && shape.primary !== null) nodes.set(shape.primary, primary);
  const value: Record<string, PlainValue> = Object.create(null);
  const wrong = new Set<string>();
  for (const [name, node] of nodes) {
    if (isPoisoned(node)) wrong.add(name);
    else value[name] = plainValue(node);
  }
  const schema = schemaOf(shape as unknown as Shape);
  const findings = withoutRenamed(validate(schema, value), Object.keys(shape.fields), nodes);
  for (const finding of findings) {
    if (context.diagnostics.isFull) break;
    wrong.add(finding.path[0] ?? ("key" in finding ? finding.key : ""));
    reportFinding(finding, { shape: shape as unknown as Shape, owner, map, nodes }, context);
  }
  const { values, spans } = fill(shape as unknown as Shape, nodes, wrong, owner, context);
  return {
    ok: wrong.size === 0 && findings.length === 0,
    values: values as FieldValues<F>,
    spans,
    nodes,
  };
}

/** A missing key whose misspelling is there is one mistake: the misspelling. */
function withoutRenamed(
  findings: readonly Finding[],
  known: readonly string[],
  nodes: FieldNodes,
): readonly Finding[] {
  const place = (path: readonly string[], key: string): string => JSON.stringify([...path, key]);
  const meant = new Set(
    findings.flatMap((f) => {
      if (f.kind !== "unknown") return [];
      const words = f.path.length > 0 ? Object.keys(f.schema.properties ?? {}) : free(known, nodes);
      return [place(f.path, suggest(f.key, words)?.word ?? "")];
    }),
  );
  return findings.filter((f) => {
    if (f.kind !== "missing") return true;
    return !meant.has(place(f.path, f.key)) && !(f.path.length === 0 && nodes.has(f.key));
  });
}

/** Does a key stand there that is probably a misspelling of this one? Then that has been reported. */
export const isMisspelt = (key: string, known: object, nodes: FieldNodes): boolean =>
  [...nodes.keys()].some((word) => !Object.hasOwn(known, word) && suggest(word, [key]) !== null);

const free = (known: readonly string[], nodes: FieldNodes): string[] =>
  known.filter((name) => !nodes.has(name));

function fill(
  shape: Shape,
  nodes: FieldNodes,
  wrong: ReadonlySet<string>,
  owner: Owner,
  context: LoadContext,
): { values: Record<string, unknown>; spans: Record<string, Span> } {
  const values: Record<string, unknown> = {};
  const spans: Record<string, Span> = {};
  for (const [name, field] of Object.entries(shape.fields)) {
    const node = nodes.get(name);
    if (node !== undefined) spans[name] = node.span;
    const usable = node !== undefined && !wrong.has(name);
    values[name] = usable ? field.resolve(plainValue(node)) : field.default;
    if (isNested(field)) continue;
    const path = owner.path === "" ? name : `${owner.path}.${name}`;
    if (usable) context.record(path, values[name], node);
    else if (node === undefined && field.default !== undefined) {
      context.recordDefault(path, field.default);
    }
  }
  return { values, spans };
}

interface Place {
  readonly shape: Shape;
  readonly owner: Owner;
  readonly map: YamlMap | null;
  readonly nodes: FieldNodes;
}

function reportFinding(finding: Finding, place: Place, context: LoadContext): void {
  if (finding.kind === "unknown") reportUnknown(finding, place, context);
  else if (finding.kind === "missing") reportMissing(finding, place, context);
  else {
    const [first = "", ...rest] = finding.path;
    const top = place.nodes.get(first);
    const node = top === undefined ? null : nodeAt(top, rest);
    if (node === null) return;
    const about = place.shape.fields[first]?.description ?? "";
    const what = describePlace(finding.path, place);
    reportWrongValue(finding.kind, { what, node, schema: finding.schema, about }, context);
  }
}

function describePlace(path: readonly string[], { shape, owner }: Place): string {
  const inside = path
    .slice(1)
    .map((step) => (/^\d+$/.test(step) ? `item ${Number(step) + 1} of ` : `'${step}' in `))
    .reverse()
    .join("");
  const [first = ""] = path;
  const primary = shape.primary === first && path.length === 1 ? "" : inside;
  return `${primary}'${first}' of ${owner.title}`;
}

/** Reports a value that its schema refuses. */
export function reportWrongValue(
  kind: "type" | "range" | "value" | "form",
  value: { what: string; node: YamlNode; schema: FieldSchema; about: string },
  context: LoadContext,
): void {
  const { what, node, schema, about } = value;
  const span = headOf(node.span, context.sources);
  const given = describeNode(node);
  if (kind === "value" && schema.enum !== undefined) {
    const values = schema.enum.map(String);
    const word = node.kind === "scalar" ? String(node.value) : "";
    context.diagnostics.report(
      "unknown-value",
      span,
      { word, what, values: values.join(", ") },
      didYouMean(word, values, node.span, isLiteral(node)),
    );
    return;
  }
  const wanted = describeSchema(schema);
  if (kind === "range") {
    context.diagnostics.report("out-of-range", span, { what, wanted, given, about });
  } else if (kind === "form") {
    context.diagnostics.report("wrong-form", span, {
      what,
      given,
      form: describeForm(schema, node.kind === "scalar" ? String(node.value) : ""),
      about,
    });
  } else {
    context.diagnostics.report("wrong-type", span, { what, wanted, given, about });
  }
}

const isModelWord = /^[a-z][a-z0-9-]*$/;

/** Written in the text as such: not through `${…}`, so that replacing it there is a fix. */
export const isLiteral = (node: YamlNode): boolean =>
  node.kind === "scalar" && node.expression === undefined && node.source !== "command line";

function describeForm(schema: FieldSchema, word: string): string {
  const { maxLength } = schema;
  if (schema.pattern !== undefined && maxLength !== undefined && word.length > maxLength) {
    return `at most ${maxLength} characters long (not ${word.length})`;
  }
  if (schema.pattern === modelNamePattern) {
    return isModelWord.test(word)
      ? "another name than those that Windows keeps for devices"
      : "small letters, digits and hyphens, beginning with a letter";
  }
  if (schema.pattern !== undefined) {
    return "letters, digits, '_' and '-', beginning with a letter";
  }
  if (schema.minLength !== undefined && schema.maxLength === 1) return "exactly one character";
  if (schema.maxLength !== undefined) return `1 to ${schema.maxLength} characters`;
  if (schema.maxProperties === 1) return "exactly one key";
  return describeSchema(schema);
}

function reportUnknown(
  finding: Extract<Finding, { kind: "unknown" }>,
  { shape, owner, map, nodes }: Place,
  context: LoadContext,
): void {
  const top = finding.path.length === 0;
  const known = top ? Object.keys(shape.fields) : Object.keys(finding.schema.properties ?? {});
  const taken: FieldNodes = top ? nodes : new Map();
  const title = top ? owner.title : `'${finding.path.join(".")}' of ${owner.title}`;
  const span = map === null ? owner.span : locate(map, [...finding.path, finding.key], "key");
  context.diagnostics.report(
    "unknown-key",
    span,
    { key: finding.key, owner: title, known: known.length === 0 ? "none" : known.join(", ") },
    didYouMean(finding.key, free(known, taken), span, true),
  );
}

function reportMissing(
  finding: Extract<Finding, { kind: "missing" }>,
  { shape, owner, nodes }: Place,
  context: LoadContext,
): void {
  const field: Field<unknown> | undefined =
    finding.path.length === 0 ? shape.fields[finding.key] : undefined;
  const [first = ""] = finding.path;
  const inside = finding.path.length === 0 ? "" : `'${finding.path.join(".")}' of `;
  const span = nodes.get(first)?.span ?? owner.span;
  context.diagnostics.report("missing-key", headOf(span, context.sources), {
    key: finding.key,
    owner: `${inside}${owner.title}`,
    about: field?.description ?? `Add '${finding.key}: …'.`,
  });
}
