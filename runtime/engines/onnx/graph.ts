/**
 * @file A graph under construction. Equal nodes and constants are made once (hash-consing), so
 * lowerings may ask for the same thing as often as they like.
 */
import { type HalfType, sizeOf } from "../../tensor.js";
import type {
  AttributeValue,
  GraphConstant,
  GraphDType,
  GraphNode,
  GraphTensor,
  Model,
  Subgraph,
} from "./model-proto.js";

/** A tensor of the graph. */
export interface Handle extends GraphTensor {
  /** All elements are this number, as far as is known. */
  readonly fill?: number;
  /** Of f32: all elements were rounded to this type, which the tensor stands for (emulate-half.ts). */
  readonly half?: HalfType;
}

/** Where a node comes from: the layer's scope and the op of the contract it is part of. */
export interface NodeSource {
  readonly scope: string;
  readonly op: string;
}

export interface NodeResult {
  readonly dtype: GraphDType;
  readonly shape: readonly number[];
}

export interface Graph {
  /** Given to the nodes made from now on. */
  source: NodeSource;
  input(name: string, dtype: GraphDType, shape: readonly number[]): Handle;
  constant(dtype: GraphDType, shape: readonly number[], values: readonly number[]): Handle;
  /**
   * A node with its results. `op` is an operator's name, with its domain before a colon where that
   * is not the standard one ("ms:FusedMatMul"); inputs that are null are left out. A node that is
   * there already gets the results that were not asked for before (MaxPool's indices).
   */
  node(
    op: string,
    inputs: readonly (Handle | null)[],
    attributes: Readonly<Record<string, AttributeValue>>,
    results: readonly NodeResult[],
  ): readonly Handle[];
  /**
   * The body of a loop: what `build` makes of its inputs. Nodes made meanwhile that do not depend on the
   * inputs become part of the graph around it: what is the same in every step is computed once.
   */
  body(
    inputs: readonly NodeResult[],
    build: (inputs: readonly Handle[]) => readonly Handle[],
  ): Subgraph;
  /** Is a body being made? */
  readonly inBody: boolean;
  /** The node that makes a tensor; undefined for inputs and constants. */
  producer(handle: Handle): GraphNode | undefined;
  /** The handle of a tensor's name. */
  handle(name: string): Handle;
  /** Where the node of this name comes from. */
  sourceOf(nodeName: string): NodeSource | undefined;
  nodeNames(): Iterable<string>;
  /** The model that computes `outputs`, without nodes and constants that they do not need. */
  model(outputs: readonly Handle[]): Model;
}

const domains: Readonly<Record<string, string>> = {
  ms: "com.microsoft",
  nchwc: "com.microsoft.nchwc",
};

/** A graph or a body under construction. */
interface Level {
  readonly depth: number;
  readonly nodes: GraphNode[];
  readonly made: Map<string, readonly Handle[]>;
}

const createLevel = (depth: number): Level => ({ depth, nodes: [], made: new Map() });

/** The bodies among a node's attributes. */
const bodiesOf = (node: GraphNode): readonly Subgraph[] =>
  Object.values(node.attributes).flatMap((value) =>
    typeof value === "object" && "graph" in value ? [value.graph] : [],
  );

/** Everything that a node reads, in its bodies as well (where it may be made, too). */
export const readBy = (node: GraphNode): readonly string[] => [
  ...node.inputs,
  ...bodiesOf(node).flatMap((body) => [
    ...body.nodes.flatMap(readBy),
    ...body.outputs.map(({ name }) => name),
  ]),
];

/** Of nodes in order, those that lead to `needed`, which grows by what they read. */
function reaching(nodes: readonly GraphNode[], needed: Set<string>): GraphNode[] {
  const kept: GraphNode[] = [];
  for (const node of nodes.toReversed()) {
    if (!node.outputs.some((name) => needed.has(name))) continue;
    kept.push(node);
    for (const name of readBy(node)) needed.add(name);
  }
  return kept.reverse();
}

export function createGraph(): Graph {
  const inputs: Handle[] = [];
  const constants = new Map<string, GraphConstant>();
  const levels: [Level, ...Level[]] = [createLevel(0)];
  const handles = new Map<string, Handle>();
  /** Depth of the body that a tensor belongs to; 0 is the whole graph, which has no entries. */
  const depths = new Map<string, number>();
  const producers = new Map<string, GraphNode>();
  const sources = new Map<string, NodeSource>();
  const noSource: NodeSource = { scope: "", op: "" };
  let source = noSource;
  let nodeCount = 0;
  let bodyCount = 0;

  function register(handle: Handle, depth = 0): Handle {
    if (handles.has(handle.name)) throw new Error(`two tensors are named ${handle.name}`);
    handles.set(handle.name, handle);
    if (depth > 0) depths.set(handle.name, depth);
    return handle;
  }

  /** The outermost level that has all of the names. */
  function levelOf(names: readonly string[]): Level {
    const depth = Math.max(0, ...names.map((name) => depths.get(name) ?? 0));
    const level = levels[depth];
    if (level === undefined) throw new Error("a tensor of a body is used outside of it");
    return level;
  }

  return {
    get source() {
      return source;
    },
    set source(value) {
      source = value;
    },
    get inBody() {
      return levels.length > 1;
    },
    input(name, dtype, shape) {
      const handle = register({ name, dtype, shape });
      inputs.push(handle);
      return handle;
    },
    constant(dtype, shape, values) {
      if (values.length !== sizeOf(shape)) throw new Error("constant does not fill its shape");
      const key = `${dtype}[${shape.join()}]${values.join()}`;
      const known = constants.get(key);
      if (known !== undefined) return known;
      const first = values[0];
      const filled = first !== undefined && values.every((value) => value === first);
      const constant = {
        name: `c${constants.size}`,
        dtype,
        shape,
        values,
        ...(filled ? { fill: first } : {}),
      };
      constants.set(key, constant);
      return register(constant);
    },
    node(qualified, nodeInputs, attributes, results) {
      // A MaxPool with its indices is another node than one without.
      const key = `${qualified}(${nodeInputs.map((x) => x?.name ?? "").join()})${JSON.stringify(attributes)}:${results.length}`;
      const colon = qualified.indexOf(":");
      const domain = colon < 0 ? "" : domains[qualified.slice(0, colon)];
      if (domain === undefined) throw new Error(`unknown operator domain in ${qualified}`);
      const op = qualified.slice(colon + 1);
      const id = nodeCount;
      const draft = {
        name: `${source.scope}|${source.op}#${id}`,
        op,
        domain,
        inputs: nodeInputs.map((x) => x?.name ?? ""),
        outputs: results.map((_, i) => `${op}_${id}${i === 0 ? "" : `_${i}`}`),
        attributes,
      };
      // What its bodies make themselves is of no level that is still open.
      const own = new Set(bodiesOf(draft).flatMap(namesMadeIn));
      const level = levelOf(readBy(draft).filter((name) => !own.has(name)));
      const known = level.made.get(key);
      if (known !== undefined) return known;
      nodeCount++;
      const outputs = results.map(({ dtype, shape }, i) =>
        register({ name: draft.outputs[i] as string, dtype, shape }, level.depth),
      );
      level.nodes.push(draft);
      sources.set(draft.name, source);
      for (const output of outputs) producers.set(output.name, draft);
      level.made.set(key, outputs);
      return outputs;
    },
    body(types, build) {
      const depth = levels.length;
      const level = createLevel(depth);
      levels.push(level);
      try {
        const prefix = `body${bodyCount++}`;
        const given = types.map((type, i) =>
          register({ name: `${prefix}:${i}`, dtype: type.dtype, shape: type.shape }, depth),
        );
        const taken = new Set<string>();
        const outputs = build(given).map((handle, i) => {
          // A result must be made by a node of the body itself, and be a result once only.
          const made = level.nodes.some((node) => node.outputs.includes(handle.name));
          const fits = made && !taken.has(handle.name);
          if (fits) taken.add(handle.name);
          if (fits) return handle;
          const name = `${prefix}:result${i}`;
          const node: GraphNode = {
            name: `${source.scope}|${source.op}#${name}`,
            op: "Identity",
            domain: "",
            inputs: [handle.name],
            outputs: [name],
            attributes: {},
          };
          level.nodes.push(node);
          sources.set(node.name, source);
          return register({ name, dtype: handle.dtype, shape: handle.shape }, depth);
        });
        const nodes = reaching(level.nodes, new Set(outputs.map(({ name }) => name)));
        return { nodes, inputs: given, outputs };
      } finally {
        levels.pop();
      }
    },
    producer: (handle) => producers.get(handle.name),
    handle(name) {
      const handle = handles.get(name);
      if (handle === undefined) throw new Error(`no tensor is named ${name}`);
      return handle;
    },
    sourceOf: (nodeName) => sources.get(nodeName),
    nodeNames: () => sources.keys(),
    model(outputs) {
      const needed = new Set(outputs.map((output) => output.name));
      return {
        nodes: reaching(levels[0].nodes, needed),
        constants: [...constants.values()].filter((constant) => needed.has(constant.name)),
        inputs,
        outputs,
      };
    },
  };
}

/** Names of the tensors that a body makes or is given, in bodies inside of it as well. */
const namesMadeIn = (body: Subgraph): readonly string[] => [
  ...body.inputs.map(({ name }) => name),
  ...body.nodes.flatMap((node) => [...node.outputs, ...bodiesOf(node).flatMap(namesMadeIn)]),
];
