/** @file Reads the `data` section. */
import type { DataSpec, SourceSpec, SplitSpec } from "@dlc/runtime";
import { didYouMean } from "../../diagnostics/fixes.js";
import { suggest } from "../../diagnostics/suggest.js";
import type { Span } from "../../ir/origin.js";
import { checkShape, type Owner, reportWrongValue } from "../check/check-shape.js";
import { reportWrongType } from "../check/wrong-type.js";
import { headOf, type LoadContext } from "../context.js";
import { dataShape, rowsSchema } from "../schema/data.js";
import { splitShape } from "../schema/sources.js";
import { isPoisoned, type YamlMap, type YamlNode } from "../yaml/tree.js";
import { readFeatures } from "./features.js";
import { columnsOf, readSource } from "./source.js";

export interface ReadData {
  /** Null where something is wrong. */
  readonly data: DataSpec | null;
  readonly features: ReadonlyMap<string, Span>;
  readonly targets: ReadonlyMap<string, Span>;
  /** What could be read: enough for checks of what refers to it. */
  readonly known: Pick<DataSpec, "features" | "targets">;
  /** Are `features` and `targets` complete? */
  readonly isKnown: boolean;
}

export function readData(node: YamlNode, keySpan: Span, context: LoadContext): ReadData {
  const nothing: ReadData = {
    data: null,
    features: new Map(),
    targets: new Map(),
    known: { features: {}, targets: {} },
    isKnown: false,
  };
  const map = sectionMap(node, "data", context);
  if (map === null) return nothing;
  const owner: Owner = { title: "data", span: keySpan, path: "data" };
  const { ok, nodes } = checkShape(map, dataShape, owner, context);
  const optional = (name: string): SourceSpec | null | undefined => {
    const written = nodes.get(name);
    return written === undefined ? undefined : readSource(written, `data.${name}`, context);
  };
  const source = optional("source");
  const validation = optional("validation");
  const test = optional("test");
  const split = readSplit(nodes.get("split"), context);
  const columns = source ? columnsOf(source) : null;
  const features = readFeatures(nodes.get("features"), "feature", columns, context);
  const targets = readFeatures(nodes.get("targets"), "target", columns, context);
  reportSharedNames(features.keys, targets.keys, context);
  if (split !== null) checkSplit(split, nodes, context);
  const known = { features: features.specs, targets: targets.specs };
  for (const [name, other] of [["validation", validation] as const, ["test", test] as const]) {
    if (source && other)
      reportMissingColumns(other, { name, node: nodes.get(name) }, known, context);
  }
  const complete =
    ok &&
    source &&
    validation !== null &&
    test !== null &&
    split !== null &&
    Object.keys(features.specs).length === features.spans.size &&
    Object.keys(targets.specs).length === targets.spans.size;
  const data: DataSpec | null = complete
    ? { source, validation: validation ?? null, test: test ?? null, split, ...known }
    : null;
  return { data, features: features.spans, targets: targets.spans, known, isKnown: ok };
}

/** Sources for validation and test need the same columns. */
function reportMissingColumns(
  source: SourceSpec,
  { name, node }: { readonly name: string; readonly node: YamlNode | undefined },
  { features, targets }: ReadData["known"],
  context: LoadContext,
): void {
  const { names } = columnsOf(source);
  if (names === null || node === undefined) return;
  for (const [owner, spec] of [...Object.entries(features), ...Object.entries(targets)]) {
    const columns = spec.type === "vector" ? spec.columns : [spec.column];
    for (const column of columns.filter((word) => !names.includes(word))) {
      const files = node.kind === "map" ? [...node.entries.values()][0]?.value : undefined;
      const key = names.find((word) => suggest(word, [column]) !== null);
      const span = files?.kind === "map" ? files.entries.get(key ?? "")?.keySpan : undefined;
      context.diagnostics.report(
        "column-not-in-source",
        span ?? headOf(node.span, context.sources),
        { name: column, owner: `${owner} in '${name}'`, known: names.join(", ") },
        didYouMean(key ?? "", [column], span ?? null, span !== undefined),
      );
    }
  }
}

/** A section's map; null after a diagnostic. */
export function sectionMap(node: YamlNode, name: string, context: LoadContext): YamlMap | null {
  if (node.kind === "map") return node;
  if (!isPoisoned(node)) {
    reportWrongType(context, node, {
      what: `'${name}'`,
      wanted: "a map",
      about: "Its keys are indented further than it.",
    });
  }
  return null;
}

function reportSharedNames(
  features: ReadonlyMap<string, Span>,
  targets: ReadonlyMap<string, Span>,
  context: LoadContext,
): void {
  for (const [name, span] of targets) {
    const feature = features.get(name);
    if (feature === undefined) continue;
    context.diagnostics.report(
      "duplicate-name",
      span,
      { name, other: "a feature" },
      { notes: [{ message: "the feature is here", span: feature }] },
    );
  }
}

function readSplit(node: YamlNode | undefined, context: LoadContext): SplitSpec | null {
  const map = node === undefined ? null : sectionMap(node, "split", context);
  if (node !== undefined && map === null) return null;
  const owner: Owner = {
    title: "split",
    span: headOf(node?.span ?? { file: context.file, start: 0, end: 0 }, context.sources),
    path: "data.split",
  };
  const checked = checkShape(map, splitShape, owner, context);
  return checked.ok ? checked.values : null;
}

function checkSplit(
  split: SplitSpec,
  nodes: ReadonlyMap<string, YamlNode>,
  context: LoadContext,
): void {
  const node = nodes.get("split");
  if (node?.kind !== "map") return;
  const at = (key: string): YamlNode | undefined => node.entries.get(key)?.value;
  for (const key of ["validation", "test"] as const) {
    const value = at(key);
    const rows = split[key];
    if (value === undefined) continue;
    if (rows >= 1 && !Number.isInteger(rows)) {
      const what = `'${key}' of split`;
      reportWrongValue("range", { what, node: value, schema: rowsSchema, about: "" }, context);
    } else if (rows > 0 && nodes.has(key)) {
      const span = node.entries.get(key)?.keySpan ?? value.span;
      const note = { message: "the source of its own is here", span: nodes.get(key)?.span ?? null };
      const head = note.span === null ? null : headOf(note.span, context.sources);
      context.diagnostics.report(
        "split-and-source",
        span,
        { part: key },
        { notes: [{ ...note, span: head }] },
      );
    }
  }
  const fractions = [split.validation, split.test].filter((part) => part < 1);
  const sum = fractions.reduce((total, part) => total + part, 0);
  if (sum >= 1) {
    const shown = Number(sum.toPrecision(6)); // 0.6 + 0.7 is 1.2999999999999998
    context.diagnostics.report("split-leaves-nothing", headOf(node.span, context.sources), {
      sum: shown,
    });
  }
  const without = (key: string, reason: string): void => {
    const span = at(key)?.span;
    if (span !== undefined) {
      context.diagnostics.report("setting-without-effect", span, { setting: key, reason });
    }
  };
  if (split.method !== "hash") without("by", "only 'method: hash' looks at columns");
  if (split.method === "last") without("seed", "'method: last' takes the rows at the end");
}
