/** @file A recorded program with its session: runs, traces, and lets go of memory when asked. */
import type { DeviceState, Executable } from "../../engine.js";
import type { Program, Scalars } from "../../program.js";
import type { HostTensor } from "../../tensor.js";
import {
  allocateShared,
  type InferenceSession,
  type Ort,
  openSession,
  type Tensor,
  toOrt,
} from "./ort.js";
import { type Feed, type Recording, recordProgram } from "./record.js";
import { checkTensor, type OnnxState } from "./state.js";
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

/** ORT's message names the node; this names the layer. */
function locate(error: unknown, { graph }: Recording, program: Program): Error {
  const message = error instanceof Error ? error.message : String(error);
  const names = [...graph.nodeNames()].filter((name) => message.includes(name));
  const node = names.sort((a, b) => b.length - a.length)[0];
  const source = node === undefined ? undefined : graph.sourceOf(node);
  const place = source === undefined ? "" : ` in ${source.op} of layer '${source.scope}'`;
  return new Error(`program ${program.name} failed${place}: ${message}`, { cause: error });
}

export function createExecutable(
  ort: Ort,
  program: Program,
  batch: number,
  options: {
    readonly threads: number;
    readonly target: OnnxTarget;
    /** The state that belongs to this engine, or an error. */
    readonly own: (state: DeviceState) => OnnxState;
    /** Told before every run, so that the engine knows which sessions are in use. */
    readonly used: () => void;
  },
): OnnxExecutable {
  const scalarTensors = new Map(
    Object.entries(program.scalars).map(([name, dtype]) => [name, allocateShared(ort, dtype, [])]),
  );
  /** Made with the first run, which brings the state and so its types. */
  let recording: Recording | null = null;
  let session: Promise<InferenceSession> | null = null;
  let running = 0;

  async function open(model: Recording, rewriting: "fast" | "none"): Promise<InferenceSession> {
    try {
      return await openSession(ort, model.model, { ...options, rewriting });
    } catch (error) {
      throw locate(error, model, program);
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

  async function release(): Promise<void> {
    if (session === null || running > 0) return;
    const closing = session;
    session = null;
    await (await closing).release();
  }

  return {
    batch,
    get open() {
      return session !== null;
    },

    run(call) {
      const own = options.own(call.state);
      return own.exclusively(async () => {
        running++;
        try {
          options.used();
          recording ??= recordProgram(program, batch, own.types, options);
          const recorded = recording;
          const fed = feeds(recorded, call, own);
          const fetches: Record<string, Tensor> = {};
          const outputs: Record<string, HostTensor> = {};
          for (const { tensor, name, dtype, shape } of recorded.outputs) {
            const fresh = allocateShared(ort, dtype, shape);
            fetches[tensor] = fresh.tensor;
            outputs[name] = fresh.host;
          }
          for (const { tensor, name } of recorded.updates) fetches[tensor] = own.next(name);
          session ??= open(recorded, "fast");
          const opened = await session;
          await opened.run(fed, fetches).catch((error: unknown) => {
            throw locate(error, recorded, program);
          });
          if (call.commit?.(outputs) ?? true) {
            own.swap(recorded.updates.map(({ name }) => name));
          }
          return outputs;
        } finally {
          running--;
        }
      });
    },

    trace(call) {
      const own = options.own(call.state);
      return own.exclusively(async () => {
        const traced = recordProgram(program, batch, own.types, {
          target: options.target,
          trace: true,
        });
        const opened = await open(traced, "none");
        try {
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
          throw locate(error, traced, program);
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
