/**
 * @file Builds graphs: the op contract over graph values. Equal nodes are made once (hash-consing),
 * so that gradients may ask for the same value freely; shapes are inferred as nodes are made.
 */
import type { DType, OpKind } from "@dlc/runtime";
import type { AnyOpDef, Builder, Inputs } from "../ops/define-op.js";
import { opKinds, ops } from "../ops/index.js";
import type { Origin } from "./origin.js";
import { noOrigin } from "./origin.js";
import type { Attributes, Node, NodeKind, Shape, TensorType, Value } from "./types.js";
import { typeOf } from "./types.js";

export interface GraphBuilder extends Builder {
  /** Origin given to the nodes made from now on. */
  origin: Origin;
  /** A tensor of the batch, or a scalar fed with each call. */
  input(name: string, role: "batch" | "scalar", dtype: DType, shape: Shape): Value;
  /** A tensor that outlives the call. */
  state(name: string, dtype: DType, shape: Shape): Value;
  /**
   * Any op by name: generic code (passes, autodiff, parsing) makes nodes with this.
   * `inputs` are the required ones, then the optional ones named in `optional`.
   */
  apply(
    kind: OpKind,
    inputs: readonly Value[],
    attrs: Attributes,
    optional?: readonly string[],
  ): readonly Value[];
}

const valueKey = (value: Value): string => `${value.node.id}.${value.output}`;

/** Attributes as text, with keys in a fixed order, for comparing nodes. */
function attributesKey(attrs: Attributes): string {
  return JSON.stringify(
    Object.keys(attrs)
      .sort()
      .map((key) => [key, attrs[key]]),
    // JSON has no words for these.
    (_, value: unknown) =>
      typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0))
        ? `number ${Object.is(value, -0) ? "-0" : value}`
        : value,
  );
}

export interface BuilderOptions {
  /**
   * Asked once for every new op node; the values it returns (one per result) take the node's place.
   * It may build nodes, which are asked about in their turn: rewriting and legalisation work this way.
   */
  readonly replace?: (node: Node, b: GraphBuilder) => readonly Value[] | null;
}

export function createBuilder(options: BuilderOptions = {}): GraphBuilder {
  const made = new Map<string, Node>();
  const results = new Map<Node, readonly Value[]>();
  let nextId = 0;
  let origin: Origin = noOrigin;

  function make(
    kind: NodeKind,
    inputs: readonly Value[],
    optional: readonly string[],
    attrs: Attributes,
    infer: () => readonly TensorType[],
  ): Node {
    const key = `${kind}(${inputs.map(valueKey).join()})${optional.join()}${attributesKey(attrs)}`;
    const known = made.get(key);
    if (known !== undefined) return known;
    const node: Node = { id: nextId++, kind, inputs, optional, attrs, types: infer(), origin };
    made.set(key, node);
    return node;
  }

  function source(kind: "input" | "state", attrs: Attributes, dtype: DType, shape: Shape): Value {
    return { node: make(kind, [], [], attrs, () => [{ dtype, shape }]), output: 0 };
  }

  function apply(
    kind: OpKind,
    inputs: readonly Value[],
    attrs: Attributes,
    optional: readonly string[] = [],
  ): readonly Value[] {
    const definition: AnyOpDef = ops[kind];
    const node = make(kind, inputs, optional, attrs, () =>
      definition.infer(inputs.map(typeOf) as unknown as Inputs<TensorType>, attrs, optional),
    );
    const known = results.get(node);
    if (known !== undefined) return known;
    const values =
      options.replace?.(node, builder) ?? node.types.map((_, output) => ({ node, output }));
    results.set(node, values);
    return values;
  }

  /** The contract's method for an op: splits its options into attributes and optional tensors. */
  function method(kind: OpKind): (...args: unknown[]) => unknown {
    const definition: AnyOpDef = ops[kind];
    const count = definition.variadic ? 1 : definition.inputs.length;
    return (...args) => {
      const required = definition.variadic
        ? (args[0] as Value[])
        : (args.slice(0, count) as Value[]);
      const attrs: Record<string, unknown> = { ...(args[count] as object | undefined) };
      const optional = (definition.optional ?? []).filter((name) => attrs[name] !== undefined);
      const extra = optional.map((name) => attrs[name] as Value);
      for (const name of definition.optional ?? []) delete attrs[name];
      const results = apply(kind, [...required, ...extra], attrs, optional);
      return results.length === 1 ? results[0] : results;
    };
  }

  const methods = Object.fromEntries(opKinds.map((kind) => [kind, method(kind)]));
  const builder: GraphBuilder = {
    ...(methods as unknown as Builder),
    scope: () => {},
    get origin() {
      return origin;
    },
    set origin(value: Origin) {
      origin = value;
    },
    input: (name, role, dtype, shape) => source("input", { name, role, dtype }, dtype, shape),
    state: (name, dtype, shape) => source("state", { name, dtype }, dtype, shape),
    apply,
  };
  return builder;
}
