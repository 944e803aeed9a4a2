/** @file For faults of the compiler itself; what a user got wrong is a diagnostic instead. */
import type { Node } from "./types.js";

export class Bug extends Error {
  override readonly name = "Bug";
}

/** Describes a node for such messages: its kind, number and where it came from. */
export function describe(node: Node): string {
  const { layer, phase } = node.origin;
  const name = node.attrs.name === undefined ? "" : ` '${String(node.attrs.name)}'`;
  const from = layer === "" ? "" : ` (${phase} of '${layer}')`;
  return `${node.kind}${name} #${node.id}${from}`;
}

/** Stops the compiler, naming the node it was working on. */
export function bug(message: string, node?: Node): never {
  throw new Bug(node === undefined ? message : `${describe(node)}: ${message}`);
}
