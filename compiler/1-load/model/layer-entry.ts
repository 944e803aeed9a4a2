/** @file One item of a `layers` list: which layer it is, its name and its inputs, as written. */
import { didYouMean } from "../../diagnostics/fixes.js";
import { suggest } from "../../diagnostics/suggest.js";
import type { Span } from "../../ir/origin.js";
import { layers } from "../../layers/index.js";
import { reportWrongType } from "../check/wrong-type.js";
import { headOf, type LoadContext } from "../context.js";
import { isName, nameForm } from "../schema/kinds.js";
import { layerShapes, mainRole } from "../schema/layer-shapes.js";
import {
  describeNode,
  isPoisoned,
  type YamlEntry,
  type YamlMap,
  type YamlNode,
} from "../yaml/tree.js";

export interface Reference {
  readonly name: string;
  readonly span: Span;
}

export interface References {
  readonly list: readonly Reference[];
  /** Written as a list (not as one name). */
  readonly isList: boolean;
  /** Written as a map: what each of `list` is for. */
  readonly roles?: readonly string[];
  readonly span: Span;
}

export interface LayerEntry {
  /** A layer type, "block", "repeat", "use", "recurrent", or what was written in place of one. */
  readonly type: string;
  /** Is `type` none of these? It has been reported; the entry still has a name that others may read. */
  readonly unknown: boolean;
  readonly typeSpan: Span;
  readonly body: YamlNode | null;
  readonly as: Reference | null;
  readonly from: References | null;
  /** A `from` stands there, though it may have been refused. */
  readonly fromWritten: boolean;
  readonly span: Span;
}

const compositions = ["block", "repeat", "use", "recurrent"];
const beside = ["as", "from"];

const isType = (key: string): boolean => layerShapes.has(key) || compositions.includes(key);
const knownTypes = (): string[] => [...layerShapes.keys(), ...compositions];

/** Null after a diagnostic where the item is nothing like a layer. */
export function readLayerEntry(node: YamlNode, context: LoadContext): LayerEntry | null {
  if (node.kind === "map" && node.entries.size > 0) return readEntryMap(node, context);
  if (node.kind === "scalar" && typeof node.value === "string") {
    const unknown = !isType(node.value);
    if (unknown) reportUnknownLayer(node.value, node.span, context);
    return {
      type: node.value,
      unknown,
      typeSpan: node.span,
      body: null,
      as: null,
      from: null,
      fromWritten: false,
      span: node.span,
    };
  }
  if (!isPoisoned(node)) {
    context.diagnostics.report("wrong-form", headOf(node.span, context.sources), {
      what: "a layer",
      given: describeNode(node),
      form: "written as 'name', 'name: value' or 'name: { settings }'",
      about: "For example: dense: { units: 10 }.",
    });
  }
  return null;
}

function readEntryMap(map: YamlMap, context: LoadContext): LayerEntry | null {
  const others = [...map.entries.values()].filter(({ key }) => !beside.includes(key));
  const main = mainEntry(others, map, context);
  if (main === null) return null;
  const unknown = !isType(main.key);
  if (!unknown) reportOthers(main, others, context);
  return {
    type: main.key,
    unknown,
    typeSpan: main.keySpan,
    body: main.value,
    as: readAs(map.entries.get("as"), context),
    from: readFrom(map.entries.get("from"), main.key, context),
    fromWritten: map.entries.has("from"),
    span: map.span,
  };
}

/** The entry that names the layer; an unknown name is reported. */
function mainEntry(
  others: readonly YamlEntry[],
  map: YamlMap,
  context: LoadContext,
): YamlEntry | null {
  const known = others.find(({ key }) => isType(key));
  if (known !== undefined) return known;
  const byType = others.find(({ key }) => key === "type");
  if (byType !== undefined) {
    const type = byType.value.kind === "scalar" ? String(byType.value.value) : "dense";
    context.diagnostics.report("layer-by-type", byType.keySpan, { type });
    return byType;
  }
  const likely =
    others.find(({ key }) => didYouMean(key, knownTypes(), null, false).label) ?? others[0];
  if (likely === undefined) {
    const [first] = map.entries.values();
    context.diagnostics.report("layer-without-type", first?.keySpan ?? map.span, {});
    return null;
  }
  reportUnknownLayer(likely.key, likely.keySpan, context);
  return likely;
}

function reportUnknownLayer(name: string, span: Span, context: LoadContext): void {
  const known = knownTypes();
  context.diagnostics.report(
    "unknown-layer",
    headOf(span, context.sources),
    { name, known: known.join(", ") },
    didYouMean(name, known, span, true),
  );
}

function reportOthers(main: YamlEntry, others: readonly YamlEntry[], context: LoadContext): void {
  const fields = Object.keys(layerShapes.get(main.key)?.fields ?? {});
  for (const other of others) {
    if (other === main) continue;
    if (isType(other.key)) {
      context.diagnostics.report("several-layers", other.keySpan, {
        first: main.key,
        second: other.key,
      });
    } else if (fields.includes(other.key)) {
      context.diagnostics.report("key-beside-layer", other.keySpan, {
        key: other.key,
        layer: main.key,
      });
    } else {
      const known = beside.filter((key) => !others.some((o) => o.key === key));
      context.diagnostics.report(
        "unknown-key",
        other.keySpan,
        {
          key: other.key,
          owner: "a layer's entry",
          known: `the layer itself, ${beside.join(", ")}`,
        },
        suggest(other.key, known) === null
          ? didYouMean(other.key, fields, null, false)
          : didYouMean(other.key, known, other.keySpan, true),
      );
    }
  }
}

function readAs(entry: YamlEntry | undefined, context: LoadContext): Reference | null {
  if (entry === undefined || isPoisoned(entry.value)) return null;
  const { value } = entry;
  const name = value.kind === "scalar" && typeof value.value === "string" ? value.value : null;
  if (name !== null && isName(name)) {
    return { name, span: value.span };
  }
  context.diagnostics.report("wrong-form", headOf(value.span, context.sources), {
    what: "a layer's name",
    given: describeNode(value),
    form: nameForm,
    about: "'as' gives the layer a name that others can read from.",
  });
  return null;
}

function readFrom(
  entry: YamlEntry | undefined,
  type: string,
  context: LoadContext,
): References | null {
  const layer = layers.get(type);
  if (entry?.value.kind === "map" && layer?.roles !== undefined) {
    return readRoles(entry.value, type, [mainRole(layer), ...Object.keys(layer.roles)], context);
  }
  // Which roles a layer has is not known of one that is misspelt, which has been reported.
  if (entry?.value.kind === "map" && !isType(type)) return null;
  return entry === undefined ? null : readReferences(entry.value, context);
}

/** `from: { input: x, state: encoder.state }`; the main input is the first of `known`. */
function readRoles(
  map: YamlMap,
  type: string,
  known: readonly string[],
  context: LoadContext,
): References | null {
  const list: Reference[] = [];
  const roles: string[] = [];
  for (const { key, keySpan, value } of map.entries.values()) {
    if (!known.includes(key)) {
      const owner = `'from' of ${type}`;
      context.diagnostics.report(
        "unknown-key",
        keySpan,
        { key, owner, known: known.join(", ") },
        didYouMean(key, known, keySpan, true),
      );
      continue;
    }
    const found = readReferences(value, context);
    const [first] = found?.list ?? [];
    if (first === undefined) continue;
    if (found?.isList === true) {
      context.diagnostics.report("one-input", headOf(value.span, context.sources), {
        layer: `'${key}' of ${type}`,
        count: found.list.length,
      });
    }
    list.push(first);
    roles.push(key === known[0] ? "input" : key);
  }
  return { list, isList: false, roles, span: map.span };
}

/** A name or a list of names; null after a diagnostic. */
export function readReferences(node: YamlNode, context: LoadContext): References | null {
  const items = node.kind === "list" ? node.items : [node];
  const list: Reference[] = [];
  let sound = true;
  for (const item of items) {
    const name = item.kind === "scalar" ? item.value : null;
    if (typeof name === "string" && name !== "" && name.length <= 1000) {
      list.push({ name, span: item.span });
      continue;
    }
    sound = false;
    if (isPoisoned(item)) continue;
    reportWrongType(context, item, {
      what: "an input",
      wanted: "the name of a layer or feature",
      about: "Inputs are earlier layers, by the name that 'as' gives them, or features.",
    });
  }
  return sound ? { list, isList: node.kind === "list", span: node.span } : null;
}
