/** @file Programs that read the moving averages of weights in place of the weights. */
import type { StateSpec } from "@dlc/runtime";
import { bug } from "../diagnostics/diagnostic.js";
import { createBuilder } from "../ir/builder.js";
import { nodesOf } from "../ir/traverse.js";
import type { Graph, Node, Value } from "../ir/types.js";

export const averageName = (weight: string): string => `${weight}:average`;

/**
 * The same graph, reading `<weight>:average` wherever such a state exists: evaluation and prediction
 * with the averaged weights (Polyak & Juditsky 1992). Without averages the graph comes back as it is.
 */
export function useAverages(graph: Graph, state: Readonly<Record<string, StateSpec>>): Graph {
  const nodes = nodesOf(graph);
  const averageOf = (node: Node): string | null => {
    const average = node.kind === "state" ? averageName(String(node.attrs.name)) : "";
    return state[average] === undefined ? null : average;
  };
  if (nodes.every((node) => averageOf(node) === null)) return graph;

  const b = createBuilder();
  const made = new Map<Node, readonly Value[]>();
  const moved = ({ node, output }: Value): Value =>
    made.get(node)?.[output] ?? bug("a node comes after its inputs");
  for (const node of nodes) {
    b.origin = node.origin;
    made.set(node, copy(node));
  }

  function copy(node: Node): readonly Value[] {
    const { kind, inputs, attrs, optional, types } = node;
    if (kind !== "state" && kind !== "input") {
      return b.apply(kind, inputs.map(moved), attrs, optional);
    }
    const { dtype, shape } = types[0] ?? bug("a source has one type");
    const name = String(attrs.name);
    if (kind === "state") return [b.state(averageOf(node) ?? name, dtype, shape)];
    return [b.input(name, attrs.role === "scalar" ? "scalar" : "batch", dtype, shape)];
  }

  return {
    name: graph.name,
    outputs: graph.outputs.map((output) => ({ ...output, value: moved(output.value) })),
  };
}
