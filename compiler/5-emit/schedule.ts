/**
 * @file The order in which a program's nodes are written: forward, backward, update, and within
 * those as the optimiser ordered them, with the nodes of one layer side by side where they may be.
 */
import type { Origin } from "../ir/origin.js";
import type { Node } from "../ir/types.js";

export type Phase = Origin["phase"];
export const phases: readonly Phase[] = ["forward", "backward", "update"];

/** Nodes without inputs of their own: they are written where they are first used. */
export const isSource = (node: Node): boolean =>
  node.kind === "input" || node.kind === "state" || node.kind === "constant";

/**
 * The phase of each node. A node that an earlier phase needs belongs to that phase, whoever made it
 * (merging duplicates can leave one node serving two phases).
 */
function effectivePhases(order: readonly Node[]): Map<Node, number> {
  const rank = new Map(order.map((node) => [node, phases.indexOf(node.origin.phase)]));
  for (const node of order.toReversed()) {
    const own = rank.get(node) ?? 0;
    for (const { node: input } of node.inputs) {
      rank.set(input, Math.min(rank.get(input) ?? own, own));
    }
  }
  return rank;
}

export interface Section {
  readonly phase: Phase;
  readonly groups: readonly { readonly origin: Origin; readonly nodes: readonly Node[] }[];
}

/** Computing nodes by phase and by runs of the same layer. `order` must be topological. */
export function sectionsOf(order: readonly Node[]): readonly Section[] {
  const rank = effectivePhases(order);
  const sections: Section[] = [];
  for (const [index, phase] of phases.entries()) {
    const nodes = order.filter((node) => rank.get(node) === index && !isSource(node));
    const groups: { origin: Origin; nodes: Node[] }[] = [];
    for (const node of nodes) {
      const last = groups.at(-1);
      if (last !== undefined && last.origin.layer === node.origin.layer) last.nodes.push(node);
      else groups.push({ origin: node.origin, nodes: [node] });
    }
    if (groups.length > 0) sections.push({ phase, groups });
  }
  return sections;
}
