/**
 * @file State on TensorFlow's device: variables of one loaded graph that holds all programs which work on it.
 * Every loaded model has a session of its own with variables of its own, so programs of the same state must be in
 * one graph: with a program that is not in it yet the graph is loaded anew, and the values move over through
 * the host. That happens once per program and batch size.
 */
import type { DeviceState } from "../../engine.js";
import type { StateSpec } from "../../program.js";
import type { HostTensor } from "../../tensor.js";
import { checkTensor } from "../check-tensor.js";
import { createQueue, type Queue } from "../queue.js";
import type { Binding } from "./binding.js";
import { arrive, depart } from "./carry.js";
import { createGraph } from "./graph.js";
import type { GraphNode } from "./graph-def.js";
import { createPrimitives } from "./primitives.js";
import type { Recording, StateTypes } from "./record.js";
import { type Fetch, openSession, type Session } from "./session.js";
import { storedShape, toPlain, toStored, variableNode } from "./variables.js";

export interface TensorflowState extends DeviceState {
  readonly types: StateTypes;
  /** The program's recording in this state's graph, which `record` makes under the prefix it is given. */
  recording(key: object, record: (prefix: string) => Recording): Recording;
  /** A session with the graph of that recording in it and the current values. */
  session(recording: Recording): Session;
  /** Works on a session with the current values and this recording alone, which is closed then. */
  beside<R>(recording: Recording, work: (session: Session) => R): R;
  readonly exclusively: Queue;
}

interface Access {
  readonly nodes: readonly GraphNode[];
  readonly init: Readonly<Record<string, string>>;
  readonly initialised: Fetch;
  readonly read: Readonly<Record<string, Fetch>>;
}

/** Nodes that declare the variables, give them values and read them. */
function accessNodes(types: StateTypes, device: string): Access {
  const graph = createGraph("access");
  const p = createPrimitives(graph, device);
  const declared: GraphNode[] = [];
  const init: Record<string, string> = {};
  const read: Record<string, Fetch> = {};
  const writers: string[] = [];
  for (const [name, { dtype, shape, index }] of Object.entries(types)) {
    const stored = storedShape(shape);
    const node = variableNode(index);
    const type = { type: dtype } as const;
    declared.push({
      name: node,
      op: "VarHandleOp",
      inputs: [],
      attributes: {
        dtype: type,
        shape: { shape: stored },
        shared_name: { string: node },
        container: { string: "" },
      },
    });
    const variable = graph.outside(node, "resource", []);
    const fed = arrive(p, dtype as never, shape);
    init[name] = fed.tensor;
    // A copy: a variable must not live in the memory of what was fed (see session.ts).
    const copy = p.typed("DeepCopy", [fed.value], shape);
    const assign = [variable, toStored(p, copy)];
    writers.push(graph.effect("AssignVariableOp", assign, { dtype: type }, [], []).name);
    const contents = graph.effect(
      "ReadVariableOp",
      [variable],
      { dtype: type },
      [{ dtype, shape: stored }],
      [],
    ).results[0] as never;
    const out = depart(p, toPlain(p, contents));
    const own = graph.effect("Identity", [out], { T: { type: out.dtype } }, [out], []);
    read[name] = { tensor: `${own.name}:0`, dtype: dtype as never, shape };
  }
  const one = { dtype: "f32", shape: [] } as const;
  const done = graph.effect("Identity", [p.scalar(1)], { T: { type: "f32" } }, [one], writers);
  const wanted = [done.name, ...Object.values(read).map(({ tensor }) => tensor)];
  return {
    nodes: [...declared, ...graph.reaching(wanted)],
    init,
    initialised: { tensor: `${done.name}:0`, ...one },
    read,
  };
}

export function createState(
  binding: Binding,
  device: string,
  specs: Readonly<Record<string, StateSpec>>,
  values: Readonly<Record<string, HostTensor>>,
): TensorflowState {
  const types: StateTypes = Object.fromEntries(
    Object.entries(specs).map(([name, { dtype, shape }], index) => [name, { dtype, shape, index }]),
  );
  const access = accessNodes(types, device);
  const recordings = new Map<object, Recording>();
  const included = new Set<Recording>();
  let open: Session | null = null;
  /** The values while no session is open. */
  let pending: Record<string, HostTensor> | null = {};
  let disposed = false;

  const exclusively = createQueue();
  function specOf(name: string): StateSpec {
    const spec = specs[name];
    if (spec === undefined) throw new Error(`there is no state tensor '${name}'`);
    return spec;
  }
  function requireAlive(): void {
    if (disposed) throw new Error("this state was disposed of");
  }
  function read(names: readonly string[]): Record<string, HostTensor> {
    requireAlive();
    for (const name of names) specOf(name);
    if (names.length === 0) return {};
    if (open === null) {
      const held = pending ?? {};
      return Object.fromEntries(
        names.map((name) => {
          const value = held[name] as HostTensor;
          return [name, { ...value, data: value.data.slice() }];
        }),
      );
    }
    const results = open.run(
      [],
      names.map((name) => access.read[name] as Fetch),
    );
    return Object.fromEntries(names.map((name, i) => [name, results[i] as HostTensor]));
  }
  function write(session: Session, all: Readonly<Record<string, HostTensor>>): void {
    const feeds = Object.entries(all).map(([name, value]) => ({
      tensor: access.init[name] as string,
      value,
    }));
    if (feeds.length > 0) session.run(feeds, [access.initialised]);
  }
  function opened(nodes: readonly GraphNode[], all: Record<string, HostTensor>): Session {
    const session = openSession(binding, [...access.nodes, ...nodes], device);
    try {
      write(session, all);
    } catch (error) {
      session.close();
      throw error;
    }
    return session;
  }
  function checked(replacements: Readonly<Record<string, HostTensor>>) {
    for (const [name, value] of Object.entries(replacements)) {
      checkTensor(`state tensor '${name}'`, value, specOf(name));
    }
    return replacements;
  }
  function close(): void {
    open?.close();
    open = null;
  }

  for (const name of Object.keys(specs)) {
    const value = values[name];
    if (value === undefined) throw new Error(`state tensor '${name}' has no first value`);
    checked({ [name]: value });
    pending[name] = { ...value, data: value.data.slice() };
  }

  return {
    types,
    exclusively,
    recording(key, record) {
      const known = recordings.get(key) ?? record(`p${recordings.size}`);
      recordings.set(key, known);
      return known;
    },
    session(recording) {
      requireAlive();
      if (open !== null && included.has(recording)) return open;
      const current = read(Object.keys(specs));
      close();
      pending = current;
      const nodes = [...included, recording].flatMap((one) => one.nodes);
      open = opened(nodes, current);
      // Not before: a program that TensorFlow does not take must not spoil the others.
      included.add(recording);
      pending = null;
      return open;
    },
    beside(recording, work) {
      const current = read(Object.keys(specs));
      const session = opened(recording.nodes, current);
      try {
        return work(session);
      } finally {
        session.close();
      }
    },
    read: (names = Object.keys(specs)) => exclusively(async () => read(names)),
    write: (replacements) =>
      exclusively(async () => {
        requireAlive();
        checked(replacements);
        if (open === null) {
          for (const [name, value] of Object.entries(replacements)) {
            (pending as Record<string, HostTensor>)[name] = { ...value, data: value.data.slice() };
          }
        } else {
          // One assignment of all: those that are not replaced get what they have.
          write(open, { ...read(Object.keys(specs)), ...replacements });
        }
      }),
    dispose() {
      disposed = true;
      close();
      pending = null;
    },
  };
}
