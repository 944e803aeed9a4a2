/** @file When each value is needed last, and how much memory that takes. An analysis, not a rewrite. */
import { bytesPerElement } from "@dlc/runtime";
import { concreteDim, product } from "../ir/shape.js";
import type { Graph, Node, TensorType, Value } from "../ir/types.js";
import { orderNodes } from "./order-nodes.js";

export interface LifetimePlan {
  /** The order that the plan is for. */
  readonly order: readonly Node[];
  /** Position in `order` of the last node that reads a result of this one; results live to the end. */
  readonly lastUse: ReadonlyMap<Node, number>;
  /** Largest number of bytes of intermediate values and results alive at once, for a batch of n. */
  readonly peakBytes: (n: number) => number;
  /** Position in `order` where that is reached. */
  readonly peakAt: (n: number) => number;
  /** Bytes of batch tensors, scalars and state that are fed in. */
  readonly inputBytes: (n: number) => number;
}

const bytesOf = ({ dtype, shape }: TensorType, n: number): number =>
  concreteDim(product(shape), n) * bytesPerElement[dtype];

const isSource = (node: Node): boolean => node.kind === "input" || node.kind === "state";

/** A reshape is another view of the same memory: the node that owns it. */
function owner(value: Value): Node {
  let { node } = value;
  while (node.kind === "reshape" && node.inputs[0] !== undefined) node = node.inputs[0].node;
  return node;
}

/** Lifetimes for a given order of the nodes (default: the natural reading order). */
export function planLifetimes(graph: Graph, order = orderNodes(graph)): LifetimePlan {
  const lastUse = new Map<Node, number>();
  const ownerLastUse = new Map<Node, number>();
  const read = (value: Value, at: number): void => {
    lastUse.set(value.node, at);
    ownerLastUse.set(owner(value), at);
  };
  order.forEach((node, at) => {
    // A result that nothing reads is gone at once.
    lastUse.set(node, at);
    if (owner({ node, output: 0 }) === node) ownerLastUse.set(node, at);
    for (const input of node.inputs) read(input, at);
  });
  for (const { value } of graph.outputs) read(value, order.length);

  const sweep = (n: number): { peak: number; at: number } => {
    const freed = new Map<number, number>();
    let [alive, peak, peakAt] = [0, 0, 0];
    order.forEach((node, at) => {
      if (!isSource(node) && node.kind !== "reshape") {
        const bytes = node.types.reduce((sum, type) => sum + bytesOf(type, n), 0);
        const end = ownerLastUse.get(node) ?? at;
        freed.set(end, (freed.get(end) ?? 0) + bytes);
        alive += bytes;
      }
      if (alive > peak) [peak, peakAt] = [alive, at];
      alive -= freed.get(at) ?? 0;
    });
    return { peak, at: peakAt };
  };
  return {
    order,
    lastUse,
    peakBytes: (n) => sweep(n).peak,
    peakAt: (n) => sweep(n).at,
    inputBytes: (n) =>
      order
        .filter(isSource)
        .flatMap((node) => node.types)
        .reduce((sum, type) => sum + bytesOf(type, n), 0),
  };
}
