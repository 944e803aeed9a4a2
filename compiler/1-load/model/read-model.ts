/** @file Reads `model` and `blocks`: the layers in execution order. */
import type { Span } from "../../ir/origin.js";
import { checkShape } from "../check/check-shape.js";
import type { LoadContext } from "../context.js";
import { sectionMap } from "../data/read-data.js";
import type { Scope } from "../params.js";
import type { LayerUse } from "../resolved-spec.js";
import { modelShape } from "../schema/spec.js";
import type { YamlMap } from "../yaml/tree.js";
import { type Block, readBlocks } from "./blocks.js";
import { Expander } from "./expand.js";
import type { FeatureNames } from "./names.js";
import { type Network, readNetworks } from "./networks.js";
import type { NetworkUse } from "./surroundings.js";

export interface ReadModel {
  readonly layers: readonly LayerUse[];
  /** What a loss may call an output: names in the model's own list, and full names of inner layers. */
  readonly outputs: ReadonlyMap<string, string>;
  readonly blocks: ReadonlyMap<string, Block>;
  readonly unusedBlocks: readonly Block[];
  readonly networks: ReadonlyMap<string, Network>;
  readonly networkUses: readonly NetworkUse[];
  readonly unusedNetworks: readonly Network[];
  /** Of each block: the parameters that some use of it read. */
  readonly usedParams: ReadonlyMap<string, ReadonlySet<string>>;
  readonly span: Span;
}

export function readModel(
  root: YamlMap,
  { features, targets }: { readonly features: FeatureNames; readonly targets: FeatureNames },
  scope: Scope,
  context: LoadContext,
): ReadModel {
  const blocksNode = root.entries.get("blocks")?.value;
  if (blocksNode !== undefined) sectionMap(blocksNode, "blocks", context);
  const blocks = readBlocks(blocksNode, context);
  const networksNode = root.entries.get("networks")?.value;
  if (networksNode !== undefined) sectionMap(networksNode, "networks", context);
  const networks = readNetworks(networksNode, context);
  const expander = new Expander(blocks, networks, features, targets, context);
  const entry = root.entries.get("model");
  const map = entry === undefined ? null : sectionMap(entry.value, "model", context);
  if (entry !== undefined && map !== null) {
    const owner = { title: "model", span: entry.keySpan, path: "model" };
    const list = checkShape(map, modelShape, owner, context).nodes.get("layers");
    if (list !== undefined) expander.model(list, scope);
  }
  const unusedBlocks = expander.stopped
    ? []
    : [...blocks.values()].filter(({ name }) => !expander.usedBlocks.has(name));
  const used = new Set(expander.networkUses.map(({ network }) => network));
  const unusedNetworks = expander.stopped
    ? []
    : [...networks.values()].filter(({ name }) => !used.has(name));
  for (const network of unusedNetworks) expander.unusedNetwork(network, scope);
  for (const block of unusedBlocks) expander.unusedBlock(block, scope);
  return {
    layers: expander.layers,
    outputs: expander.outputs,
    blocks,
    unusedBlocks,
    networks,
    networkUses: expander.networkUses,
    unusedNetworks,
    usedParams: expander.usedParams,
    span: map?.span ?? { file: context.file, start: 0, end: 0 },
  };
}
