/** @file Runs several steps of a recorded program in one call of a session, as `loop.ts` has it. */
import type { Executable } from "../../engine.js";
import { type HostTensor, scalar, sizeOf } from "../../tensor.js";
import { checkTensor } from "../check-tensor.js";
import { type LoopRecording, loopOf } from "./loop.js";
import { allocateShared, type InferenceSession, type Ort, type Tensor } from "./ort.js";
import type { Feed, Recording } from "./record.js";
import type { OnnxState } from "./state.js";

type Call = Parameters<NonNullable<Executable["runSteps"]>>[0];
type Outputs = Readonly<Record<string, HostTensor>>;

export interface LoopRunner {
  /** All steps of a call on `state`, which only this call works on; the new state is committed or left. */
  run(recording: Recording, call: Call, state: OnnxState): Promise<readonly Outputs[]>;
  /** Closes the session; the next run opens it again. */
  release(): Promise<void>;
  readonly open: boolean;
}

export function createLoopRunner(
  ort: Ort,
  what: string,
  options: {
    readonly open: (loop: LoopRecording) => Promise<InferenceSession>;
    /** The error of the native library as it is told. */
    readonly locate: (error: unknown, recording: Recording) => Promise<Error>;
  },
): LoopRunner {
  let loop: LoopRecording | null = null;
  let session: Promise<InferenceSession> | null = null;

  /** One tensor of all steps' values. */
  function stack({ dtype, shape }: Feed, values: readonly HostTensor[]): Tensor {
    const size = sizeOf(shape);
    const { host, tensor } = allocateShared(ort, dtype, [values.length, ...shape]);
    values.forEach((value, i) => {
      host.data.set(value.data, i * size);
    });
    return tensor;
  }

  function inputOf(feed: Feed, { inputs }: Call["steps"][number]): HostTensor {
    const value = inputs[feed.name];
    if (value === undefined) throw new Error(`${what} needs the input '${feed.name}'`);
    checkTensor(`input '${feed.name}' of ${what}`, value, feed);
    return value;
  }

  function scalarOf({ name, dtype }: Feed, { scalars }: Call["steps"][number]): HostTensor {
    const value = scalars[name as keyof typeof scalars];
    if (value === undefined) throw new Error(`${what} needs the scalar '${name}'`);
    return scalar(dtype, value);
  }

  return {
    get open() {
      return session !== null;
    },
    async run(recording, { steps, commit }, state) {
      if (steps.length === 0) throw new Error(`${what} was called for no steps`);
      loop ??= loopOf(recording);
      const { count, inputs, scalars, reads, outputs, updates } = loop;
      const fed: Record<string, Tensor> = {
        [count]: new ort.Tensor("int64", BigInt64Array.of(BigInt(steps.length)), []),
      };
      for (const feed of inputs) {
        fed[feed.tensor] = stack(
          feed,
          steps.map((step) => inputOf(feed, step)),
        );
      }
      for (const feed of scalars) {
        fed[feed.tensor] = stack(
          feed,
          steps.map((step) => scalarOf(feed, step)),
        );
      }
      for (const { tensor, name } of reads) fed[tensor] = state.current(name);
      const fetches: Record<string, Tensor> = {};
      const results: Record<string, HostTensor>[] = steps.map(() => ({}));
      for (const { tensor, name, dtype, shape } of outputs) {
        const whole = allocateShared(ort, dtype, [steps.length, ...shape]);
        const size = sizeOf(shape);
        fetches[tensor] = whole.tensor;
        results.forEach((result, i) => {
          const data = whole.host.data.subarray(i * size, (i + 1) * size);
          result[name] = { dtype, shape, data };
        });
      }
      const fresh: Record<string, Tensor> = {};
      for (const { tensor, name } of updates) {
        const next = state.next(name);
        if (next === null) throw new Error(`there is nothing to write '${name}' to`);
        fetches[tensor] = next;
        fresh[name] = next;
      }
      try {
        session ??= options.open(loop);
        await (await session).run(fed, fetches);
      } catch (error) {
        throw await options.locate(error, recording);
      }
      if (commit?.(results) ?? true) state.commit(fresh);
      return results;
    },
    async release() {
      const closing = session;
      session = null;
      await (await closing)?.release();
    },
  };
}
