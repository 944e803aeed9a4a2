/**
 * @file A TensorFlow graph under construction. Equal nodes are made once (hash-consing), so lowerings may ask
 * for the same thing as often as they like; nodes that nothing fetched needs are left out in the end.
 *
 * Loops are the control-flow primitives of the dataflow graph (Yu et al. 2018, Dynamic Control Flow in
 * Large-Scale Machine Learning): their bodies are nodes of the same graph, which see values from outside
 * through Enter.
 */
import { sizeOf } from "../../tensor.js";
import type { Attribute, ConstantType, GraphNode, GraphType } from "./graph-def.js";

/** A tensor of the graph. */
export interface Handle {
  /** "node", or "node:1" for a node's second result. */
  readonly ref: string;
  readonly dtype: GraphType;
  readonly shape: readonly number[];
  /** All elements are this number, as far as is known. */
  readonly fill?: number;
}

/** Where a node comes from: the layer's scope and the op of the contract it is part of. */
export interface NodeSource {
  readonly scope: string;
  readonly op: string;
}
export interface NodeResult {
  readonly dtype: GraphType;
  readonly shape: readonly number[];
}

/** A loop under construction. */
export interface Frame {
  readonly name: string;
  readonly depth: number;
  /** Values from outside, as they are inside. */
  readonly entered: Map<string, Handle>;
}

export interface Graph {
  /** Given to the nodes made from now on. */
  source: NodeSource;
  readonly inBody: boolean;
  placeholder(dtype: GraphType, shape: readonly number[]): Handle;
  /** A node that another graph of the same model makes: a variable. */
  outside(ref: string, dtype: GraphType, shape: readonly number[]): Handle;
  constant(dtype: ConstantType, shape: readonly number[], values: readonly number[]): Handle;
  node(
    op: string,
    inputs: readonly Handle[],
    attributes: Readonly<Record<string, Attribute>>,
    results: readonly NodeResult[],
  ): readonly Handle[];
  /** As `node`, but never one that was made before: it does something. Runs after `after`. */
  effect(
    op: string,
    inputs: readonly Handle[],
    attributes: Readonly<Record<string, Attribute>>,
    results: readonly NodeResult[],
    after: readonly string[],
  ): { readonly name: string; readonly results: readonly Handle[] };
  /** A loop whose nodes `build` makes; its frame is open meanwhile. */
  frame<R>(build: (frame: Frame) => R): R;
  /** The first value of something that changes from step to step of the innermost loop. */
  enter(handle: Handle): Handle;
  /** The value as the innermost loop sees it. */
  inside(handle: Handle): Handle;
  /** Registers what comes out of a loop at the depth around it. */
  leave(handle: Handle): void;
  /** A node made in two steps: inputs that are made later from its result (Merge). */
  patch(name: string, inputs: readonly string[]): void;
  producer(handle: Handle): GraphNode | undefined;
  sourceOf(node: string): NodeSource | undefined;
  /** The nodes that lead to those named, in order. */
  reaching(names: readonly string[]): readonly GraphNode[];
}

/** The node of a reference, which may be a control input. */
export const nodeOf = (ref: string): string => ref.replace(/^\^/, "").replace(/:\d+$/, "");

/** Scopes as TensorFlow allows them in names. */
const safe = (scope: string): string =>
  scope.replace(/[^A-Za-z0-9_.-]/g, "_").replace(/^[^A-Za-z0-9.]/, "x");

/** `prefix` begins all names: graphs of several programs make up one model. */
export function createGraph(prefix: string): Graph {
  const nodes: GraphNode[] = [];
  const byName = new Map<string, GraphNode>();
  const sources = new Map<string, NodeSource>();
  /** Depth of the loop that a node belongs to; nodes outside of loops have no entry. */
  const depths = new Map<string, number>();
  const frames: Frame[] = [];
  /** By depth: equal nodes. */
  const made: Map<string, readonly Handle[]>[] = [new Map()];
  let source: NodeSource = { scope: "", op: "" };
  let frameCount = 0;

  const depthOf = (ref: string): number => depths.get(nodeOf(ref)) ?? 0;

  function add(
    op: string,
    inputs: readonly string[],
    attributes: GraphNode["attributes"],
    depth: number,
  ): GraphNode {
    const { scope } = source;
    const place = scope === "" ? "" : `${safe(scope)}/`;
    const node = { name: `${prefix}/${place}${op}_${nodes.length}`, op, inputs, attributes };
    nodes.push(node);
    byName.set(node.name, node);
    sources.set(node.name, source);
    if (depth > 0) depths.set(node.name, depth);
    return node;
  }
  const handles = (name: string, results: readonly NodeResult[]): readonly Handle[] =>
    results.map(({ dtype, shape }, i) => ({ ref: i === 0 ? name : `${name}:${i}`, dtype, shape }));

  /** As it is inside of the loop at `depth`: through one Enter per loop in between. */
  function seenFrom(handle: Handle, depth: number): Handle {
    let seen = handle;
    for (let level = depthOf(handle.ref); level < depth; level++) {
      const frame = frames[level] as Frame;
      const known = frame.entered.get(seen.ref);
      const inner = known ?? enterFrame(seen, frame, true);
      frame.entered.set(seen.ref, inner);
      seen = inner;
    }
    return seen;
  }
  function enterFrame(handle: Handle, frame: Frame, constant: boolean): Handle {
    const { name } = add(
      "Enter",
      [handle.ref],
      {
        T: { type: handle.dtype },
        frame_name: { string: frame.name },
        is_constant: { bool: constant },
        parallel_iterations: { int: 1 },
      },
      frame.depth,
    );
    return { ...handle, ref: name };
  }

  function place(inputs: readonly Handle[]): { depth: number; refs: string[] } {
    const depth = Math.max(0, ...inputs.map(({ ref }) => depthOf(ref)));
    if (depth > frames.length) throw new Error("a tensor of a loop is used outside of it");
    return { depth, refs: inputs.map((input) => seenFrom(input, depth).ref) };
  }

  return {
    get source() {
      return source;
    },
    set source(value) {
      source = value;
    },
    get inBody() {
      return frames.length > 0;
    },
    placeholder(dtype, shape) {
      const { name } = add("Placeholder", [], { dtype: { type: dtype }, shape: { shape } }, 0);
      return { ref: name, dtype, shape };
    },
    outside: (ref, dtype, shape) => ({ ref, dtype, shape }),
    constant(dtype, shape, values) {
      if (values.length !== sizeOf(shape)) throw new Error("constant does not fill its shape");
      const key = `${dtype}[${shape.join()}]${values.join()}`;
      const known = made[0]?.get(key)?.[0];
      if (known !== undefined) return known;
      const [first] = values;
      const tensor = { dtype, shape, values };
      const { name } = add("Const", [], { dtype: { type: dtype }, value: { tensor } }, 0);
      const filled = first !== undefined && values.every((value) => value === first);
      const handle: Handle = { ref: name, dtype, shape, ...(filled ? { fill: first } : {}) };
      made[0]?.set(key, [handle]);
      return handle;
    },
    node(op, inputs, attributes, results) {
      const { depth, refs } = place(inputs);
      const key = `${op}(${refs.join()})${JSON.stringify(attributes)}`;
      const level = made[depth] as Map<string, readonly Handle[]>;
      const known = level.get(key);
      if (known !== undefined && known.length >= results.length) return known;
      const list = handles(add(op, refs, attributes, depth).name, results);
      level.set(key, list);
      return list;
    },
    effect(op, inputs, attributes, results, after) {
      const { depth, refs } = place(inputs);
      const control = after.map((name) => `^${nodeOf(name)}`);
      const { name } = add(op, [...refs, ...new Set(control)], attributes, depth);
      return { name, results: handles(name, results) };
    },
    frame(build) {
      const depth = frames.length + 1;
      const frame: Frame = { name: `${prefix}/loop${frameCount++}`, depth, entered: new Map() };
      frames.push(frame);
      made[depth] = new Map();
      const result = build(frame);
      frames.pop();
      made.length = depth;
      return result;
    },
    enter(handle) {
      const frame = frames.at(-1);
      if (frame === undefined) throw new Error("there is no loop to enter");
      return enterFrame(seenFrom(handle, frame.depth - 1), frame, false);
    },
    inside: (handle) => seenFrom(handle, frames.length),
    leave(handle) {
      const depth = depthOf(handle.ref) - 1;
      if (depth > 0) depths.set(nodeOf(handle.ref), depth);
      else depths.delete(nodeOf(handle.ref));
    },
    patch(name, inputs) {
      const node = byName.get(name);
      if (node === undefined) throw new Error(`there is no node ${name}`);
      const patched = { ...node, inputs };
      nodes[nodes.indexOf(node)] = patched;
      byName.set(name, patched);
    },
    producer: ({ ref }) => byName.get(nodeOf(ref)),
    sourceOf: (node) => sources.get(node),
    reaching(names) {
      const needed = new Set<string>();
      const open = names.map(nodeOf);
      for (let name = open.pop(); name !== undefined; name = open.pop()) {
        if (needed.has(name)) continue;
        needed.add(name);
        open.push(...(byName.get(name)?.inputs ?? []).map(nodeOf));
      }
      return nodes.filter(({ name }) => needed.has(name));
    },
  };
}
