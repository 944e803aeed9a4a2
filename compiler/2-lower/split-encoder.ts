/**
 * @file Cuts a graph that runs many times in two: what does not depend on the inputs that change is
 * computed once. A decoder takes its encoder's results at every step; without the cut each step would
 * encode anew.
 */
import { rebuild } from "../4-optimize/rebuild.js";
import { createBuilder, type GraphBuilder } from "../ir/builder.js";
import { nodesOf } from "../ir/traverse.js";
import { type Graph, type Node, shapeOf, typeOf, type Value } from "../ir/types.js";

export interface Split {
  /** Its outputs are inputs of the other. */
  readonly before: Graph;
  readonly step: Graph;
}

const isSource = ({ kind }: Node): boolean =>
  kind === "input" || kind === "state" || kind === "constant";

/** Nodes that a source of some kind leads to. */
function reachedFrom(nodes: readonly Node[], from: (node: Node) => boolean): ReadonlySet<Node> {
  const found = new Set<Node>();
  for (const node of nodes) {
    if (from(node) || node.inputs.some((input) => found.has(input.node))) found.add(node);
  }
  return found;
}

/**
 * The axis of the examples, of values with one: they can be handed over as rows of examples, and repeated
 * for several beginnings of one example. -1: the value is none of these.
 */
function batchAxis(value: Value): number {
  const { dtype, shape } = typeOf(value);
  const dynamic = shape.filter((dim) => typeof dim !== "number");
  return dtype !== "bool" && dynamic.length === 1 ? shape.indexOf("n") : -1;
}

const axesOf = (value: Value): readonly number[] => shapeOf(value).map((_, axis) => axis);

/** With the examples first. Sequences that a loop reads have their steps there. */
function rowsOf(b: GraphBuilder, value: Value): Value {
  const axis = batchAxis(value);
  if (axis === 0) return value;
  const others = axesOf(value).filter((other) => other !== axis);
  return b.transpose(value, { perm: [axis, ...others] });
}

/** A value of another graph, from its rows. */
function fromRows(b: GraphBuilder, name: string, value: Value): Value {
  const axis = batchAxis(value);
  const { dtype, shape } = typeOf(value);
  const others = axesOf(value).filter((other) => other !== axis);
  const order = [axis, ...others];
  const rows = b.input(
    name,
    "batch",
    dtype,
    order.map((from) => shape[from] ?? 1),
  );
  if (axis === 0) return rows;
  return b.transpose(rows, { perm: axesOf(value).map((to) => order.indexOf(to)) });
}

/** Null where there is nothing worth it: no weights are used before the inputs that change. */
export function withoutSteps(graph: Graph, changing: ReadonlySet<string>): Split | null {
  const nodes = nodesOf(graph);
  const perStep = reachedFrom(
    nodes,
    ({ kind, attrs }) => kind === "input" && changing.has(String(attrs.name)),
  );
  const ofBatch = reachedFrom(
    nodes,
    ({ kind, attrs }) => kind === "input" && attrs.role === "batch",
  );
  const ofWeights = reachedFrom(nodes, ({ kind }) => kind === "state");
  /** Values to hand over, by node and result. */
  const cut = new Map<Node, Map<number, string>>();

  function demand(value: Value): void {
    const { node, output } = value;
    if (perStep.has(node) || isSource(node)) return;
    // What is the same for all examples, or as good as read from the inputs, is not worth handing over.
    if (ofBatch.has(node) && ofWeights.has(node) && batchAxis(value) >= 0) {
      const outputs = cut.get(node) ?? new Map<number, string>();
      cut.set(node, outputs);
      if (!outputs.has(output)) outputs.set(output, `generate.encoded_${count(cut)}`);
      return;
    }
    for (const input of node.inputs) demand(input);
  }
  for (const node of nodes) {
    if (perStep.has(node)) for (const input of node.inputs) demand(input);
  }
  if (cut.size === 0) return null;

  const b = createBuilder();
  const values = [...cut].flatMap(([node, outputs]) =>
    [...outputs].map(([output, name]) => ({ name, value: { node, output } })),
  );
  const copied = rebuild(
    {
      name: "encode",
      outputs: values.map((one) => ({ ...one, role: "output" as const })),
    },
    undefined,
    { into: b },
  );
  const before: Graph = {
    ...copied,
    outputs: copied.outputs.map((one) => ({ ...one, value: rowsOf(b, one.value) })),
  };
  const step = rebuild(graph, (rebuilding) => {
    const outputs = cut.get(rebuilding.node);
    if (outputs === undefined) return null;
    return rebuilding.node.types.map((_, output) => {
      const name = outputs.get(output);
      // A result that no step reads needs no value, but a place in the list.
      if (name === undefined) return rebuilding.b.constant({ dtype: "f32", shape: [], value: 0 });
      return fromRows(rebuilding.b, name, { node: rebuilding.node, output });
    });
  });
  return { before, step };
}

const count = (cut: ReadonlyMap<Node, ReadonlyMap<number, string>>): number =>
  [...cut.values()].reduce((sum, outputs) => sum + outputs.size, 1);
