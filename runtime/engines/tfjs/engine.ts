/**
 * @file The tfjs engine: every op at once by a kernel of a TensorFlow.js backend.
 *
 * TensorFlow.js has one backend in use at a time, for the whole process. An engine switches to its own for
 * the time that it computes, which is never interrupted, and back to what was there before, so that engines
 * on several backends and other users of the library do not disturb each other.
 */
import type { DeviceState, Engine, Executable } from "../../engine.js";
import type { Program } from "../../program.js";
import { type BackendName, createBackend } from "./backend.js";
import { createExecutable } from "./executable.js";
import { createState, type TfjsState } from "./state.js";
import type { Tf } from "./value.js";

/** An engine on a backend that was registered and initialised. `device` is what the engine calls it. */
export function createTfjsEngine(tf: Tf, name: BackendName, device: string): Engine {
  const states = new WeakMap<DeviceState, TfjsState>();
  const cache = new Map<Program, Map<number, Executable>>();

  /** Changing to a backend that is initialised happens at once; the promise only says so again. */
  function within<R>(work: () => R): R {
    const before = tf.getBackend();
    if (before === name) return work();
    void tf.setBackend(name);
    try {
      return work();
    } finally {
      if (before) void tf.setBackend(before);
    }
  }

  function own(state: DeviceState): TfjsState {
    const found = states.get(state);
    if (found === undefined) throw new Error("this state belongs to another engine");
    return found;
  }

  const backend = within(() => createBackend(tf, name));

  return {
    name: "tfjs",
    device,
    threads: 1,
    half: { f16: "none", bf16: "none" },
    createState(specs, values) {
      const state = createState(tf, specs, values, within);
      states.set(state, state);
      return state;
    },
    async prepare(program, batch) {
      const byBatch = cache.get(program) ?? new Map<number, Executable>();
      cache.set(program, byBatch);
      const executable =
        byBatch.get(batch) ?? createExecutable(backend, program, batch, { own, within });
      byBatch.set(batch, executable);
      return executable;
    },
    async dispose() {
      for (const byBatch of cache.values()) {
        for (const executable of byBatch.values()) executable.dispose();
      }
      cache.clear();
    },
  };
}
