/**
 * @file Names for a program's values: after the layer that computes them, the weight they update, or
 * the value they are the gradient of. All through one NameScope.
 */
import type { OpKind } from "@dlc/runtime";
import type { Graph, Node, Value } from "../ir/types.js";
import type { AnyOpDef } from "../ops/define-op.js";
import { ops } from "../ops/index.js";
import type { Identifier, NameScope } from "./name-scope.js";
import { isSource, type Phase, type Section } from "./schedule.js";

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

type Uses = ReadonlyMap<string, readonly { readonly node: Node; readonly input: number }[]>;

class Namer {
  readonly #names = new Map<string, Identifier>();
  readonly #scope: NameScope;
  readonly #uses: Uses;
  /** Layers whose output has its name. */
  readonly #layers = new Set<string>();
  constructor(scope: NameScope, uses: Uses) {
    this.#scope = scope;
    this.#uses = uses;
  }

  #name(value: Value, ...wanted: readonly [string, ...string[]]): void {
    const key = keyOf(value);
    if (!this.#names.has(key)) this.#names.set(key, this.#scope.unique(...wanted));
  }

  /** Tensors that come from outside go by their own names. */
  sources(order: readonly Node[]): void {
    for (const node of order) {
      if (node.kind === "input" || node.kind === "state") {
        this.#name({ node, output: 0 }, nameOf(node));
      }
    }
  }

  results(graph: Graph): void {
    for (const { name, role, value } of graph.outputs) {
      if (role === "state") this.#name(value, words("new", name));
      else if (!isSource(value.node)) this.#name(value, name, words(name, "output"));
    }
  }

  /** What an optimiser updates a weight with is the weight's gradient. */
  gradients(order: readonly Node[]): void {
    for (const node of order) {
      node.inputs.forEach((value, input) => {
        const weight = updatedWeight(node, input);
        if (weight !== null && !isSource(value.node)) this.#name(value, words("d", weight));
      });
    }
  }

  /** What leaves a layer is its output; in the backward phase, the gradient of what it read. */
  layer(phase: Phase, { origin, nodes }: Section["groups"][number]): void {
    if (origin.layer === "" || phase === "update") return;
    const members = new Set(nodes);
    const readers = (node: Node): readonly Node[] =>
      (this.#uses.get(keyOf({ node, output: 0 })) ?? [])
        .map((use) => use.node)
        .filter((reader) => !members.has(reader));
    const last = nodes.findLast((node) => readers(node).length > 0);
    if (last === undefined) return;
    const value = { node: last, output: 0 };
    if (phase === "backward") {
      const [reader] = readers(last);
      if (reader?.origin.phase === "backward") this.#name(value, words("d", reader.origin.layer));
    } else if (
      !this.#layers.has(origin.layer) &&
      nodes.every((node) => !this.#names.has(keyOf({ node, output: 0 })))
    ) {
      this.#layers.add(origin.layer);
      this.#name(value, origin.layer);
    }
  }

  /** Steps in between: layer and operation. */
  rest(order: readonly Node[]): void {
    for (const node of order) {
      if (node.kind === "constant") this.#name({ node, output: 0 }, constantName(node));
      const prefix = node.origin.phase === "backward" ? "d" : "";
      const base = words(prefix, node.origin.layer, snake(node.kind));
      node.types.forEach((_, output) => {
        this.#name({ node, output }, output === 0 ? base : `${base}_${output}`);
      });
    }
  }

  of(value: Value): Identifier {
    const known = this.#names.get(keyOf(value));
    if (known === undefined) throw new Error(`${value.node.kind} ${value.node.id} is unnamed`);
    return known;
  }
}

/**
 * Names every value of a graph. Clear names are given first (tensors of the batch and the state,
 * results, gradients of weights, the output of each layer), then those of the steps in between.
 */
export function nameValues(
  graph: Graph,
  order: readonly Node[],
  sections: readonly Section[],
  scope: NameScope,
): ValueNames {
  const namer = new Namer(scope, usesOf(order));
  namer.sources(order);
  namer.results(graph);
  namer.gradients(order);
  for (const { phase, groups } of sections) {
    // From the last: a layer's nodes may stand in several places, its output in the last of them.
    for (const group of groups.toReversed()) namer.layer(phase, group);
  }
  namer.rest(order);
  return namer;
}
