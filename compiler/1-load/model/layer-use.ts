/** @file From an entry of a `layers` list to the layer it means: checked fields, resolved inputs. */
import type { Span } from "../../ir/origin.js";
import { layers as registry } from "../../layers/index.js";
import type { Owner } from "../check/check-shape.js";
import { readBody } from "../check/read-named.js";
import { headOf, type LoadContext } from "../context.js";
import type { LayerUse, SharedLayer } from "../resolved-spec.js";
import { inputsKey, layerShapes } from "../schema/layer-shapes.js";
import type { YamlNode } from "../yaml/tree.js";
import { type EntryPlace, manyInputs, oneInput, roleInputs, withSettings } from "./inputs.js";
import type { LayerEntry } from "./layer-entry.js";
import type { FeatureNames } from "./names.js";

/** The network around a layer: where it is used, and the prefix of names inside of it. */
export type SharedPlace = Omit<SharedLayer, "layer" | "isOutput"> & { readonly prefix: string };

/** One layer; none after a diagnostic that leaves nothing to build. */
export function readLayerUse(
  entry: LayerEntry,
  fullName: string,
  place: SharedPlace | null,
  at: EntryPlace,
  features: FeatureNames,
  context: LoadContext,
): readonly LayerUse[] {
  const shape = layerShapes.get(entry.type);
  if (entry.unknown || shape === undefined) return [];
  const path = `model.layers.${fullName}`;
  const owner: Owner = { title: at.title, span: entry.typeSpan, path };
  const checked = readBody(entry.body, shape, owner, context);
  const merges = registry.get(entry.type)?.inputs === "many";
  const written = merges ? (checked?.nodes.get(inputsKey) ?? null) : null;
  const { from, roles } = merges
    ? { from: manyInputs(entry, written, at, features, context), roles: undefined }
    : inputsOf(entry, checked?.nodes, at, features, context);
  const fieldSpans: Record<string, Span> = { ...checked?.spans, type: entry.typeSpan };
  if (entry.from !== null) fieldSpans.from = entry.from.span;
  else if (written !== null) fieldSpans.from = written.span;
  if (entry.as !== null) fieldSpans.as = entry.as.span;
  const fields: Record<string, unknown> = { ...checked?.values };
  reportIdle(fields, fieldSpans, context);
  for (const role of Object.keys(registry.get(entry.type)?.roles ?? {})) delete fields[role];
  if (merges) {
    delete fields[inputsKey];
    delete fieldSpans[inputsKey];
  }
  return [
    {
      type: entry.type,
      name: fullName,
      named: entry.as !== null,
      from,
      ...(roles === undefined ? {} : { roles }),
      fields,
      ...sharedBy(place, fullName),
      span: entry.span,
      fieldSpans,
    },
  ];
}

/** Settings of a bias, where there is none. */
function reportIdle(
  fields: Readonly<Record<string, unknown>>,
  spans: Readonly<Record<string, Span>>,
  context: LoadContext,
): void {
  if (fields.bias !== false) return;
  for (const setting of ["bias_initializer", "unit_forget_bias"]) {
    const span = spans[setting];
    if (span === undefined) continue;
    context.diagnostics.report("setting-without-effect", headOf(span, context.sources), {
      setting,
      reason: "this layer has no bias",
    });
  }
}

/** Inputs of a layer that merges nothing: none, one, or several by role. */
function inputsOf(
  entry: LayerEntry,
  nodes: ReadonlyMap<string, YamlNode> | undefined,
  at: EntryPlace,
  features: FeatureNames,
  context: LoadContext,
): Pick<LayerUse, "from"> & { readonly roles: LayerUse["roles"] | undefined } {
  if (registry.get(entry.type)?.inputs === "none") {
    if (entry.from !== null) {
      const span = headOf(entry.from.span, context.sources);
      context.diagnostics.report("no-inputs", span, { layer: at.title });
    }
    return { from: [], roles: undefined };
  }
  const references = withSettings(entry, nodes, context);
  if (references?.roles !== undefined) return roleInputs(references, at, features, context);
  const one = oneInput(entry.from, at, context);
  return { from: one === null ? [] : [one], roles: undefined };
}

function sharedBy(place: SharedPlace | null, fullName: string): Pick<LayerUse, "shared"> | object {
  if (place === null) return {};
  const { prefix, ...use } = place;
  return { shared: { ...use, layer: fullName.slice(prefix.length), isOutput: false } };
}
