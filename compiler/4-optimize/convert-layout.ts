/**
 * @file Computes images channels-first, for targets whose convolutions want that.
 *
 * Graphs come channels-last, as specs and image files are. Convolutions and pools are switched to
 * NCHW; ops in between that work in either layout follow (image-ops.ts); where the two meet there is
 * one transpose, made once per value and placed on the smaller element type. Whatever must not
 * change (inputs, results, weights, what flatten sees) stays channels-last.
 */
import { bytesPerElement } from "@dlc/runtime";
import { bug } from "../ir/bug.js";
import { createBuilder, type GraphBuilder } from "../ir/builder.js";
import { nodesOf } from "../ir/traverse.js";
import { type Graph, type Node, type Shape, shapeOf, typeOf, type Value } from "../ir/types.js";
import { definePass } from "./define-pass.js";
import {
  type Carried,
  carriers,
  spatialOps,
  toChannelsFirst,
  toChannelsLast,
} from "./image-ops.js";
import { keepsOrder, permute, transposed } from "./match.js";
import { copyNode } from "./rebuild.js";

type Kind = keyof typeof carriers;

const isSpatial = (node: Node): boolean =>
  spatialOps[node.kind as Kind] !== undefined && node.attrs.layout === "NHWC";

/** The node's counterpart in NCHW, if it has one and deals with an image at all. */
function carriedBy(node: Node): Carried | null {
  const carry = carriers[node.kind as Kind];
  if (carry === undefined) return null;
  const values = [...node.inputs, { node, output: 0 }];
  return values.some((value) => shapeOf(value).length === 4) ? carry(node) : null;
}

/**
 * What the readers of each node want of it: 1 channels-first, −1 channels-last, 0 either or both.
 * Ops that work in either layout pass on what their own readers want.
 */
function collectWishes(graph: Graph, nodes: readonly Node[]): (node: Node) => number {
  const wishes = new Map<Node, Set<number>>();
  const wish = (value: Value, direction: number): void => {
    const shape = shapeOf(value);
    // What is not an image, or converts by a reshape, may come either way.
    if (direction === 0 || shape.length !== 4 || keepsOrder(shape, toChannelsFirst)) return;
    const known = wishes.get(value.node) ?? new Set();
    wishes.set(value.node, known.add(direction));
  };
  const total = (node: Node): number =>
    [...(wishes.get(node) ?? [])].reduce((sum, direction) => sum + direction, 0);
  for (const { value } of graph.outputs) wish(value, -1);
  for (const node of [...nodes].reverse()) {
    const spatial = isSpatial(node) ? spatialOps[node.kind as Kind] : undefined;
    const carried = spatial === undefined ? carriedBy(node) : null;
    node.inputs.forEach((input, i) => {
      if (spatial) wish(input, spatial.images.includes(i) ? 1 : -1);
      else if (carried === null) wish(input, -1);
      else if (carried.images.includes(i) && carried.imageResults.length > 0) {
        wish(input, total(node));
      }
    });
  }
  return total;
}

/** A value of the old graph in the new one: channels-last (or not an image), channels-first, or both. */
interface Forms {
  last?: Value;
  first?: Value;
}

/** Permutes an operand to channels-first; operands of lower rank broadcast, so they are padded. */
function toFirst(b: GraphBuilder, value: Value): Value {
  const shape = shapeOf(value);
  if (shape.every((dim) => dim === 1) && shape.length < 4) return value;
  const padded: Shape = [...new Array<number>(4 - shape.length).fill(1), ...shape];
  const wanted = permute(padded, toChannelsFirst);
  if (keepsOrder(padded, toChannelsFirst)) return b.reshape(value, { shape: wanted });
  return transposed(b, b.reshape(value, { shape: padded }), toChannelsFirst);
}

function createForms(b: GraphBuilder) {
  const forms = new Map<Node, Forms[]>();
  const of = ({ node, output }: Value): Forms =>
    forms.get(node)?.[output] ?? bug("was not carried over", node);
  return {
    set: (node: Node, values: readonly Forms[]): void => void forms.set(node, [...values]),
    last(value: Value): Value {
      const form = of(value);
      form.last ??= transposed(b, form.first as Value, toChannelsLast);
      return form.last;
    },
    first(value: Value): Value {
      const form = of(value);
      form.first ??= toFirst(b, form.last as Value);
      return form.first;
    },
    /** Was it computed channels-first? */
    isFirst: (value: Value): boolean => of(value).last === undefined && shapeOf(value).length === 4,
    isAnyFirst: (value: Value): boolean => of(value).first !== undefined,
  };
}

/** Is it cheaper to transpose the operands of an op than its result? */
function growsElements(node: Node, images: readonly number[]): boolean {
  const sizes = images.map((i) => bytesPerElement[typeOf(node.inputs[i] as Value).dtype]);
  return Math.max(...sizes) <= bytesPerElement[typeOf({ node, output: 0 }).dtype];
}

function convert(graph: Graph): Graph {
  const b = createBuilder();
  const nodes = nodesOf(graph);
  const wishOf = collectWishes(graph, nodes);
  const forms = createForms(b);

  /** How to compute the node channels-first, if that is what to do. */
  const choose = (node: Node): Carried | null => {
    const spatial = spatialOps[node.kind as Kind];
    if (spatial !== undefined) {
      if (node.attrs.layout !== "NHWC") return null;
      const imageResults = spatial.image ? [0] : [];
      return { images: spatial.images, attrs: { ...node.attrs, layout: "NCHW" }, imageResults };
    }
    const carried = carriedBy(node);
    if (carried === null) return null;
    const images = carried.images.map((i) => node.inputs[i] as Value);
    if (images.some(forms.isFirst)) return carried;
    return wishOf(node) > 0 && growsElements(node, carried.images) ? carried : null;
  };

  for (const node of nodes) {
    b.origin = node.origin;
    const carried = choose(node);
    const inputs = node.inputs.map((input, i) =>
      carried?.images.includes(i) ? forms.first(input) : forms.last(input),
    );
    const values =
      carried === null || node.kind === "input" || node.kind === "state"
        ? copyNode(b, node, inputs)
        : b.apply(node.kind, inputs, carried.attrs, node.optional);
    forms.set(
      node,
      values.map((value, i) =>
        carried?.imageResults.includes(i) ? { first: value } : { last: value },
      ),
    );
  }
  const outputs = graph.outputs.map((output) => ({ ...output, value: forms.last(output.value) }));
  return { name: graph.name, outputs };
}

export const convertLayout = definePass({
  name: "convert-layout",
  why: "The target computes convolutions channels-first; transposes belong to the doors only.",
  run: (graph, { layout }) => {
    if (layout === "NHWC" || !nodesOf(graph).some(isSpatial)) return { graph, counts: {} };
    const result = convert(graph);
    const count = (kind: string): number =>
      nodesOf(result).filter((node) => node.kind === kind).length;
    return { graph: result, counts: { transposes: count("transpose") } };
  },
});
