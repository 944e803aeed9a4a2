/** @file The tensorflow engine: programs recorded as TensorFlow graphs, one native call per step. */
import type { DeviceState, Engine, Executable } from "../../engine.js";
import type { Program } from "../../program.js";
import type { LoadedBinding } from "./binding.js";
import { createExecutable } from "./executable.js";
import { createState, type TensorflowState } from "./state.js";

export function createTensorflowEngine(
  { binding, threads }: LoadedBinding,
  device: string,
  memory: () => Promise<number | null> = async () => null,
): Engine {
  /** All that were made here, and those that are not disposed of. */
  const states = new WeakMap<DeviceState, TensorflowState>();
  const living = new Set<TensorflowState>();
  const cache = new Map<Program, Map<number, Executable>>();

  function own(state: DeviceState): TensorflowState {
    const found = states.get(state);
    if (found === undefined) throw new Error("this state belongs to another engine");
    return found;
  }

  return {
    name: "tensorflow",
    device,
    threads,
    // On the CPU they save memory, not time: see halves.ts.
    half:
      device === "cpu" ? { f16: "emulated", bf16: "emulated" } : { f16: "native", bf16: "native" },
    createState(specs, values) {
      const state = createState(binding, device, specs, values);
      const { dispose } = state;
      const known: TensorflowState = {
        ...state,
        dispose() {
          living.delete(known);
          dispose();
        },
      };
      states.set(known, known);
      living.add(known);
      return known;
    },
    async prepare(program, batch) {
      const byBatch = cache.get(program) ?? new Map<number, Executable>();
      cache.set(program, byBatch);
      const executable =
        byBatch.get(batch) ?? createExecutable(program, batch, device, own, memory);
      byBatch.set(batch, executable);
      return executable;
    },
    async dispose() {
      cache.clear();
      for (const state of [...living]) state.dispose();
    },
  };
}
