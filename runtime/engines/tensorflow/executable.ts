/**
 * @file A program for one batch size: runs, traces. One step per call: a call costs 23 µs by itself (measured), so
 * that several steps in one would gain nothing.
 */
import type { Executable } from "../../engine.js";
import type { Program, Scalars } from "../../program.js";
import { type HostTensor, scalar } from "../../tensor.js";
import { checkTensor } from "../check-tensor.js";
import { deviceFault } from "../device-faults.js";
import { plannedTensors } from "./memory.js";
import { type Port, type Recording, recordProgram } from "./record.js";
import type { Feed, Session } from "./session.js";
import type { TensorflowState } from "./state.js";

type Call = Parameters<Executable["run"]>[0];

/** Lets timers, messages and signals through: a run blocks its thread. */
const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** TensorFlow's message names the node; this names the layer. */
function locate(error: unknown, { graph }: Recording, program: Program): Error {
  const message = error instanceof Error ? error.message : String(error);
  const nodes = [...message.matchAll(/\{\{node ([^}]+)\}\}/g)].map((match) => match[1] as string);
  const source = nodes.map((node) => graph.sourceOf(node)).find((found) => found !== undefined);
  const place = source === undefined ? "" : ` in ${source.op} of layer '${source.scope}'`;
  return new Error(`program ${program.name} failed${place}: ${message}`, { cause: error });
}

export function createExecutable(
  program: Program,
  batch: number,
  device: string,
  own: (state: Call["state"]) => TensorflowState,
  /** Bytes of memory that the device has, null where nothing tells: asked when it runs out. */
  memory: () => Promise<number | null>,
): Executable {
  const key = {};

  function inputFeed({ tensor, name, dtype, shape }: Port, call: Pick<Call, "inputs">): Feed {
    const value = call.inputs[name];
    if (value === undefined) throw new Error(`program ${program.name} needs the input '${name}'`);
    checkTensor(`input '${name}' of program ${program.name}`, value, { dtype, shape });
    return { tensor, value };
  }
  function scalarFeed({ tensor, name, dtype }: Port, call: Pick<Call, "scalars">): Feed {
    const value = call.scalars[name as keyof Scalars];
    if (value === undefined) throw new Error(`program ${program.name} needs the scalar '${name}'`);
    return { tensor, value: scalar(dtype, value) };
  }
  const feedsOf = (recorded: Recording, call: Pick<Call, "inputs" | "scalars">): Feed[] => [
    ...recorded.inputs.map((port) => inputFeed(port, call)),
    ...recorded.scalars.map((port) => scalarFeed(port, call)),
  ];
  const named = (
    ports: readonly Port[],
    values: readonly HostTensor[],
  ): Record<string, HostTensor> =>
    Object.fromEntries(ports.map(({ name }, i) => [name, values[i] as HostTensor]));

  const flag = (value: boolean): HostTensor => ({
    dtype: "bool",
    shape: [],
    data: Uint8Array.of(value ? 1 : 0),
  });
  const nothing = { dtype: "f32", shape: [] } as const;

  /** What TensorFlow says of a graph that it does not load, or of a run, with the layer. */
  function located<R>(recorded: Recording, work: () => R): R {
    try {
      return work();
    } catch (error) {
      throw locate(error, recorded, program);
    }
  }

  /** Works alone on the state; faults of the device are told as such. */
  function alone<R>(state: TensorflowState, work: () => Promise<R>): Promise<R> {
    return state.exclusively(async () => {
      try {
        return await work();
      } catch (error) {
        const fault = await deviceFault(error, {
          ...{ engine: "tensorflow", device, program: program.name, batch, available: memory },
          tensors: (n) =>
            plannedTensors(
              recordProgram(program, n, state.types, { prefix: "plan", device }),
              state.types,
            ),
        });
        throw fault ?? error;
      }
    });
  }

  /** Runs and writes the state; null: the step may be refused, and nothing was written. */
  function step(
    session: Session,
    recorded: Recording,
    feeds: readonly Feed[],
    force: boolean,
  ): Record<string, HostTensor> | null {
    const { outputs, done } = recorded;
    const forced = recorded.force === null ? [] : [{ tensor: recorded.force, value: flag(force) }];
    const fetches = done === null ? outputs : [...outputs, { tensor: done, ...nothing }];
    if (fetches.length === 0) return {};
    try {
      return named(outputs, session.run([...feeds, ...forced], fetches));
    } catch (error) {
      const refused =
        error instanceof Error && error.message.includes(`{{node ${recorded.check}}}`);
      if (refused && !force) return null;
      throw locate(error, recorded, program);
    }
  }
  /** Runs and writes nothing. */
  function look(session: Session, recorded: Recording, feeds: readonly Feed[]) {
    if (recorded.outputs.length === 0) return {};
    return located(recorded, () => named(recorded.outputs, session.run(feeds, recorded.outputs)));
  }

  /** Runs a program that writes, as `commit` wants it. */
  function update(
    session: Session,
    recorded: Recording,
    feeds: readonly Feed[],
    commit: (outputs: Readonly<Record<string, HostTensor>>) => boolean,
  ): Record<string, HostTensor> {
    // Variables are written where they lie, so results come first where they may be refused, at the price of two runs.
    const written = recorded.force === null ? null : step(session, recorded, feeds, false);
    if (written !== null) {
      if (commit(written)) return written;
      throw new Error(
        `program ${program.name}: a step that was not skipped and has a finite loss is written already`,
      );
    }
    const outputs = look(session, recorded, feeds);
    if (commit(outputs)) step(session, recorded, feeds, true);
    return outputs;
  }

  return {
    batch,

    async run(call) {
      const state = own(call.state);
      return alone(state, async () => {
        const recorded = state.recording(key, (prefix) =>
          recordProgram(program, batch, state.types, { prefix, device }),
        );
        const feeds = feedsOf(recorded, call);
        await breathe();
        const session = located(recorded, () => state.session(recorded));
        const { commit } = call;
        if (commit === undefined || recorded.done === null) {
          const outputs = step(session, recorded, feeds, true) ?? {};
          commit?.(outputs);
          return outputs;
        }
        return update(session, recorded, feeds, commit);
      });
    },

    async trace(call) {
      const state = own(call.state);
      return alone(state, async () => {
        const recorded = recordProgram(program, batch, state.types, {
          prefix: "trace",
          device,
          trace: true,
        });
        const feeds = feedsOf(recorded, call);
        await breathe();
        const values = located(recorded, () =>
          state.beside(recorded, (session) => session.run(feeds, recorded.trace)),
        );
        return recorded.trace.map(({ scope, op }, i) => ({
          scope,
          op,
          value: values[i] as HostTensor,
        }));
      });
    },

    dispose() {},
  };
}
