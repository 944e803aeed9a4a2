/** @file Blocks: their definitions. */
import { brief } from "../../diagnostics/visible.js";
import type { Span } from "../../ir/origin.js";
import { checkShape, isMisspelt, type Owner } from "../check/check-shape.js";
import { reportWrongType } from "../check/wrong-type.js";
import { headOf, type LoadContext } from "../context.js";
import { isName, nameForm } from "../schema/kinds.js";
import { blockShape } from "../schema/layer-shapes.js";
import type { YamlMap, YamlNode } from "../yaml/tree.js";
import type { Input } from "./resolve.js";

export interface Block {
  readonly name: string;
  readonly nameSpan: Span;
  /** Unique among all blocks, those that come with dlc included. */
  readonly key: string;
  /** Of a block that comes with dlc: the blocks of its file, which are all that it can use. */
  readonly module: ReadonlyMap<string, Block> | null;
  /** Names of its inputs: that of the layer above or `from`, then those that `with` gives. */
  readonly inputs: readonly string[];
  readonly params: YamlNode | undefined;
  /** False where they may be missing for a mistake that has been reported. */
  readonly paramsKnown: boolean;
  readonly layers: YamlNode | null;
}

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
    const inputs = checked?.values.inputs ?? ["input"];
    const params = checked?.nodes.get("params");
    reportTwice(inputs, params, checked?.spans.inputs ?? keySpan, context);
    blocks.set(key, {
      name: key,
      nameSpan: keySpan,
      key,
      module: null,
      inputs,
      params,
      paramsKnown: checked !== null && !isMisspelt("params", blockShape.fields, checked.nodes),
      layers: checked?.nodes.get("layers") ?? null,
    });
  }
  return blocks;
}

/** The block's inputs, all of them the same. */
export const inputsOf = ({ inputs }: Block, input: Input): ReadonlyMap<string, Input> =>
  new Map(inputs.map((name) => [name, input]));

/** An input that is called like another one or like a parameter: `with` could mean either. */
function reportTwice(
  inputs: readonly string[],
  params: YamlNode | undefined,
  span: Span,
  context: LoadContext,
): void {
  const declared = params?.kind === "map" ? params.entries : new Map();
  inputs.forEach((name, i) => {
    const isInput = inputs.indexOf(name) !== i;
    if (!isInput && !declared.has(name)) return;
    const other = isInput ? "another input" : "a parameter";
    context.diagnostics.report("duplicate-name", headOf(span, context.sources), { name, other });
  });
}
