/**
 * @file Builds graphs: the op contract over graph values. Equal nodes are made once (hash-consing),
 * so that gradients may ask for the same value freely; shapes are inferred as nodes are made.
 */
import type { ElementType, OpKind } from "@dlc/runtime";
import type { AnyOpDef, Builder, Inputs } from "../ops/define-op.js";
import { opKinds, ops } from "../ops/index.js";
import type { Origin } from "./origin.js";
import { noOrigin } from "./origin.js";
import { printGraph } from "./print.js";
import { resultName } from "./text.js";
import { reachable } from "./traverse.js";
import type {
  Attributes,
  Graph,
  Node,
  NodeKind,
  Parameter,
  Shape,
  TensorType,
  Value,
} from "./types.js";
import { isGraph, typeOf } from "./types.js";

export interface GraphBuilder extends Builder {
  /** Origin given to the nodes made from now on. */
  origin: Origin;
  /** A tensor of the batch, or a scalar fed with each call. */
  input(name: string, role: "batch" | "scalar", dtype: ElementType, shape: Shape): Value;
  /** A tensor that outlives the call. */
  state(name: string, dtype: ElementType, shape: Shape): Value;
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
  /**
   * Makes the body of an op: what is built inside of `build` belongs to it. Values from outside that
   * are used there become further parameters: `closure` lists them, to be added to the op's inputs.
   */
  trace<K>(
    parameters: readonly Parameter[],
    build: (...values: Value[]) => { readonly results: readonly Value[]; readonly kept: K },
  ): { readonly body: Graph; readonly closure: readonly Value[]; readonly kept: K };
}

/** Nodes that may be used together: those of a graph, or of the body of one of its ops. */
interface Scope {
  readonly outer: Scope | null;
  readonly made: Map<string, Node>;
  readonly results: Map<Node, readonly Value[]>;
  /** Nodes of a body; others are outside of it. */
  readonly own: Set<Node>;
  /** Values from outside, and the inputs that stand for them in here. */
  readonly lifted: Map<Node, Map<number, Value>>;
  /** Of those inputs: the values that they stand for. */
  readonly outside: Map<Node, Value>;
  readonly closure: { readonly outside: Value; readonly parameter: Parameter }[];
  nextId: number;
}

const createScope = (outer: Scope | null): Scope => ({
  outer,
  made: new Map(),
  results: new Map(),
  own: new Set(),
  lifted: new Map(),
  outside: new Map(),
  closure: [],
  nextId: 0,
});

const bodyTexts = new WeakMap<Graph, string>();
function textOf(body: Graph): string {
  const text = bodyTexts.get(body) ?? printGraph(body);
  bodyTexts.set(body, text);
  return text;
}

const valueKey = (value: Value): string => `${value.node.id}.${value.output}`;

/** Attributes as text, with keys in a fixed order, for comparing nodes. */
function attributesKey(attrs: Attributes): string {
  return JSON.stringify(
    Object.keys(attrs)
      .sort()
      .map((key) => [key, attrs[key]]),
    // JSON has no words for these.
    (_, value: unknown) => {
      if (isGraph(value)) return textOf(value);
      return typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0))
        ? `number ${Object.is(value, -0) ? "-0" : value}`
        : value;
    },
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
  const root = createScope(null);
  let scope = root;
  let origin: Origin = noOrigin;

  function make(
    kind: NodeKind,
    inputs: readonly Value[],
    optional: readonly string[],
    attrs: Attributes,
    infer: () => readonly TensorType[],
  ): Node {
    const key = `${kind}(${inputs.map(valueKey).join()})${optional.join()}${attributesKey(attrs)}`;
    const known = scope.made.get(key);
    if (known !== undefined) return known;
    const types = infer();
    const node: Node = { id: scope.nextId++, kind, inputs, optional, attrs, types, origin };
    scope.made.set(key, node);
    scope.own.add(node);
    return node;
  }

  /** The value as it is called in the scope at hand: one from outside becomes a parameter. */
  function lift(value: Value, into: Scope = scope): Value {
    if (into.outer === null || into.own.has(value.node)) return value;
    const known = into.lifted.get(value.node)?.get(value.output);
    if (known !== undefined) return known;
    const outside = lift(value, into.outer);
    const { kind, attrs } = value.node;
    const name = kind === "state" ? String(attrs.name) : `from_outside${into.closure.length}`;
    const parameter = { name, type: typeOf(value) };
    const inside = parameterIn(into, parameter);
    into.lifted.set(
      value.node,
      (into.lifted.get(value.node) ?? new Map()).set(value.output, inside),
    );
    into.outside.set(inside.node, value);
    into.closure.push({ outside, parameter });
    return inside;
  }

  function parameterIn(into: Scope, { name, type }: Parameter): Value {
    const before = scope;
    scope = into;
    const attrs = { name, role: "batch", dtype: type.dtype };
    const node = make("input", [], [], attrs, () => [type]);
    scope = before;
    return { node, output: 0 };
  }

  /** Inputs and state belong to the whole graph: a body gets them from outside. */
  function source(
    kind: "input" | "state",
    attrs: Attributes,
    dtype: ElementType,
    shape: Shape,
  ): Value {
    const before = scope;
    scope = root;
    const node = make(kind, [], [], attrs, () => [{ dtype, shape }]);
    scope = before;
    return lift({ node, output: 0 });
  }

  /** In a body: what depends on values from outside alone is computed there, once for all steps. */
  function beforeLoop(
    kind: OpKind,
    given: readonly Value[],
    attrs: Attributes,
    optional: readonly string[],
  ): readonly Value[] | null {
    const body = scope;
    if (body.outer === null || given.length === 0) return null;
    const outside = given.flatMap((value) =>
      body.own.has(value.node) ? (body.outside.get(value.node) ?? []) : [value],
    );
    if (outside.length < given.length) return null;
    scope = body.outer;
    try {
      return apply(kind, outside, attrs, optional).map((value) => lift(value, body));
    } finally {
      scope = body;
    }
  }

  function apply(
    kind: OpKind,
    given: readonly Value[],
    attrs: Attributes,
    optional: readonly string[] = [],
  ): readonly Value[] {
    const definition: AnyOpDef = ops[kind];
    const early = beforeLoop(kind, given, attrs, optional);
    if (early !== null) return early;
    const inputs = given.map((value) => lift(value));
    const node = make(kind, inputs, optional, attrs, () =>
      definition.infer(inputs.map(typeOf) as unknown as Inputs<TensorType>, attrs, optional),
    );
    const { results } = scope;
    const known = results.get(node);
    if (known !== undefined) return known;
    const values =
      options.replace?.(node, builder) ?? node.types.map((_, output) => ({ node, output }));
    results.set(node, values);
    return values;
  }

  function trace<K>(
    parameters: readonly Parameter[],
    build: (...values: Value[]) => { readonly results: readonly Value[]; readonly kept: K },
  ): { readonly body: Graph; readonly closure: readonly Value[]; readonly kept: K } {
    const outer = scope;
    const around = origin;
    const inner = createScope(outer);
    scope = inner;
    try {
      const { results, kept } = build(...parameters.map((entry) => parameterIn(inner, entry)));
      const outputs = results.map((value, i) => ({
        name: resultName(i),
        role: "output" as const,
        value: lift(value),
      }));
      // Some were only read by what is computed before the loop.
      const read = new Set(
        reachable(outputs.map(({ value }) => value)).map(({ attrs }) => attrs.name),
      );
      const closure = inner.closure.filter(({ parameter }) => read.has(parameter.name));
      const lifted = closure.map(({ parameter }) => parameter);
      const body = { name: "", parameters: [...parameters, ...lifted], outputs };
      return { body, closure: closure.map(({ outside }) => outside), kept };
    } finally {
      scope = outer;
      origin = around;
    }
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
      const closure = definition.body === undefined ? [] : traceBody(definition, required, attrs);
      const results = apply(kind, [...required, ...closure, ...extra], attrs, optional);
      return results.length === 1 && definition.body === undefined ? results[0] : results;
    };
  }

  /** Turns the callback `attrs.body` into a graph; returns the values from outside that it uses. */
  function traceBody(
    { body: parametersOf }: AnyOpDef,
    inputs: readonly Value[],
    attrs: Record<string, unknown>,
  ): readonly Value[] {
    const build = attrs.body as (...values: Value[]) => readonly Value[];
    const parameters = parametersOf?.(inputs.map(typeOf), attrs) ?? [];
    const { body, closure } = trace(parameters, (...values) => ({
      results: build(...values),
      kept: null,
    }));
    attrs.body = body;
    return closure;
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
    trace,
  };
  return builder;
}
