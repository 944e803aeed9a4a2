/** @file Records a program as one ONNX model for one batch size. */
import type { OpKind } from "../../ops.js";
import type { Program } from "../../program.js";
import type { DType } from "../../tensor.js";
import { type ArenaUpdate, findArenaUpdate } from "./arena.js";
import { createArenaUpdater, joinArena, splitArena } from "./arena-updater.js";
import { createGraph, type Graph, type Handle } from "./graph.js";
import { encodeModel, type GraphDType } from "./model-proto.js";
import { checkOperators } from "./operators.js";
import { createPrimitives, type Primitives } from "./primitives.js";
import { createRecorder, type RecordedOp } from "./recorder.js";
import type { StateTypes } from "./state.js";
import type { OnnxTarget } from "./target.js";

/** An input of the model: where its value comes from at run time. */
export interface Feed {
  /** Name of the model's input. */
  readonly tensor: string;
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
}
/** A result of the model. */
export type Fetch = Feed;

export interface TraceFetch {
  readonly tensor: string;
  readonly scope: string;
  readonly op: OpKind;
}

export interface Recording {
  readonly graph: Graph;
  readonly model: Uint8Array;
  readonly inputs: readonly Feed[];
  readonly scalars: readonly Feed[];
  readonly reads: readonly Feed[];
  readonly outputs: readonly Fetch[];
  readonly updates: readonly Fetch[];
  /** With `trace`: every tensor that the program computes, in order. */
  readonly trace: readonly TraceFetch[];
}

interface RecordOptions {
  readonly target: OnnxTarget;
  readonly trace?: boolean;
}

/** Records a program; small weights that it updates in one way are updated in their arenas. */
export function recordProgram(
  program: Program,
  batch: number,
  state: StateTypes,
  options: RecordOptions,
): Recording {
  const { recording, arenaUpdate } = record(program, batch, state, options, null);
  return arenaUpdate === null || options.trace
    ? recording()
    : record(program, batch, state, options, arenaUpdate).recording();
}

function record(
  program: Program,
  batch: number,
  state: StateTypes,
  options: RecordOptions,
  update: ArenaUpdate | null,
): { readonly recording: () => Recording; readonly arenaUpdate: ArenaUpdate | null } {
  const graph = createGraph();
  const p = createPrimitives(graph, options.target);
  const ops: RecordedOp[] = [];
  const recorder = createRecorder(graph, options.target, (op) => ops.push(op));

  const feed = (kind: string, name: string, dtype: DType, shape: readonly number[]): Feed => {
    const { name: tensor } = graph.input(`${kind}:${name}`, dtype, shape);
    return { tensor, name, dtype, shape };
  };
  const handles = (feeds: readonly Feed[]): Record<string, Handle> =>
    Object.fromEntries(feeds.map(({ name, tensor }) => [name, graph.handle(tensor)]));

  const inputs = Object.entries(program.inputs).map(([name, { dtype, shape }]) =>
    feed(
      "input",
      name,
      dtype,
      shape.map((dim) => (dim === "n" ? batch : dim)),
    ),
  );
  const scalars = Object.entries(program.scalars).map(([name, dtype]) =>
    feed("scalar", name, dtype, []),
  );
  const updating = update?.arenas ?? [];
  // State on the device is never taken apart outside of a program: it reads whole arenas.
  const used = new Set([...program.reads, ...program.updates]);
  const touched =
    options.target.state === "host"
      ? updating
      : state.arenas.filter(({ members }) => members.some(({ name }) => used.has(name)));
  const inArena = new Set(touched.flatMap(({ members }) => members.map(({ name }) => name)));
  const apart = program.reads.filter((name) => !inArena.has(name));
  const reads = apart.map((name) => {
    const type = state.tensors[name];
    if (type === undefined) throw new Error(`program reads unknown state '${name}'`);
    return feed("state", name, type.dtype, type.shape);
  });
  const arenas = touched.map(({ name, size }) => feed("state", name, "f32", [size]));
  const wholes = handles(arenas);
  const updater = update === null ? null : createArenaUpdater(p, recorder, update, wholes);
  const others = touched.filter((arena) => !updating.includes(arena));
  const parts: Record<string, Handle> = Object.assign(
    {},
    ...others.map((arena) => splitArena(p, arena, wholes[arena.name] as Handle)),
  );
  const before = { ...handles(reads), ...parts, ...updater?.members };
  const results = program.run(updater?.ops ?? recorder, {
    inputs: handles(inputs),
    scalars: handles(scalars),
    state: before,
    n: batch,
  });

  function recording(): Recording {
    const taken = new Set<string>();
    /** A tensor of its own for a result: not an input, a constant or another result. */
    function own(handle: Handle): Handle {
      graph.source = { scope: "", op: "result" };
      let result = handle;
      while (graph.producer(result) === undefined || taken.has(result.name)) {
        result = p.moved(result, (x) => p.unary("Identity", x));
      }
      taken.add(result.name);
      return result;
    }
    function fetch(what: string, name: string, handle: Handle | undefined): Fetch {
      if (handle === undefined) {
        throw new Error(`program ${program.name} lacks its ${what} '${name}'`);
      }
      const { name: tensor, dtype, shape } = own(handle);
      return { tensor, name, dtype: hostType(dtype), shape };
    }
    const outputs = Object.keys(program.outputs).map((name) =>
      fetch("output", name, results.outputs[name]),
    );
    const joined = others.filter(({ members }) =>
      members.some(({ name }) => program.updates.includes(name)),
    );
    const newState = {
      ...results.state,
      ...updater?.finish(),
      ...Object.fromEntries(
        joined.map((arena) => [arena.name, joinArena(p, arena, { ...parts, ...results.state })]),
      ),
    };
    const updates = [
      ...program.updates.filter((name) => !inArena.has(name)),
      ...[...updating, ...joined].map(({ name }) => name),
    ].map((name) => fetch("state", name, newState[name]));
    const trace = options.trace ? computed(p, ops) : [];
    const fetched = new Set([...outputs, ...updates, ...trace].map(({ tensor }) => tensor));
    const needed = graph.model([...fetched].map((name) => graph.handle(name)));
    const { operators } = options.target;
    if (operators !== null) checkOperators(graph, needed, operators);
    const model = encodeModel(needed);
    return { graph, model, inputs, scalars, reads: [...reads, ...arenas], outputs, updates, trace };
  }

  const arenaUpdate = findArenaUpdate(state.arenas, ops, before, results.state, results.outputs);
  return { recording, arenaUpdate };
}

function hostType(dtype: GraphDType): DType {
  if (dtype === "i64" || dtype === "f64" || dtype === "f16" || dtype === "bf16") {
    throw new Error(`a result has the inner type ${dtype}`);
  }
  return dtype;
}

/**
 * The tensors that ops computed, each once, without the inputs and constants that some hand on. Halves are
 * read as f32.
 */
function computed(p: Primitives, ops: readonly RecordedOp[]): TraceFetch[] {
  const { graph } = p;
  const seen = new Set<string>();
  const fetches: TraceFetch[] = [];
  for (const { scope, op, results } of ops) {
    for (const handle of results) {
      if (seen.has(handle.name) || graph.producer(handle) === undefined) continue;
      seen.add(handle.name);
      graph.source = { scope, op };
      const read =
        handle.dtype === "f16" || handle.dtype === "bf16" ? p.cast(handle, "f32") : handle;
      fetches.push({ tensor: read.name, scope, op });
    }
  }
  return fetches;
}
