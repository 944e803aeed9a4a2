/** @file The onnx engine: programs recorded as ONNX graphs, run by ONNX Runtime. */
import type { DeviceState, Engine } from "../../engine.js";
import type { Program } from "../../program.js";
import { createQueue } from "../queue.js";
import { createExecutable, type OnnxExecutable } from "./executable.js";
import type { Ort } from "./ort.js";
import { createHostState, type OnnxState } from "./state.js";
import { createDeviceState } from "./state-device.js";
import type { OnnxTarget } from "./target.js";
import { targetFor } from "./targets.js";
import { createTransfers } from "./transfers.js";

/** Sessions kept open; those used least recently are closed and opened again on demand. */
const openSessions = 8;

export interface EngineOptions {
  /** Bytes of memory that the device has, null where nothing tells: asked when it runs out. */
  readonly memory?: () => Promise<number | null>;
}

/**
 * The engine on a device that `targetFor` knows. `ort` is the library: onnxruntime-node, or
 * onnxruntime-web in a browser.
 */
export const createOnnxEngine = async (
  ort: Ort,
  device: string,
  threads: number,
  options?: EngineOptions,
): Promise<Engine> => createTargetEngine(ort, await targetFor(ort, device), threads, options);

/** The engine on a device as `target` describes it. */
export function createTargetEngine(
  ort: Ort,
  target: OnnxTarget,
  threads: number,
  { memory }: EngineOptions = {},
): Engine {
  // A device works for one run at a time, whatever states there are.
  const device =
    target.state === "device"
      ? { transfers: createTransfers(ort, target), queue: createQueue() }
      : null;
  const states = new WeakMap<DeviceState, OnnxState>();
  const cache = new Map<Program, Map<number, OnnxExecutable>>();
  /** In order of use, the most recent last. */
  const recent = new Set<OnnxExecutable>();

  function own(state: DeviceState): OnnxState {
    const found = states.get(state);
    if (found === undefined) throw new Error("this state belongs to another engine");
    return found;
  }

  async function closeOldest(): Promise<void> {
    const open = [...recent].filter((executable) => executable.open);
    await Promise.all(
      open.slice(0, Math.max(0, open.length - openSessions)).map((old) => old.release()),
    );
  }

  function record(program: Program, batch: number): OnnxExecutable {
    const executable: OnnxExecutable = createExecutable(ort, program, batch, {
      threads,
      target,
      memory,
      own,
      used() {
        recent.delete(executable);
        recent.add(executable);
        void closeOldest();
      },
    });
    return executable;
  }

  return {
    name: "onnx",
    device: target.device,
    threads,
    half: target.half,
    stepsPerCall: target.stepsPerCall ?? 1,
    createState(specs, values) {
      const state =
        device === null
          ? createHostState(ort, specs, values)
          : createDeviceState(specs, values, device);
      states.set(state, state);
      return state;
    },
    async prepare(program, batch) {
      const byBatch = cache.get(program) ?? new Map<number, OnnxExecutable>();
      cache.set(program, byBatch);
      const known = byBatch.get(batch);
      if (known !== undefined) return known;
      const executable = record(program, batch);
      byBatch.set(batch, executable);
      return executable;
    },
    async dispose() {
      const all = [...cache.values()].flatMap((byBatch) => [...byBatch.values()]);
      cache.clear();
      recent.clear();
      await Promise.all([
        ...all.map((executable) => executable.release()),
        device?.transfers.dispose(),
      ]);
    },
  };
}
