/** @file Records a program for one batch size as nodes of a TensorFlow graph, with what to feed and fetch. */
import { hostType } from "../../half.js";
import type { OpKind } from "../../ops.js";
import { type Program, skippedOutput } from "../../program.js";
import type { DType, ElementType } from "../../tensor.js";
import { arrive, depart } from "./carry.js";
import { createGraph, type Graph, type Handle } from "./graph.js";
import type { GraphNode } from "./graph-def.js";
import { createPrimitives, type Primitives } from "./primitives.js";
import { createRecorder, type RecordedOp } from "./recorder.js";
import { createVariables, type VariableType } from "./variables.js";

/** An input or result: the graph's tensor, and the contract's. */
export interface Port {
  /** "node:0" */
  readonly tensor: string;
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
}
export interface TracePort extends Port {
  readonly scope: string;
  readonly op: OpKind;
}

export interface Output extends Port {
  /** The program's tensor that it is. */
  readonly source: string;
}

export interface Recording {
  readonly graph: Graph;
  /** The ops of the program, but for those in loops. */
  readonly calls: readonly RecordedOp[];
  readonly nodes: readonly GraphNode[];
  readonly inputs: readonly Port[];
  readonly scalars: readonly Port[];
  readonly outputs: readonly Output[];
  /** Fetching it writes the new state; null where nothing is written. */
  readonly done: string | null;
  /**
   * Fed with true, the state is written whatever comes out; with false, the run fails at `check` where a step may
   * be refused (see `gateOf`), and nothing is written. null: what may be refused is not known, or nothing is written.
   */
  readonly force: string | null;
  readonly check: string | null;
  readonly trace: readonly TracePort[];
}

export type StateTypes = Readonly<Record<string, VariableType>>;

/** `prefix` tells the programs of a model apart. */
export function recordProgram(
  program: Program,
  batch: number,
  state: StateTypes,
  { prefix, device, trace = false }: { prefix: string; device: string; trace?: boolean },
): Recording {
  const graph = createGraph(prefix);
  const p = createPrimitives(graph, device);
  const variables = createVariables(graph, p, state, !trace);
  const ops: RecordedOp[] = [];
  const recorder = createRecorder(graph, p, variables, (op) => ops.push(op));

  function feed(name: string, dtype: DType, shape: readonly number[]): [Port, Handle] {
    const { tensor, value } = arrive(p, dtype, shape);
    return [{ tensor, name, dtype, shape }, value];
  }
  const inputs = Object.entries(program.inputs).map(([name, { dtype, shape }]) =>
    feed(
      name,
      dtype,
      shape.map((dim) => (dim === "n" ? batch : dim)),
    ),
  );
  const scalars = Object.entries(program.scalars).map(([name, dtype]) => feed(name, dtype, []));
  const named = (fed: readonly [Port, Handle][]): Record<string, Handle> =>
    Object.fromEntries(fed.map(([{ name }, handle]) => [name, handle]));
  const results = program.run(recorder, {
    inputs: named(inputs),
    scalars: named(scalars),
    state: Object.fromEntries(program.reads.map((name) => [name, variables.read(name)])),
    n: batch,
  });

  graph.source = { scope: "", op: "result" };
  function fetch(name: string, handle: Handle | undefined, what: string): Output {
    if (handle === undefined)
      throw new Error(`program ${program.name} lacks its ${what} '${name}'`);
    const out = depart(p, handle);
    const own = graph.effect("Identity", [out], { T: { type: out.dtype } }, [out], []);
    return {
      tensor: `${own.name}:0`,
      source: handle.ref,
      name,
      dtype: hostType(handle.dtype as ElementType),
      shape: handle.shape,
    };
  }
  const outputs = Object.keys(program.outputs).map((name) =>
    fetch(name, results.outputs[name], "output"),
  );
  const newState = Object.fromEntries(
    program.updates.map((name) => {
      const value = results.state[name];
      if (value === undefined) throw new Error(`program ${program.name} lacks its state '${name}'`);
      return [name, value];
    }),
  );
  const gate = trace || program.updates.length === 0 ? null : gateOf(graph, p, results.outputs);
  const writers = variables.finish(newState, gate === null ? [] : [gate.check]);
  const done =
    writers.length === 0
      ? null
      : graph.effect(
          "Identity",
          [p.scalar(1)],
          { T: { type: "f32" } },
          [{ dtype: "f32", shape: [] }],
          writers,
        ).name;
  const traced = trace
    ? computed(ops).map((one) => ({ ...fetch("", one.handle, "value"), ...one }))
    : [];
  const fetched = [...outputs, ...traced].map(({ tensor }) => tensor);
  return {
    graph,
    calls: ops,
    nodes: graph.reaching([
      ...fetched,
      ...(done === null ? [] : [done]),
      ...[...inputs, ...scalars].map(([{ tensor }]) => tensor),
      ...(gate === null ? [] : [gate.force]),
    ]),
    inputs: inputs.map(([port]) => port),
    scalars: scalars.map(([port]) => port),
    outputs,
    done: done === null ? null : `${done}:0`,
    force: gate === null ? null : `${gate.force}:0`,
    check: gate?.check ?? null,
    trace: traced,
  };
}

/**
 * An assertion that nobody will refuse the step, or that it does not matter. Trainers refuse (trainer/step.ts) where
 * the loss is not finite, and steps that were skipped by loss scaling, but not all of those.
 */
function gateOf(
  graph: Graph,
  p: Primitives,
  { loss, [skippedOutput]: skipped }: Readonly<Record<string, Handle>>,
): { readonly force: string; readonly check: string } | null {
  const usual = [
    ...(loss === undefined ? [] : [p.typed("IsFinite", [loss], loss.shape, {}, "bool")]),
    ...(skipped === undefined ? [] : [p.compare("LessEqual", skipped, p.scalar(0))]),
  ].map((one) => p.reshape(one, []));
  if (usual.length === 0) return null;
  const force = graph.placeholder("bool", []);
  const all = usual.reduce((x, y) => p.logical("LogicalAnd", x, y));
  const check = graph.effect(
    "Assert",
    [p.logical("LogicalOr", all, force), force],
    { T: { types: ["bool"] } },
    [],
    [],
  );
  return { force: force.ref, check: check.name };
}

/** The tensors that ops computed, each once. */
function computed(ops: readonly RecordedOp[]) {
  const seen = new Set<string>();
  return ops.flatMap(({ scope, op, results }) =>
    results.flatMap((handle) => {
      if (seen.has(handle.ref)) return [];
      seen.add(handle.ref);
      return [{ scope, op, handle }];
    }),
  );
}
