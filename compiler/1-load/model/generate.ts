/** @file Reads the `generate` section. */
import { didYouMean } from "../../diagnostics/fixes.js";
import type { Span } from "../../ir/origin.js";
import { checkShape, isLiteral, type Owner } from "../check/check-shape.js";
import { headOf, type LoadContext } from "../context.js";
import { type ReadData, sectionMap } from "../data/read-data.js";
import { type Scope, substitute } from "../params.js";
import type { GenerateUse, NoiseUse } from "../resolved-spec.js";
import { generateShape } from "../schema/generate.js";
import type { YamlMap } from "../yaml/tree.js";
import { ancestorsOf, type GenerateContext, reportIdle } from "./generate-context.js";
import { readSequence } from "./generate-sequence.js";
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
  const placeOf = (key: string): Span =>
    headOf(nodes.get(key)?.span ?? entry.keySpan, context.sources);
  const section: GenerateContext = {
    ...{ values, nodes, model, data, context, placeOf, span: map.span },
    layerNamed: (name) =>
      model.layers.find((layer) => layer.name === (model.outputs.get(name) ?? name)),
    unknown(key, name, known) {
      const node = nodes.get(key);
      // Names inside of networks and blocks are known, too, but rarely meant.
      const near = known.filter((word) => !/[/.]/.test(word)).slice(-12);
      context.diagnostics.report(
        "unknown-reference",
        node?.span ?? entry.keySpan,
        { name, known: `Names that can be used here: ${near.join(", ") || "none"}.` },
        didYouMean(name, known, node?.span ?? null, node !== undefined && isLiteral(node)),
      );
      return null;
    },
  };
  const { from, decoder } = values;
  if ((from === null) === (decoder === null)) {
    const found = from === null ? "has neither" : "has both";
    context.diagnostics.report("generate-kind", placeOf("decoder"), { found });
    return null;
  }
  if (!isKnownColumn(section)) return null;
  return decoder === null ? readNoise(section) : readSequence(section, decoder);
}

function isKnownColumn({ values: { like }, data, context, unknown }: GenerateContext): boolean {
  const columns = [...(data?.features.keys() ?? []), ...(data?.targets.keys() ?? [])];
  if (like === null || columns.includes(like)) return true;
  if (context.featuresKnown) unknown("like", like, columns);
  return false;
}

/** Settings of sequences only. */
const ofSequences = [
  ...["method", "beams", "temperature", "top_k", "top_p", "max_length", "length_penalty"],
  "output",
];

function readNoise(section: GenerateContext): NoiseUse | null {
  const { values, model, context, placeOf, layerNamed, unknown, span } = section;
  reportIdle(section, ofSequences, "with 'from' nothing is made token by token");
  if (values.network === null) {
    const { description } = generateShape.fields.network;
    context.diagnostics.report("missing-key", placeOf("from"), {
      ...{ key: "network", owner: "generate", about: description },
    });
    return null;
  }
  const { network, like } = values;
  const name = values.from ?? "";
  const from = layerNamed(name);
  if (from === undefined) {
    const named = [...model.outputs.keys()].filter((n) => sources.has(layerNamed(n)?.type ?? ""));
    return unknown("from", name, named);
  }
  if (!model.networks.has(network)) {
    return unknown("network", network, [...model.networks.keys()]);
  }
  if (!sources.has(from.type)) {
    context.diagnostics.report("generate-from", placeOf("from"), { name, type: from.type });
    return null;
  }
  const use = model.networkUses.find(
    (one) =>
      one.network === network &&
      one.output !== null &&
      ancestorsOf(one.output, model.layers).has(from.name),
  );
  if (use === undefined || use.output === null) {
    context.diagnostics.report("generate-unrelated", placeOf("from"), { name, network });
    return null;
  }
  return { kind: "noise", from: from.name, output: use.output, name: use.name, like, span };
}
