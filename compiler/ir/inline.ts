/** @file Copies the body of an op into the graph that a builder is making. */
import type { OpKind } from "@dlc/runtime";
import { bug } from "./bug.js";
import type { GraphBuilder } from "./builder.js";
import { reachable } from "./traverse.js";
import type { Graph, Node, Value } from "./types.js";

/** Nodes of the copied graph and what became of them. */
export type Copies = ReadonlyMap<Node, readonly Value[]>;

export function copyOf(copies: Copies, { node, output }: Value): Value {
  return copies.get(node)?.[output] ?? bug(`result ${output} was not copied`, node);
}

/**
 * Copies the nodes that `roots` reach. `known` has the values that stand for some nodes, such as
 * parameters; nothing above these is copied. Every node keeps its origin.
 */
export function copyNodes(b: GraphBuilder, roots: readonly Value[], known: Copies): Copies {
  const copies = new Map(known);
  const origin = b.origin;
  const wanted = needed(roots, known);
  for (const node of reachable(roots)) {
    if (!wanted.has(node)) continue;
    if (node.kind === "input" || node.kind === "state")
      bug("is not known where it is copied", node);
    b.origin = node.origin;
    const inputs = node.inputs.map((input) => copyOf(copies, input));
    copies.set(node, b.apply(node.kind as OpKind, inputs, node.attrs, node.optional));
  }
  b.origin = origin;
  return copies;
}

/** What `roots` need, apart from known nodes and what only those need. */
export function needed(
  roots: readonly Value[],
  known: ReadonlyMap<Node, unknown>,
): ReadonlySet<Node> {
  const found = new Set<Node>();
  const stack = roots.map(({ node }) => node);
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (found.has(node) || known.has(node)) continue;
    found.add(node);
    for (const input of node.inputs) stack.push(input.node);
  }
  return found;
}

/** The parameters' nodes that a body uses, by name. */
export function parameterNodes(body: Graph): ReadonlyMap<string, Node> {
  const nodes = reachable(body.outputs.map(({ value }) => value));
  return new Map(
    nodes.filter(({ kind }) => kind === "input").map((node) => [String(node.attrs.name), node]),
  );
}

/** Copies a body; `values` are what it is called with. */
export function inline(b: GraphBuilder, body: Graph, values: readonly Value[]): Copies {
  const nodes = parameterNodes(body);
  const known = new Map<Node, readonly Value[]>();
  for (const [i, { name }] of (body.parameters ?? []).entries()) {
    const node = nodes.get(name);
    const value = values[i] ?? bug(`nothing is given for '${name}' of a body`);
    if (node !== undefined) known.set(node, [value]);
  }
  const roots = body.outputs.map(({ value }) => value);
  return copyNodes(b, roots, known);
}
