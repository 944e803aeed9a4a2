/**
 * @file A graph under construction. Equal nodes and constants are made once (hash-consing), so
 * lowerings may ask for the same thing as often as they like.
 */
import { sizeOf } from "../../tensor.js";
import type {
  AttributeValue,
  GraphConstant,
  GraphDType,
  GraphNode,
  GraphTensor,
  Model,
} from "./model-proto.js";

/** A tensor of the graph. */
export interface Handle extends GraphTensor {
  /** All elements are this number, as far as is known. */
  readonly fill?: number;
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
   * is not the standard one ("ms:FusedMatMul"); inputs that are null are left out.
   */
  node(
    op: string,
    inputs: readonly (Handle | null)[],
    attributes: Readonly<Record<string, AttributeValue>>,
    results: readonly NodeResult[],
  ): readonly Handle[];
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

export function createGraph(): Graph {
  const inputs: Handle[] = [];
  const constants = new Map<string, GraphConstant>();
  const nodes: GraphNode[] = [];
  const made = new Map<string, readonly Handle[]>();
  const handles = new Map<string, Handle>();
  const producers = new Map<string, GraphNode>();
  const sources = new Map<string, NodeSource>();
  const noSource: NodeSource = { scope: "", op: "" };
  let source = noSource;

  function register(handle: Handle): Handle {
    if (handles.has(handle.name)) throw new Error(`two tensors are named ${handle.name}`);
    handles.set(handle.name, handle);
    return handle;
  }

  return {
    get source() {
      return source;
    },
    set source(value) {
      source = value;
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
      const key = `${qualified}(${nodeInputs.map((x) => x?.name ?? "").join()})${JSON.stringify(attributes)}`;
      const known = made.get(key);
      if (known !== undefined) return known;
      const colon = qualified.indexOf(":");
      const domain = colon < 0 ? "" : domains[qualified.slice(0, colon)];
      if (domain === undefined) throw new Error(`unknown operator domain in ${qualified}`);
      const op = qualified.slice(colon + 1);
      const id = nodes.length;
      const outputs = results.map((result, i) =>
        register({
          name: `${op}_${id}${i === 0 ? "" : `_${i}`}`,
          dtype: result.dtype,
          shape: result.shape,
        }),
      );
      const node: GraphNode = {
        name: `${source.scope}|${source.op}#${id}`,
        op,
        domain,
        inputs: nodeInputs.map((x) => x?.name ?? ""),
        outputs: outputs.map((output) => output.name),
        attributes,
      };
      nodes.push(node);
      sources.set(node.name, source);
      for (const output of outputs) producers.set(output.name, node);
      made.set(key, outputs);
      return outputs;
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
      const kept: GraphNode[] = [];
      for (const node of nodes.toReversed()) {
        if (!node.outputs.some((name) => needed.has(name))) continue;
        kept.push(node);
        for (const name of node.inputs) needed.add(name);
      }
      return {
        nodes: kept.reverse(),
        constants: [...constants.values()].filter((constant) => needed.has(constant.name)),
        inputs,
        outputs,
      };
    },
  };
}
