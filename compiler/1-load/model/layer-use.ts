/** @file From an entry of a `layers` list to the layer it means: checked fields, resolved inputs. */
import type { Span } from "../../ir/origin.js";
import { layers as registry } from "../../layers/index.js";
import { isMisspelt, type Owner } from "../check/check-shape.js";
import { readBody } from "../check/read-named.js";
import { headOf, type LoadContext } from "../context.js";
import type { LayerUse, SharedLayer } from "../resolved-spec.js";
import { inputsKey, layerShapes, settableInputs } from "../schema/layer-shapes.js";
import type { YamlNode } from "../yaml/tree.js";
import { type EntryPlace, manyInputs, oneInput, roleInputs, withSettings } from "./inputs.js";
import type { LayerEntry } from "./layer-entry.js";
import type { FeatureNames } from "./names.js";
import type { Surroundings } from "./surroundings.js";

/** The network around a layer: where it is used, and the prefix of names inside of it. */
export type SharedPlace = Omit<SharedLayer, "layer" | "isOutput"> & { readonly prefix: string };

/** One layer; none after a diagnostic that leaves nothing to build. */
export function readLayerUse(
  entry: LayerEntry,
  fullName: string,
  { shared, module }: Pick<Surroundings, "shared" | "module">,
  at: EntryPlace,
  { features, targets }: { readonly features: FeatureNames; readonly targets: FeatureNames },
  context: LoadContext,
): readonly LayerUse[] {
  const shape = layerShapes.get(entry.type);
  if (entry.unknown || shape === undefined) return [];
  const path = `model.layers.${fullName}`;
  const owner: Owner = { title: at.title, span: entry.typeSpan, path };
  const checked = readBody(entry.body, shape, owner, context);
  const definition = registry.get(entry.type);
  const merges = definition?.inputs === "many";
  const written = merges ? (checked?.nodes.get(inputsKey) ?? null) : null;
  // Inputs under a misspelt key have been reported with it.
  const lost = merges && checked !== null && isMisspelt(inputsKey, shape.fields, checked.nodes);
  const { from, roles } = merges
    ? { from: lost ? [] : manyInputs(entry, written, at, features, context), roles: undefined }
    : inputsOf(entry, checked?.nodes, at, features, context);
  const fieldSpans: Record<string, Span> = { ...checked?.spans, type: entry.typeSpan };
  if (entry.from !== null) fieldSpans.from = entry.from.span;
  else if (written !== null) fieldSpans.from = written.span;
  if (entry.as !== null) fieldSpans.as = entry.as.span;
  const fields: Record<string, unknown> = { ...checked?.values };
  reportIdle(entry.type, fields, fieldSpans, context);
  for (const [role] of settableInputs(definition)) delete fields[role];
  const naming = definition?.namesIds;
  if (naming !== undefined && typeof fields[naming] === "string") {
    const known = { ...at, readsTargets: true };
    fields[naming] = idsNamed(fields[naming], fieldSpans[naming], known, [features, targets]);
  }
  // A file of the library begins with the block that specs name.
  const [library] = module?.keys() ?? [];
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
      ...sharedBy(shared, fullName),
      ...(library === undefined ? {} : { library }),
      span: entry.span,
      fieldSpans,
    },
  ];
}

/** A feature or target (which layers of the same name do not hide), or the layer that a name means. */
function idsNamed(
  name: string,
  span: Span | undefined,
  at: EntryPlace,
  data: readonly FeatureNames[],
): string {
  if (span === undefined || data.some((names) => names.has(name))) return name;
  const found = at.scope.resolve({ name, span }, at.index, true);
  return typeof found === "string" ? found : name;
}

/** Settings that change nothing as the others are. */
function reportIdle(
  type: string,
  fields: Readonly<Record<string, unknown>>,
  spans: Readonly<Record<string, Span>>,
  context: LoadContext,
): void {
  const idle: Record<string, string> = { ...registry.get(type)?.idle?.(fields) };
  if (fields.bias === false) {
    for (const setting of ["bias_initializer", "unit_forget_bias"]) {
      idle[setting] ??= "this layer has no bias";
    }
  }
  for (const [setting, reason] of Object.entries(idle)) {
    const span = spans[setting];
    if (span === undefined) continue;
    const place = headOf(span, context.sources);
    context.diagnostics.report("setting-without-effect", place, { setting, reason });
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
  if (references?.roles !== undefined) {
    const { from, roles } = roleInputs(references, at, features, context);
    return { from, roles: roles.some((role) => role !== "input") ? roles : undefined };
  }
  const one = oneInput(entry.from, at, context);
  return { from: one === null ? [] : [one], roles: undefined };
}

function sharedBy(place: SharedPlace | null, fullName: string): Pick<LayerUse, "shared"> | object {
  if (place === null) return {};
  const { prefix, ...use } = place;
  return { shared: { ...use, layer: fullName.slice(prefix.length), isOutput: false } };
}
