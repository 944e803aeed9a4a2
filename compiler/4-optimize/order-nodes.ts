/** @file The order in which a program reads naturally; the emitted code follows it. */
import type { Origin } from "../ir/origin.js";
import { nodesOf } from "../ir/traverse.js";
import type { Graph, Node } from "../ir/types.js";
import { definePass } from "./define-pass.js";
import { rebuild } from "./rebuild.js";

const phases: readonly Origin["phase"][] = ["forward", "backward", "update"];

/**
 * All nodes, inputs first: forward before backward before update, and within those the nodes of a
 * layer together as far as their inputs allow. Deterministic: depends on creation order alone.
 */
export function orderNodes(graph: Graph): readonly Node[] {
  const nodes = nodesOf(graph);
  const groupOf = ({ origin, id }: Node): string =>
    `${origin.phase} ${origin.layer === "" ? `#${id}` : origin.layer}`;
  // Layers in the order in which their first node of the phase was made.
  const first = new Map<string, number>();
  for (const node of nodes) {
    if (!first.has(groupOf(node))) first.set(groupOf(node), node.id);
  }
  const key = (node: Node): readonly number[] => [
    phases.indexOf(node.origin.phase),
    first.get(groupOf(node)) ?? 0,
    node.id,
  ];
  const keys = new Map(nodes.map((node) => [node, key(node)]));
  const compare = (a: Node, b: Node): number => {
    const [x = [], y = []] = [keys.get(a), keys.get(b)];
    const at = x.findIndex((part, i) => part !== y[i]);
    return at < 0 ? 0 : (x[at] ?? 0) - (y[at] ?? 0);
  };
  // What a node needs comes right before it, unless it has come already.
  const placed = new Set<Node>();
  const stack = [...nodes].sort(compare).reverse();
  const order: Node[] = [];
  while (stack.length > 0) {
    const node = stack.at(-1) as Node;
    const waiting = node.inputs.map((input) => input.node).filter((input) => !placed.has(input));
    if (placed.has(node) || waiting.length === 0) {
      stack.pop();
      if (!placed.has(node)) order.push(node);
      placed.add(node);
    } else {
      stack.push(...waiting.sort(compare).reverse());
    }
  }
  return order;
}

export const orderProgram = definePass({
  name: "order-program",
  why: "Generated code is read by people: forward, backward and update parts in turn, by layer.",
  run: (graph) => ({ graph: rebuild(graph, undefined, { order: orderNodes(graph) }), counts: {} }),
});
