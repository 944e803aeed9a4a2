/** @file Graphs are never changed: every pass copies its graph, deciding node by node. */
import type { ElementType, OpKind } from "@dlc/runtime";
import { bug } from "../ir/bug.js";
import { type BuilderOptions, createBuilder, type GraphBuilder } from "../ir/builder.js";
import { nodesOf } from "../ir/traverse.js";
import type { Graph, Node, Value } from "../ir/types.js";

export interface Rebuilding {
  readonly b: GraphBuilder;
  /** The node of the old graph that is being carried over. */
  readonly node: Node;
  /** Its inputs in the new graph. */
  readonly inputs: readonly Value[];
}

export interface RebuildOptions extends BuilderOptions {
  /** Builds with this builder, which then knows all nodes; `replace` has no effect on it. */
  readonly into?: GraphBuilder;
  /** The old nodes in the order to carry them over (inputs first); default: creation order. */
  readonly order?: readonly Node[];
  /** Told what became of each old node. */
  readonly onCopied?: (node: Node, values: readonly Value[]) => void;
}

/** The same node over other inputs. */
export function copyNode(b: GraphBuilder, node: Node, inputs: readonly Value[]): readonly Value[] {
  const [type] = node.types;
  if (node.kind !== "input" && node.kind !== "state") {
    return b.apply(node.kind as OpKind, inputs, node.attrs, node.optional);
  }
  if (type === undefined) return bug("has no type", node);
  const name = String(node.attrs.name);
  const dtype: ElementType = type.dtype;
  return node.kind === "state"
    ? [b.state(name, dtype, type.shape)]
    : [b.input(name, node.attrs.role as "batch" | "scalar", dtype, type.shape)];
}

/**
 * Copies a graph into a new builder, so that what nothing reaches is dropped and equal nodes become
 * one. `visit` returns the new values of a node's results, or null to copy it as it is. New nodes
 * get the origin of the old node they were made for.
 */
export function rebuild(
  graph: Graph,
  visit: (step: Rebuilding) => readonly Value[] | null = () => null,
  options: RebuildOptions = {},
): Graph {
  const b = options.into ?? createBuilder(options);
  const copies = new Map<Node, readonly Value[]>();
  const find = ({ node, output }: Value): Value =>
    copies.get(node)?.[output] ?? bug(`result ${output} was not carried over`, node);
  for (const node of options.order ?? nodesOf(graph)) {
    b.origin = node.origin;
    const inputs = node.inputs.map(find);
    const values = visit({ b, node, inputs }) ?? copyNode(b, node, inputs);
    copies.set(node, values);
    options.onCopied?.(node, values);
  }
  return {
    name: graph.name,
    outputs: graph.outputs.map((output) => ({ ...output, value: find(output.value) })),
  };
}
