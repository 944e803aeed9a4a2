/** @file Reads features and targets: their kind, their fields, and the columns they come from. */
import type { FeatureSpec } from "@dlc/runtime";
import { didYouMean } from "../../diagnostics/fixes.js";
import { suggest } from "../../diagnostics/suggest.js";
import type { Span } from "../../ir/origin.js";
import { type Checked, checkShape, isLiteral, type Owner } from "../check/check-shape.js";
import { headOf, type LoadContext } from "../context.js";
import {
  type ColumnRange,
  type categoryShape,
  featureChoice,
  type imageShape,
  type numberShape,
  targetChoice,
  typeField,
  type vectorShape,
} from "../schema/features.js";
import { isName, nameForm } from "../schema/kinds.js";
import type { Choice, Fields, Shape, ValuesOf } from "../schema/shape.js";
import {
  describeNode,
  isPoisoned,
  type YamlEntry,
  type YamlMap,
  type YamlNode,
} from "../yaml/tree.js";
import type { SourceColumns } from "./source.js";

export type Role = "feature" | "target";

/** A feature whose fields are checked; its column is resolved when all are known. */
interface Draft {
  readonly name: string;
  readonly span: Span;
  readonly type: string;
  readonly checked: Checked<Fields>;
}

export interface ReadFeatures {
  readonly specs: Readonly<Record<string, FeatureSpec>>;
  /** Of every entry, sound or not: so that references to it are not reported as unknown. */
  readonly spans: ReadonlyMap<string, Span>;
  readonly keys: ReadonlyMap<string, Span>;
}

/** All shapes with the field `type` in front; alone it stands for `{ type: … }`. */
const typedShapes = new Map<Choice, ReadonlyMap<string, Shape>>(
  [featureChoice, targetChoice].map((choice) => {
    const kinds = [...choice.shapes.keys()];
    const typed = [...choice.shapes].map(([name, shape]): [string, Shape] => [
      name,
      { ...shape, primary: "type", fields: { type: typeField(kinds), ...shape.fields } },
    ]);
    return [choice, new Map(typed)];
  }),
);

export function readFeatures(
  node: YamlNode | undefined,
  role: Role,
  columns: SourceColumns | null,
  context: LoadContext,
): ReadFeatures {
  const spans = new Map<string, Span>();
  const keys = new Map<string, Span>();
  const nothing: ReadFeatures = { specs: {}, spans, keys };
  if (node === undefined) return nothing;
  if (node.kind !== "map" || (role === "feature" && node.entries.size === 0)) {
    if (isPoisoned(node)) return nothing;
    context.diagnostics.report("wrong-type", headOf(node.span, context.sources), {
      what: `'${role}s'`,
      wanted: `a map from names to ${role}s`,
      given: describeNode(node),
      about: "For example: { image: { type: image, shape: [28, 28, 1] } }.",
    });
    return nothing;
  }
  const drafts: Draft[] = [];
  for (const entry of node.entries.values()) {
    keys.set(entry.key, entry.keySpan);
    spans.set(entry.key, {
      ...entry.keySpan,
      end: Math.max(entry.keySpan.end, entry.value.span.end),
    });
    const draft = readDraft(entry, role, context);
    if (draft !== null) drafts.push(draft);
  }
  const specs: Record<string, FeatureSpec> = {};
  for (const draft of drafts) {
    const others = { drafts, columns, role };
    const spec = resolveFeature(draft, others, context);
    if (spec !== null) specs[draft.name] = spec;
  }
  return { specs, spans, keys };
}

function readDraft(
  { key, keySpan, value }: YamlEntry,
  role: Role,
  context: LoadContext,
): Draft | null {
  if (!isName(key)) {
    context.diagnostics.report("wrong-form", keySpan, {
      what: `the ${role}'s name`,
      given: `'${key}'`,
      form: nameForm,
      about: "A column of another name is given with 'column:'.",
    });
    return null;
  }
  const choice = role === "feature" ? featureChoice : targetChoice;
  const owner: Owner = { title: `${role} '${key}'`, span: keySpan, path: `data.${role}s.${key}` };
  if (isPoisoned(value)) return null;
  if (value.kind === "scalar" && typeof value.value === "string") {
    const shape = shapeFor(value, choice, owner, context);
    if (shape === null) return null;
    const checked = checkShape(null, shape, owner, context, value);
    return draftOf(key, value.value, checked, keySpan, value);
  }
  if (value.kind !== "map") {
    context.diagnostics.report("wrong-type", headOf(value.span, context.sources), {
      what: owner.title,
      wanted: "a map such as { type: number } or the type alone",
      given: describeNode(value),
      about: `Types: ${[...choice.shapes.keys()].join(", ")}.`,
    });
    return null;
  }
  return readMap(key, keySpan, value, { choice, owner }, context);
}

function readMap(
  key: string,
  keySpan: Span,
  map: YamlMap,
  { choice, owner }: { choice: Choice; owner: Owner },
  context: LoadContext,
): Draft | null {
  const type = map.entries.get("type")?.value;
  if (type === undefined) {
    const misspelt = [...map.entries.values()].find((e) => suggest(e.key, ["type"]) !== null);
    if (misspelt !== undefined) {
      context.diagnostics.report(
        "unknown-key",
        misspelt.keySpan,
        { key: misspelt.key, owner: owner.title, known: "type, and those of the type" },
        didYouMean(misspelt.key, ["type"], misspelt.keySpan, true),
      );
      return null;
    }
    context.diagnostics.report("missing-key", keySpan, {
      key: "type",
      owner: owner.title,
      about: `Types: ${[...choice.shapes.keys()].join(", ")}.`,
    });
    return null;
  }
  const shape = shapeFor(type, choice, owner, context);
  if (shape === null) return null;
  return draftOf(key, shape.name, checkShape(map, shape, owner, context), keySpan, map);
}

function draftOf(
  name: string,
  type: string,
  checked: Checked<Fields>,
  keySpan: Span,
  value: YamlNode,
): Draft | null {
  if (!checked.ok) return null;
  const span = { ...keySpan, end: Math.max(keySpan.end, value.span.end) };
  return { name, type, checked, span };
}

function shapeFor(
  type: YamlNode,
  choice: Choice,
  owner: Owner,
  context: LoadContext,
): Shape | null {
  const word = type.kind === "scalar" ? String(type.value) : "";
  const shape = typedShapes.get(choice)?.get(word);
  if (shape !== undefined) return shape;
  if (isPoisoned(type)) return null;
  const known = [...choice.shapes.keys()];
  context.diagnostics.report(
    "unknown-value",
    headOf(type.span, context.sources),
    { word, what: `'type' of ${owner.title}`, values: known.join(", ") },
    didYouMean(word, known, type.span, isLiteral(type)),
  );
  return null;
}

interface Neighbours {
  readonly drafts: readonly Draft[];
  readonly columns: SourceColumns | null;
  readonly role: Role;
}

function resolveFeature(
  draft: Draft,
  neighbours: Neighbours,
  context: LoadContext,
): FeatureSpec | null {
  if (draft.type === "vector") return resolveVector(draft, neighbours, context);
  const column = columnFor(draft, neighbours, context);
  if (column === null) return null;
  const { values } = draft.checked;
  if (draft.type === "image") {
    const { shape, scale, resize } = values as ValuesOf<typeof imageShape>;
    return { type: "image", column, shape, scale, resize };
  }
  if (draft.type === "number") {
    const { scale } = values as ValuesOf<typeof numberShape>;
    return { type: "number", column, scale };
  }
  const { classes, encode = "index" } = values as Partial<ValuesOf<typeof categoryShape>>;
  if (classes && !distinct(classes, draft, context)) return null;
  return { type: "category", column, classes: classes ?? null, encode };
}

function distinct(classes: readonly string[], draft: Draft, context: LoadContext): boolean {
  const node = draft.checked.nodes.get("classes");
  const twice = classes.findIndex((name, i) => classes.indexOf(name) !== i);
  if (twice < 0) return true;
  const items = node?.kind === "list" ? node.items : [];
  const first = items[classes.indexOf(classes[twice] ?? "")];
  context.diagnostics.report(
    "duplicate-class",
    items[twice]?.span ?? draft.span,
    { name: classes[twice] ?? "", feature: draft.name },
    { notes: first === undefined ? [] : [{ message: "it stands here first", span: first.span }] },
  );
  return false;
}

function resolveVector(
  draft: Draft,
  neighbours: Neighbours,
  context: LoadContext,
): FeatureSpec | null {
  const values = draft.checked.values as ValuesOf<typeof vectorShape>;
  const { columns: written, shape, scale } = values;
  if (written === null) {
    const column = columnFor(draft, neighbours, context);
    if (column === null) return null;
    if (shape === null) {
      context.diagnostics.report("missing-key", headOf(draft.span, context.sources), {
        key: "shape",
        owner: `vector '${draft.name}'`,
        about:
          "Give 'shape' for one column of arrays, or 'columns' for several columns of numbers.",
      });
      return null;
    }
    return { type: "vector", columns: [column], shape, scale };
  }
  const span = draft.checked.spans.columns ?? draft.span;
  if (draft.checked.nodes.has("column")) {
    context.diagnostics.report("one-of-two", span, {
      owner: `vector '${draft.name}'`,
      first: "column",
      second: "columns",
      found: "both are given",
    });
    return null;
  }
  const columns = isRange(written) ? numbered(written, span, context) : written;
  if (columns === null || !columns.every((c) => isColumn(c, draft, neighbours, span, context))) {
    return null;
  }
  const size = (shape ?? [columns.length]).reduce((product, n) => product * n, 1);
  if (columns.length > 1 && size !== columns.length) {
    context.diagnostics.report("vector-size", draft.checked.spans.shape ?? span, {
      feature: draft.name,
      size,
      count: columns.length,
    });
    return null;
  }
  if (columns.length === 1 && shape === null) return { type: "vector", columns, shape: [1], scale };
  return { type: "vector", columns, shape: shape ?? [columns.length], scale };
}

const isRange = (columns: readonly string[] | ColumnRange): columns is ColumnRange =>
  "from" in columns;

/** Most columns that `from`/`to` may stand for. */
const mostColumns = 100_000;

/** `p0` to `p63`: the same words around a number; leading zeros stay (`x01` … `x10`). */
function numbered(range: ColumnRange, span: Span, context: LoadContext): readonly string[] | null {
  const from = splitNumber(range.from);
  const to = splitNumber(range.to);
  const fits =
    from !== null &&
    to !== null &&
    from.stem === to.stem &&
    from.number <= to.number &&
    to.number - from.number < mostColumns;
  if (!fits) {
    context.diagnostics.report("column-range", headOf(span, context.sources), {
      from: range.from,
      to: range.to,
    });
    return null;
  }
  const width = from.digits.startsWith("0") ? from.digits.length : 0;
  return Array.from(
    { length: to.number - from.number + 1 },
    (_, i) => from.stem + String(from.number + i).padStart(width, "0"),
  );
}

function splitNumber(name: string): { stem: string; digits: string; number: number } | null {
  const digits = /\d{1,9}$/.exec(name)?.[0];
  if (digits === undefined) return null;
  return { stem: name.slice(0, -digits.length), digits, number: Number(digits) };
}

/** The column as written, else the default: the feature's name, or the source's main column. */
function columnFor(draft: Draft, neighbours: Neighbours, context: LoadContext): string | null {
  const written = (draft.checked.values as { column?: string | null }).column ?? null;
  if (written !== null) {
    const span = draft.checked.spans.column ?? draft.span;
    return isColumn(written, draft, neighbours, span, context) ? written : null;
  }
  const { columns, drafts, role } = neighbours;
  if (columns === null || columns.names === null || columns.names.includes(draft.name)) {
    return draft.name;
  }
  const alike = drafts.filter(({ type }) => type === draft.type);
  const only = drafts.length === 1 || (draft.type === "image" && alike.length === 1);
  const standard = role === "feature" ? columns.main : columns.label;
  if (only && standard !== null) return standard;
  context.diagnostics.report("column-not-in-source", headOf(draft.span, context.sources), {
    name: draft.name,
    owner: `${role} '${draft.name}'`,
    known: columns.names.join(", "),
  });
  return null;
}

function isColumn(
  name: string,
  draft: Draft,
  { columns, role }: Neighbours,
  span: Span,
  context: LoadContext,
): boolean {
  const names = columns?.names ?? null;
  if (names === null || names.includes(name)) return true;
  const list = draft.checked.nodes.get("columns");
  const item =
    list?.kind === "list"
      ? list.items.find((i) => i.kind === "scalar" && i.value === name)
      : undefined;
  const at = item?.span ?? span;
  const literal = item !== undefined || context.sources.slice(at).includes(name);
  context.diagnostics.report(
    "column-not-in-source",
    headOf(at, context.sources),
    { name, owner: `${role} '${draft.name}'`, known: names.join(", ") },
    didYouMean(name, names, at, literal),
  );
  return false;
}
