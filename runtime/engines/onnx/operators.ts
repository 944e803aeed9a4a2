/** @file Lists of operators that a device runs itself, and the check that a recorded graph keeps to one. */
import type { Graph } from "./graph.js";
import type { GraphDType, GraphNode, Subgraph } from "./model-proto.js";

/**
 * Operator (with its domain before a colon where it is not the standard one) to the types of its first input
 * (of its result for operators without one) that have a kernel.
 */
export type OperatorList = Readonly<Record<string, readonly GraphDType[]>>;

const prefixes: Readonly<Record<string, string>> = {
  "": "",
  "com.microsoft": "ms:",
  "com.microsoft.nchwc": "nchwc:",
};

export const qualifiedName = ({ op, domain }: GraphNode): string => `${prefixes[domain]}${op}`;

/** The type that decides whether a node has a kernel. Where's is that of its choices. */
function decidingType(graph: Graph, node: GraphNode): GraphDType {
  const name = node.inputs[node.op === "Where" ? 1 : 0] ?? node.outputs[0];
  return graph.handle(name as string).dtype;
}

/** Throws for the first node that `list` does not have: a lowering asked for what the target lacks. */
export function checkOperators(graph: Graph, model: Subgraph, list: OperatorList): void {
  for (const node of model.nodes) {
    const name = qualifiedName(node);
    const dtype = decidingType(graph, node);
    if (list[name]?.includes(dtype)) continue;
    const { scope = "", op = "" } = graph.sourceOf(node.name) ?? {};
    throw new Error(`${name} of ${dtype} in ${op} of layer '${scope}' does not run on the device`);
  }
}
