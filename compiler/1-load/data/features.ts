/** @file Reads features and targets: their kind, their fields, and the columns they come from. */

import type { FeatureSpec } from "@dlc/runtime";
import { didYouMean } from "../../diagnostics/fixes.js";
import { suggest } from "../../diagnostics/suggest.js";
import { brief } from "../../diagnostics/visible.js";
import type { Span } from "../../ir/origin.js";
import { type Checked, checkShape, isLiteral, type Owner } from "../check/check-shape.js";
import { reportWrongType } from "../check/wrong-type.js";
import { headOf, type LoadContext } from "../context.js";
import {
  type categoryShape,
  featureChoice,
  type imageShape,
  type numberShape,
  targetChoice,
  typeField,
} from "../schema/features.js";
import { isName, nameForm } from "../schema/kinds.js";
import type { Choice, Fields, Shape, ValuesOf } from "../schema/shape.js";
import { isPoisoned, type YamlEntry, type YamlMap, type YamlNode } from "../yaml/tree.js";
import { columnFor, type Draft, type Neighbours, type Role } from "./columns.js";
import type { SourceColumns } from "./source.js";
import { resolveSequence, resolveText } from "./steps.js";
import { resolveVector } from "./vector.js";

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
    reportWrongType(context, node, {
      what: `'${role}s'`,
      wanted: `a map from names to ${role}s`,
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
      given: `'${brief(key)}'`,
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
    reportWrongType(context, value, {
      what: owner.title,
      wanted: "a map such as { type: number } or the type alone",
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
  if (draft.type === "text") return resolveText(draft, column, neighbours.role, context);
  if (draft.type === "sequence") return resolveSequence(draft, column);
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
