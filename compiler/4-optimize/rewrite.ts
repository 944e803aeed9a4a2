/**
 * @file Applies local rules until none applies.
 *
 * The graph is rebuilt bottom-up. Each node is offered to the rules as it is made, with inputs that
 * are already in their final form; nodes that a rule makes are offered in their turn. Rules may ask
 * how many readers a value has, and a firing changes that, so rounds repeat until one changes nothing.
 */

import { bug } from "../ir/bug.js";
import type { GraphBuilder } from "../ir/builder.js";
import { nodesOf } from "../ir/traverse.js";
import type { Graph, Node, NodeKind, Value } from "../ir/types.js";
import type { Inputs } from "../ops/define-op.js";
import type { PassResult, Rule } from "./define-pass.js";
import { rebuild } from "./rebuild.js";

/** Fuel: more rounds, or a longer chain of firings within one, mean that rules undo each other. */
const maxRounds = 100;
const maxDepth = 200;

/** Counts readers (inputs and results) of each result of each node. */
function createCounter(): {
  add: (value: Value, count?: number) => void;
  count: (value: Value) => number | undefined;
} {
  const counts = new Map<Node, (number | undefined)[]>();
  return {
    add({ node, output }, count = 1) {
      const list = counts.get(node) ?? [];
      list[output] = (list[output] ?? 0) + count;
      counts.set(node, list);
    },
    count: ({ node, output }) => counts.get(node)?.[output],
  };
}

/** How many inputs and results of a graph read a value. */
export function countUses(graph: Graph): (value: Value) => number {
  const uses = createCounter();
  for (const node of nodesOf(graph)) for (const input of node.inputs) uses.add(input);
  for (const { value } of graph.outputs) uses.add(value);
  return (value) => uses.count(value) ?? 0;
}

function indexRules(rules: readonly Rule[]): ReadonlyMap<NodeKind, readonly Rule[]> {
  const index = new Map<NodeKind, Rule[]>();
  for (const rule of rules) {
    for (const kind of rule.at) index.set(kind, [...(index.get(kind) ?? []), rule]);
  }
  return index;
}

/** One rebuild of the graph with every rule tried on every node; counts firings. */
function round(
  graph: Graph,
  rules: ReadonlyMap<NodeKind, readonly Rule[]>,
  counts: Map<string, number>,
): Graph {
  const oldUses = countUses(graph);
  const uses = createCounter();
  let depth = 0;

  const replace = (node: Node, b: GraphBuilder): readonly Value[] | null => {
    for (const rule of rules.get(node.kind) ?? []) {
      if (++depth > maxDepth) bug(`rules do not come to an end (last: '${rule.name}')`, node);
      const result = rule.rewrite({
        b,
        node,
        inputs: node.inputs as unknown as Inputs<Value>,
        attrs: node.attrs as never,
        uses: (value) => uses.count(value) ?? Number.POSITIVE_INFINITY,
      });
      depth--;
      if (result === null) continue;
      counts.set(rule.name, (counts.get(rule.name) ?? 0) + 1);
      return "node" in result ? [result] : result;
    }
    return null;
  };

  return rebuild(graph, undefined, {
    replace,
    onCopied: (node, values) =>
      values.forEach((value, output) => {
        uses.add(value, oldUses({ node, output }));
      }),
  });
}

/** Applies the rules to a fixpoint. */
export function rewrite(graph: Graph, rules: readonly Rule[]): PassResult {
  const index = indexRules(rules);
  const counts = new Map<string, number>();
  const total = (): number => [...counts.values()].reduce((sum, count) => sum + count, 0);
  let current = graph;
  for (let i = 0; ; i++) {
    const before = total();
    current = round(current, index, counts);
    if (total() === before) return { graph: current, counts: Object.fromEntries(counts) };
    if (i === maxRounds) bug(`${maxRounds} rounds of rules were not enough for '${graph.name}'`);
  }
}
