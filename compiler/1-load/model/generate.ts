/** @file Reads the `generate` section. */
import { didYouMean } from "../../diagnostics/fixes.js";
import { checkShape, isLiteral, type Owner } from "../check/check-shape.js";
import { headOf, type LoadContext } from "../context.js";
import { type ReadData, sectionMap } from "../data/read-data.js";
import { type Scope, substitute } from "../params.js";
import type { GenerateUse, LayerUse } from "../resolved-spec.js";
import { generateShape } from "../schema/spec.js";
import type { YamlMap, YamlNode } from "../yaml/tree.js";
import type { ReadModel } from "./read-model.js";

/** Layers whose output random numbers can stand in for. */
const sources: ReadonlySet<string> = new Set(["sample_normal", "noise"]);

/** Null where there is none, and after a diagnostic. */
export function readGenerate(
  root: YamlMap,
  scope: Scope,
  model: ReadModel,
  data: ReadData | null,
  context: LoadContext,
): GenerateUse | null {
  const entry = root.entries.get("generate");
  if (entry === undefined) return null;
  const map = sectionMap(substitute(entry.value, scope, context), "generate", context);
  if (map === null) return null;
  const owner: Owner = { title: "generate", span: entry.keySpan, path: "generate" };
  const { ok, values, nodes } = checkShape(map, generateShape, owner, context);
  if (!ok || !context.modelKnown) return null;

  /** Reports a name that means nothing here. */
  function unknown(key: string, name: string, known: readonly string[]): null {
    const node: YamlNode | undefined = nodes.get(key);
    context.diagnostics.report(
      "unknown-reference",
      node?.span ?? entry?.keySpan ?? null,
      { name, known: `Names that can be used here: ${known.slice(-12).join(", ") || "none"}.` },
      didYouMean(name, known, node?.span ?? null, node !== undefined && isLiteral(node)),
    );
    return null;
  }

  const layerOf = (name: string): LayerUse | undefined =>
    model.layers.find((layer) => layer.name === (model.outputs.get(name) ?? name));
  const from = layerOf(values.from);
  if (from === undefined) {
    const named = [...model.outputs.keys()].filter((n) => sources.has(layerOf(n)?.type ?? ""));
    return unknown("from", values.from, named);
  }
  if (!model.networks.has(values.network)) {
    return unknown("network", values.network, [...model.networks.keys()]);
  }
  const columns = [...(data?.features.keys() ?? []), ...(data?.targets.keys() ?? [])];
  if (values.like !== null && !columns.includes(values.like)) {
    if (!context.featuresKnown) return null;
    return unknown("like", values.like, columns);
  }
  const place = headOf(nodes.get("from")?.span ?? entry.keySpan, context.sources);
  if (!sources.has(from.type)) {
    context.diagnostics.report("generate-from", place, { name: values.from, type: from.type });
    return null;
  }
  const use = model.networkUses.find(
    ({ network, output }) =>
      network === values.network &&
      output !== null &&
      ancestorsOf(output, model.layers).has(from.name),
  );
  if (use === undefined || use.output === null) {
    const names = { name: values.from, network: values.network };
    context.diagnostics.report("generate-unrelated", place, names);
    return null;
  }
  const { name, output } = use;
  return { from: from.name, output, name, like: values.like, span: map.span };
}

/** Names of a layer and of everything that it reads, directly or over others. */
export function ancestorsOf(
  name: string,
  layers: readonly LayerUse[],
  stopAt: string | null = null,
): ReadonlySet<string> {
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  const found = new Set<string>();
  const queue = [name];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    if (found.has(next)) continue;
    found.add(next);
    if (next !== stopAt) queue.push(...(byName.get(next)?.from ?? []));
  }
  return found;
}
