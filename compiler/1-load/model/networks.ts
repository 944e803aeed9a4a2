/** @file Networks: their definitions, and what an entry says that uses one. */

import { didYouMean } from "../../diagnostics/fixes.js";
import { brief } from "../../diagnostics/visible.js";
import type { Span } from "../../ir/origin.js";
import { checkShape, isLiteral, type Owner } from "../check/check-shape.js";
import { readBody } from "../check/read-named.js";
import { headOf, type LoadContext } from "../context.js";
import { isName, nameForm } from "../schema/kinds.js";
import { networkShape, useShape } from "../schema/layer-shapes.js";
import { describeNode, type YamlNode } from "../yaml/tree.js";
import { type EntryPlace, oneInput } from "./inputs.js";
import type { LayerEntry } from "./layer-entry.js";
import type { Input } from "./resolve.js";

export interface Network {
  readonly name: string;
  readonly nameSpan: Span;
  /** Names of its inputs; `input` unless it has others. */
  readonly inputs: readonly string[];
  readonly layers: YamlNode | null;
}

/** Reads the `networks` section. */
export function readNetworks(
  node: YamlNode | undefined,
  context: LoadContext,
): Map<string, Network> {
  const networks = new Map<string, Network>();
  if (node?.kind !== "map") return networks;
  for (const { key, keySpan, value } of node.entries.values()) {
    const owner: Owner = { title: `network '${key}'`, span: keySpan, path: `networks.${key}` };
    if (!isName(key)) {
      context.diagnostics.report("wrong-form", keySpan, {
        what: "a network's name",
        given: `'${brief(key)}'`,
        form: nameForm,
        about: "Names of its weights begin with it.",
      });
    }
    if (value.kind !== "map") {
      context.diagnostics.report("wrong-type", headOf(value.span, context.sources), {
        what: owner.title,
        wanted: "a map with layers",
        given: describeNode(value),
        about: networkShape.summary,
      });
    }
    const checked = value.kind === "map" ? checkShape(value, networkShape, owner, context) : null;
    const inputs = checked?.values.inputs ?? ["input"];
    const twice = inputs.find((name, i) => inputs.indexOf(name) !== i);
    if (twice !== undefined) {
      const span = checked?.spans.inputs ?? keySpan;
      const other = "another input";
      context.diagnostics.report("duplicate-name", headOf(span, context.sources), {
        name: twice,
        other,
      });
    }
    networks.set(key, {
      name: key,
      nameSpan: keySpan,
      inputs,
      layers: checked?.nodes.get("layers") ?? null,
    });
  }
  return networks;
}

/** The network that a `use` entry names; null for other layers, and after a diagnostic. */
export function readUse(
  entry: LayerEntry,
  networks: ReadonlyMap<string, Network>,
  path: string,
  context: LoadContext,
): Network | null {
  if (entry.type !== "use") return null;
  const owner: Owner = { title: "'use'", span: entry.typeSpan, path };
  const node = readBody(entry.body, useShape, owner, context)?.nodes.get("network");
  if (node?.kind !== "scalar" || typeof node.value !== "string") return null;
  const network = networks.get(node.value);
  if (network !== undefined) return network;
  if (!context.modelKnown) return null;
  const names = [...networks.keys()];
  context.diagnostics.report(
    "unknown-network",
    node.span,
    { name: node.value, known: names.length === 0 ? "none" : names.join(", ") },
    didYouMean(node.value, names, node.span, isLiteral(node)),
  );
  return null;
}

/** What a use gives to each of the network's inputs: `from`, else the layer above to an only one. */
export function networkInputs(
  network: Network,
  { from, typeSpan }: LayerEntry,
  at: EntryPlace,
  context: LoadContext,
): ReadonlyMap<string, Input> {
  const [only = "input", ...others] = network.inputs;
  const given = from?.list ?? [];
  if (others.length === 0 && (from === null || !from.isList)) {
    return new Map([[only, oneInput(from, at, context)]]);
  }
  if (given.length !== network.inputs.length) {
    context.diagnostics.report("network-inputs", headOf(from?.span ?? typeSpan, context.sources), {
      name: network.name,
      wanted: `${network.inputs.length} (${network.inputs.join(", ")})`,
      given: String(given.length),
    });
  }
  return new Map(
    network.inputs.map((name, i) => {
      const reference = given[i];
      const input = reference === undefined ? undefined : at.scope.resolve(reference, at.index);
      return [name, input === undefined ? at.previous : input];
    }),
  );
}
