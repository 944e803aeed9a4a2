/** @file Walks over graphs. */
import { type Graph, isGraph, type Node, type Value } from "./types.js";

/** The nodes that `roots` reach, each after its inputs, in a deterministic order (by creation). */
export function reachable(roots: readonly Value[]): readonly Node[] {
  const seen = new Set<Node>();
  const stack = roots.map((root) => root.node);
  while (stack.length > 0) {
    const node = stack.pop() as Node;
    if (seen.has(node)) continue;
    seen.add(node);
    for (const input of node.inputs) stack.push(input.node);
  }
  // A node can only be made after its inputs, so creation order is a topological order.
  return [...seen].sort((a, b) => a.id - b.id);
}

export const nodesOf = (graph: Graph): readonly Node[] =>
  reachable(graph.outputs.map((output) => output.value));

/** The bodies among a node's attributes. */
export const bodiesOf = (node: Node): readonly Graph[] => Object.values(node.attrs).filter(isGraph);

/** All nodes of a graph and of the bodies in it. */
export const nodesWithin = (graph: Graph): readonly Node[] =>
  nodesOf(graph).flatMap((node) => [...bodiesOf(node).flatMap(nodesWithin), node]);
