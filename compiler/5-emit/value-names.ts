/**
 * @file Names for a program's values: after the layer that computes them, the weight they update, or
 * the value they are the gradient of. All through one NameScope.
 */
import type { OpKind } from "@dlc/runtime";
import type { Graph, Node, Value } from "../ir/types.js";
import type { AnyOpDef } from "../ops/define-op.js";
import { ops } from "../ops/index.js";
import type { Identifier, NameScope } from "./name-scope.js";
import { isSource, type Section } from "./schedule.js";

const keyOf = (value: Value): string => `${value.node.id}.${value.output}`;
const snake = (kind: string): string => kind.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);
const nameOf = (node: Node): string => String(node.attrs.name);

/** `conv2d_1.kernel:m` is a name of a tensor, `conv2d_1` of a layer: both as words with `_`. */
const words = (...parts: readonly string[]): string =>
  parts.filter((part) => part !== "").join("_");

export interface ValueNames {
  /** The name of a value; throws for one that is not in the graph. */
  of(value: Value): Identifier;
}

/** Who uses each value, and which input of the user it is. */
function usesOf(nodes: readonly Node[]): Map<string, { node: Node; input: number }[]> {
  const uses = new Map<string, { node: Node; input: number }[]>();
  for (const node of nodes) {
    for (const [input, value] of node.inputs.entries()) {
      const key = keyOf(value);
      const list = uses.get(key);
      if (list === undefined) uses.set(key, [{ node, input }]);
      else list.push({ node, input });
    }
  }
  return uses;
}

/** Of an optimiser's update `apply…(p, …, g, …)`: the weight's name, if `input` is its gradient. */
function updatedWeight(node: Node, input: number): string | null {
  const inputs = (ops[node.kind as OpKind] as AnyOpDef).inputs;
  const weight = node.inputs[inputs.indexOf("p")]?.node;
  return inputs[input] === "g" && weight?.kind === "state" ? nameOf(weight) : null;
}

/** `c_0_5`, `c_minus_1` for numbers of few digits; else after the layer. */
function constantName(node: Node): string {
  const text = String(node.attrs.value);
  return typeof node.attrs.value === "number" && text.length <= 8
    ? `c_${text.replace("e+", "e").replace(/-/g, "minus_")}`
    : words(node.origin.layer, "constant");
}

/**
 * Names every value of a graph. Clear names are given first (tensors of the batch and the state,
 * results, gradients of weights, the output of each layer), then the steps in between.
 */
export function nameValues(
  graph: Graph,
  order: readonly Node[],
  sections: readonly Section[],
  scope: NameScope,
): ValueNames {
  const names = new Map<string, Identifier>();
  const uses = usesOf(order.filter((node) => !isSource(node)));
  const name = (value: Value, ...wanted: readonly [string, ...string[]]): void => {
    if (!names.has(keyOf(value))) names.set(keyOf(value), scope.unique(...wanted));
  };

  for (const node of order) {
    if (node.kind === "input" || node.kind === "state") name({ node, output: 0 }, nameOf(node));
  }
  for (const { name: result, role, value } of graph.outputs) {
    if (role === "state") name(value, words("new", result));
    else if (!isSource(value.node)) name(value, result, words(result, "output"));
  }
  for (const [key, users] of uses) {
    for (const { node, input } of users) {
      const weight = updatedWeight(node, input);
      const gradient = weight === null ? null : node.inputs[input];
      if (gradient && !isSource(gradient.node) && keyOf(gradient) === key) {
        name(gradient, `d_${weight}`);
      }
    }
  }
  for (const { phase, groups } of sections) {
    for (const { origin, nodes } of groups) {
      // What leaves the layer is its output; in the backward phase, the gradient of what it read.
      const members = new Set(nodes);
      const leaving = nodes.findLast((node) =>
        (uses.get(keyOf({ node, output: 0 })) ?? []).some((use) => !members.has(use.node)),
      );
      const value = leaving && { node: leaving, output: 0 };
      if (value === undefined || origin.layer === "") continue;
      const named = nodes.some((node) => names.has(keyOf({ node, output: 0 })));
      if (phase === "forward") {
        if (!named) name(value, origin.layer);
      } else if (phase === "backward") {
        const next = uses.get(keyOf(value))?.find((use) => !members.has(use.node))?.node;
        if (next?.origin.phase === "backward") name(value, words("d", next.origin.layer));
      }
    }
  }
  for (const node of order) {
    if (node.kind === "constant") name({ node, output: 0 }, constantName(node));
    const prefix = node.origin.phase === "backward" ? "d" : "";
    const base = words(prefix, node.origin.layer, snake(node.kind));
    node.types.forEach((_, output) => {
      name({ node, output }, output === 0 ? base : `${base}_${output}`);
    });
  }
  return {
    of: (value) => {
      const known = names.get(keyOf(value));
      if (known === undefined) throw new Error(`${value.node.kind} ${value.node.id} is unnamed`);
      return known;
    },
  };
}
