/** @file What stands in the spec but nothing reads: layers, features, targets, blocks, parameters. */
import type { FeatureSpec } from "@dlc/runtime";
import { layers as registry } from "../../layers/index.js";
import { headOf, type LoadContext } from "../context.js";
import type { ReadData } from "../data/read-data.js";
import type { ReadModel } from "../model/read-model.js";
import type { Scope } from "../params.js";
import { type GenerateUse, type LayerUse, layerOf, withCells } from "../resolved-spec.js";
import type { ReadTrain } from "../train/read-train.js";
import type { YamlMap } from "../yaml/tree.js";

interface Parts {
  readonly root: YamlMap;
  /** The spec's own parameters. */
  readonly scope: Scope;
  readonly model: ReadModel;
  readonly data: ReadData | null;
  readonly train: ReadTrain | null;
  readonly generate: GenerateUse | null;
}

export function checkUnread(parts: Parts, context: LoadContext): void {
  // Without errors only: a misspelt reference would make what it means look unread.
  if (context.diagnostics.hasErrors) return;
  reportParams(parts, context);
  for (const { name, nameSpan } of parts.model.unusedBlocks) {
    context.diagnostics.report("unused-block", nameSpan, { name });
  }
  for (const { name, nameSpan } of parts.model.unusedNetworks) {
    context.diagnostics.report("unused-network", nameSpan, { name });
  }
  const read = readNames(parts);
  reportLayers(parts.model.layers, read, context);
  reportData(parts, read, context);
}

/** What generate makes, or is made of. */
function generated(use: GenerateUse | null): readonly string[] {
  if (use === null) return [];
  if (use.kind === "noise") return [use.output];
  return [use.decoder, ...(use.render === null ? [] : [use.render.output])];
}

/** Every name that some layer, a loss or generate reads. */
function readNames({ model, data, train, generate }: Parts): ReadonlySet<string> {
  const read = new Set<string>(withCells(model.layers).flatMap((layer) => layer.from.map(layerOf)));
  for (const name of generated(generate)) read.add(layerOf(name));
  for (const { use } of train?.losses ?? []) {
    if (use.output !== null) read.add(layerOf(use.output));
    for (const name of Object.values(use.reads ?? {})) read.add(layerOf(name));
    if (use.reads !== undefined) continue;
    const target = use.target ?? [...(data?.targets.keys() ?? [])][0];
    if (typeof target === "string") read.add(layerOf(target));
  }
  const readsDefault = ({ type, from }: LayerUse): boolean =>
    from.length === 0 && registry.get(type)?.inputs !== "none";
  if (model.layers.some(readsDefault)) {
    for (const name of defaultInputs(data)) read.add(name);
  }
  return read;
}

/** What a layer without inputs reads: the only feature, or all that are one row of numbers each. */
function defaultInputs(data: ReadData | null): readonly string[] {
  const features = Object.entries(data?.known.features ?? {});
  if (features.length === 1) return features.map(([name]) => name);
  return features.filter(([, spec]) => isRow(spec)).map(([name]) => name);
}

function isRow(spec: FeatureSpec): boolean {
  if (spec.type === "category") return spec.encode === "one_hot";
  return spec.type === "number" || (spec.type === "vector" && spec.shape.length === 1);
}

/** Only where a chain of unread layers ends: those before it are read, though in vain. */
function reportLayers(
  layers: readonly LayerUse[],
  read: ReadonlySet<string>,
  context: LoadContext,
): void {
  /** A layer of a network may be unread in every use: it is reported once. */
  const reported = new Set<number>();
  for (const layer of layers.slice(0, -1)) {
    if (read.has(layer.name)) continue;
    const { type, named, name, shared } = layer;
    const own = layer.fieldSpans.as ?? layer.fieldSpans.type ?? layer.span;
    const span = shared?.isOutput === true ? shared.use : own;
    if (reported.has(span.start)) continue;
    reported.add(span.start);
    const inner = named ? `${type} '${shared?.layer ?? name}'` : type;
    const title = shared?.isOutput === true ? `network '${shared.network}'` : inner;
    context.diagnostics.report("unused-layer", headOf(span, context.sources), { layer: title });
  }
}

function reportData({ data, train }: Parts, read: ReadonlySet<string>, context: LoadContext): void {
  for (const [name, span] of data?.features ?? []) {
    if (read.has(name)) continue;
    context.diagnostics.report("unused-feature", headOf(span, context.sources), { name });
  }
  if (train === null) return;
  for (const [name, span] of data?.targets ?? []) {
    if (read.has(name)) continue;
    context.diagnostics.report("unused-target", headOf(span, context.sources), { name });
  }
}

function reportParams({ root, scope, model }: Parts, context: LoadContext): void {
  const params = root.entries.get("params")?.value;
  if (params?.kind === "map") {
    for (const { key, keySpan } of params.entries.values()) {
      if (!scope.isUsed(key)) context.diagnostics.report("unused-param", keySpan, { name: key });
    }
  }
  for (const block of model.blocks.values()) {
    const used = model.usedParams.get(block.name);
    if (used === undefined || block.params?.kind !== "map") continue;
    for (const { key, keySpan } of block.params.entries.values()) {
      if (!used.has(key)) context.diagnostics.report("unused-param", keySpan, { name: key });
    }
  }
}
