/** @file A recorded program with its session: runs, traces, and lets go of memory when asked. */
import type { DeviceState, Executable } from "../../engine.js";
import type { Program, Scalars } from "../../program.js";
import type { HostArray, HostTensor } from "../../tensor.js";
import { checkTensor } from "../check-tensor.js";
import { locate } from "./locate.js";
import { createLoopRunner } from "./loop-run.js";
import {
  allocateShared,
  type InferenceSession,
  type Ort,
  openSession,
  type Tensor,
  toOrt,
} from "./ort.js";
import { type Feed, type Fetch, type Recording, recordProgram } from "./record.js";
import type { OnnxState, StateTypes } from "./state.js";
import type { OnnxTarget } from "./target.js";

interface Call {
  readonly inputs: Readonly<Record<string, HostTensor>>;
  readonly scalars: Partial<Scalars>;
  readonly state: DeviceState;
}

export interface OnnxExecutable extends Executable {
  /** Closes the session; the next run opens it again. Does nothing while a run is under way. */
  release(): Promise<void>;
  readonly open: boolean;
}

export function createExecutable(
  ort: Ort,
  program: Program,
  batch: number,
  options: {
    readonly threads: number;
    readonly target: OnnxTarget;
    /** Bytes of memory that the device has; null: unknown. */
    readonly memory?: (() => Promise<number | null>) | undefined;
    /** The state that belongs to this engine, or an error. */
    readonly own: (state: DeviceState) => OnnxState;
    /** Told before every run, so that the engine knows which sessions are in use. */
    readonly used: () => void;
  },
): OnnxExecutable {
  const scalarTensors = new Map(
    Object.entries(program.scalars).map(([name, dtype]) => [name, allocateShared(ort, dtype, [])]),
  );
  /** The types of the state that the recording is for. */
  let types: StateTypes = { tensors: {}, arenas: [] };
  const fault = (error: unknown, recorded: Recording): Promise<Error> =>
    locate(error, {
      ...{ recording: recorded, program, batch, device: options.target.device },
      record: (n) => recordProgram(program, n, types, options),
      memory: options.memory,
    });
  /** Records it with the first state it meets. */
  function recordedFor(own: OnnxState): Recording {
    types = own.types;
    recording ??= recordProgram(program, batch, types, options);
    return recording;
  }
  const loop = createLoopRunner(ort, `program ${program.name}`, {
    open: ({ model }) => openSession(ort, model, options),
    locate: fault,
  });
  /** Made with the first run, which brings the state and so its types. */
  let recording: Recording | null = null;
  let session: Promise<InferenceSession> | null = null;
  let running = 0;

  async function open(model: Recording, onDevice: readonly Fetch[]): Promise<InferenceSession> {
    const { target, threads } = options;
    const names = target.state === "device" ? onDevice.map(({ tensor }) => tensor) : [];
    // A trace is of the graph as it was recorded.
    const rewriting = model.trace.length > 0 ? "none" : "fast";
    try {
      return await openSession(ort, model.model, { target, threads, rewriting, onDevice: names });
    } catch (error) {
      throw await fault(error, model);
    }
  }

  function inputTensor({ name, dtype, shape }: Feed, call: Call): Tensor {
    const value = call.inputs[name];
    if (value === undefined) throw new Error(`program ${program.name} needs the input '${name}'`);
    checkTensor(`input '${name}' of program ${program.name}`, value, { dtype, shape });
    return toOrt(ort, value);
  }

  function scalarTensor({ name }: Feed, call: Call): Tensor {
    const value = call.scalars[name as keyof Scalars];
    if (value === undefined) throw new Error(`program ${program.name} needs the scalar '${name}'`);
    const shared = scalarTensors.get(name);
    if (shared === undefined) throw new Error(`program ${program.name} has no scalar '${name}'`);
    shared.host.data[0] = value;
    return shared.tensor;
  }

  function feeds(recorded: Recording, call: Call, own: OnnxState): Record<string, Tensor> {
    const result: Record<string, Tensor> = {};
    for (const input of recorded.inputs) result[input.tensor] = inputTensor(input, call);
    for (const value of recorded.scalars) result[value.tensor] = scalarTensor(value, call);
    for (const { tensor, name } of recorded.reads) result[tensor] = own.current(name);
    return result;
  }

  /** Into tensors that are there already where the target takes them, or into those that the run makes. */
  async function compute(
    opened: InferenceSession,
    recorded: Recording,
    fed: Record<string, Tensor>,
    own: OnnxState,
  ): Promise<{ outputs: Record<string, HostTensor>; fresh: Record<string, Tensor> }> {
    const outputs: Record<string, HostTensor> = {};
    const fresh: Record<string, Tensor> = {};
    if (options.target.state === "device") {
      const made = await opened.run(
        fed,
        [...recorded.outputs, ...recorded.updates].map(({ tensor }) => tensor),
      );
      for (const { tensor, name } of recorded.updates) fresh[name] = made[tensor] as Tensor;
      for (const { tensor, name, dtype, shape } of recorded.outputs) {
        outputs[name] = { dtype, shape, data: (made[tensor] as Tensor).data as HostArray };
      }
      return { outputs, fresh };
    }
    const fetches: Record<string, Tensor> = {};
    for (const { tensor, name, dtype, shape } of recorded.outputs) {
      const output = allocateShared(ort, dtype, shape);
      fetches[tensor] = output.tensor;
      outputs[name] = output.host;
    }
    for (const { tensor, name } of recorded.updates) {
      const next = own.next(name);
      if (next === null) throw new Error(`there is nothing to write '${name}' to`);
      fetches[tensor] = next;
      fresh[name] = next;
    }
    await opened.run(fed, fetches);
    return { outputs, fresh };
  }

  async function release(): Promise<void> {
    if (running > 0) return;
    const closing = session;
    session = null;
    await Promise.all([loop.release(), closing?.then((opened) => opened.release())]);
  }

  const runSteps: NonNullable<Executable["runSteps"]> = (call) => {
    const own = options.own(call.state);
    return own.exclusively(async () => {
      running++;
      try {
        options.used();
        return await loop.run(recordedFor(own), call, own);
      } finally {
        running--;
      }
    });
  };

  return {
    batch,
    get open() {
      return session !== null || loop.open;
    },

    run(call) {
      const own = options.own(call.state);
      return own.exclusively(async () => {
        running++;
        try {
          options.used();
          const recorded = recordedFor(own);
          session ??= open(recorded, recorded.updates);
          const opened = await session;
          await own.ready(recorded.reads.map(({ name }) => name));
          const fed = feeds(recorded, call, own);
          const { outputs, fresh } = await compute(opened, recorded, fed, own).catch(
            async (error: unknown) => {
              throw await fault(error, recorded);
            },
          );
          let accepted = false;
          try {
            accepted = call.commit?.(outputs) ?? true;
          } finally {
            if (accepted) own.commit(fresh);
            else own.discard(fresh);
          }
          return outputs;
        } finally {
          running--;
        }
      });
    },

    // State that stays on the device has no way to save.
    ...(options.target.state === "host" && { runSteps }),

    trace(call) {
      const own = options.own(call.state);
      return own.exclusively(async () => {
        const traced = recordProgram(program, batch, own.types, {
          target: options.target,
          trace: true,
        });
        const opened = await open(traced, []);
        try {
          await own.ready(traced.reads.map(({ name }) => name));
          const results = await opened.run(
            feeds(traced, call, own),
            traced.trace.map(({ tensor }) => tensor),
          );
          return traced.trace.map(({ tensor, scope, op }) => {
            const result = results[tensor] as Tensor;
            const { dtype, shape } = traced.graph.handle(tensor);
            const data = (result.data as Float32Array).slice();
            return { scope, op, value: { dtype, shape, data } as HostTensor };
          });
        } catch (error) {
          throw await fault(error, traced);
        } finally {
          await opened.release();
        }
      });
    },

    release,
    dispose() {
      void release();
    },
  };
}
