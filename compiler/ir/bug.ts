/** @file Assertions that name the node the compiler was working on. */
import { Bug } from "../diagnostics/diagnostic.js";
import type { Node } from "./types.js";

export { Bug };

/** Describes a node for such messages: its kind, number and where it came from. */
export function describe(node: Node): string {
  const { layer, phase } = node.origin;
  const name = node.attrs.name === undefined ? "" : ` '${String(node.attrs.name)}'`;
  const from = layer === "" ? "" : ` (${phase} of '${layer}')`;
  return `${node.kind}${name} #${node.id}${from}`;
}

/** Stops the compiler; its message names the node. */
export function bug(message: string, node?: Node): never {
  throw new Bug(node === undefined ? message : `${describe(node)}: ${message}`);
}
