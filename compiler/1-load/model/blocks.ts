/** @file Blocks: their definitions, and what an entry says that uses one. */

import { didYouMean } from "../../diagnostics/fixes.js";
import { brief } from "../../diagnostics/visible.js";
import type { Span } from "../../ir/origin.js";
import { checkShape, isLiteral, isMisspelt, type Owner } from "../check/check-shape.js";
import { readBody } from "../check/read-named.js";
import { reportWrongType } from "../check/wrong-type.js";
import type { LoadContext } from "../context.js";
import { isName, nameForm } from "../schema/kinds.js";
import { blockShape, blockUseShape, repeatShape } from "../schema/layer-shapes.js";
import { isPoisoned, type YamlMap, type YamlNode, type YamlScalar } from "../yaml/tree.js";
import type { LayerEntry } from "./layer-entry.js";

export interface Block {
  readonly name: string;
  readonly nameSpan: Span;
  readonly params: YamlNode | undefined;
  /** False where they may be missing for a mistake that has been reported. */
  readonly paramsKnown: boolean;
  readonly layers: YamlNode | null;
}

export interface BlockUse {
  readonly block: Block;
  readonly times: number;
  /** The values of `with`, by parameter. */
  readonly given: ReadonlyMap<string, YamlScalar>;
}

/** Layers after expansion: more would not be built in reasonable time. */
export const mostLayers = 10_000;

/** Reads the `blocks` section. */
export function readBlocks(node: YamlNode | undefined, context: LoadContext): Map<string, Block> {
  const blocks = new Map<string, Block>();
  if (node?.kind !== "map") return blocks;
  for (const { key, keySpan, value } of node.entries.values()) {
    const owner: Owner = { title: `block '${key}'`, span: keySpan, path: `blocks.${key}` };
    const map: YamlMap | null = value.kind === "map" ? value : null;
    if (!isName(key)) {
      context.diagnostics.report("wrong-form", keySpan, {
        what: "a block's name",
        given: `'${brief(key)}'`,
        form: nameForm,
        about: "Names of layers inside begin with it.",
      });
    }
    if (map === null) {
      reportWrongType(context, value, {
        what: owner.title,
        wanted: "a map with layers",
        about: blockShape.summary,
      });
    }
    const checked = map === null ? null : checkShape(map, blockShape, owner, context);
    blocks.set(key, {
      name: key,
      nameSpan: keySpan,
      params: checked?.nodes.get("params"),
      paramsKnown: checked !== null && !isMisspelt("params", blockShape.fields, checked.nodes),
      layers: checked?.nodes.get("layers") ?? null,
    });
  }
  return blocks;
}

/** What a `block` or `repeat` entry asks for; null for other layers, and after a diagnostic. */
export function readBlockUse(
  entry: LayerEntry,
  blocks: ReadonlyMap<string, Block>,
  path: string,
  context: LoadContext,
): BlockUse | null {
  if (entry.type !== "block" && entry.type !== "repeat") return null;
  const shape = entry.type === "block" ? blockUseShape : repeatShape;
  const owner: Owner = { title: `'${entry.type}'`, span: entry.typeSpan, path };
  const checked = readBody(entry.body, shape, owner, context);
  const node = checked?.nodes.get(entry.type === "block" ? "name" : "block");
  if (checked === null || node?.kind !== "scalar" || typeof node.value !== "string") return null;
  const block = blocks.get(node.value);
  if (block === undefined) {
    const names = [...blocks.keys()];
    if (!context.blocksKnown) return null;
    context.diagnostics.report(
      "unknown-block",
      node.span,
      { name: node.value, known: names.length === 0 ? "none" : names.join(", ") },
      didYouMean(node.value, names, node.span, isLiteral(node)),
    );
    return null;
  }
  const times = (checked.values as { times?: number }).times ?? 1;
  const given = readWith(checked.nodes.get("with"), block, context);
  if (times <= mostLayers) return { block, times, given };
  const span = checked.spans.times ?? entry.typeSpan;
  context.diagnostics.report("too-many-layers", span, { limit: mostLayers });
  return { block, times: 1, given };
}

function readWith(
  node: YamlNode | undefined,
  block: Block,
  context: LoadContext,
): ReadonlyMap<string, YamlScalar> {
  const given = new Map<string, YamlScalar>();
  if (node === undefined || (node.kind === "scalar" && isPoisoned(node))) return given;
  if (node.kind !== "map") {
    reportWith(node, "'with'", "a map of parameters", context);
    return given;
  }
  const declared = block.params?.kind === "map" ? [...block.params.entries.keys()] : [];
  for (const { key, keySpan, value } of node.entries.values()) {
    if (!declared.includes(key)) {
      if (!block.paramsKnown) continue;
      context.diagnostics.report(
        "unknown-param",
        keySpan,
        { name: key, known: declared.length === 0 ? "none" : declared.join(", ") },
        didYouMean(key, declared, keySpan, true),
      );
    } else if (value.kind === "scalar" && (value.value !== null || isPoisoned(value))) {
      given.set(key, { ...value, source: "param" });
    } else reportWith(value, `parameter '${key}'`, "a number, a text or true/false", context);
  }
  return given;
}

function reportWith(node: YamlNode, what: string, wanted: string, context: LoadContext): void {
  reportWrongType(context, node, {
    what,
    wanted,
    about: "'with' gives values to the block's parameters.",
  });
}
