/** @file State tensors, in the order of their shapes, as checkpoints hold them. */
import type { DeviceState } from "../../engine.js";
import type { StateSpec } from "../../program.js";
import type { HostTensor } from "../../tensor.js";
import { checkTensor } from "../check-tensor.js";
import { createQueue, type Queue } from "../queue.js";
import { type Tf, Value } from "./value.js";

export interface TfjsState extends DeviceState {
  /** What a run reads. */
  current(name: string): Value;
  /** Makes values the current ones; they belong to the state from then on. */
  replace(values: ReadonlyMap<string, Value>): void;
  /** Runs one after the other whatever works on this state. */
  readonly exclusively: Queue;
}

export function createState(
  tf: Tf,
  specs: Readonly<Record<string, StateSpec>>,
  initial: Readonly<Record<string, HostTensor>>,
  /** Computes with the backend that the state is on. */
  within: <R>(work: () => R) => R,
): TfjsState {
  const values = new Map<string, Value>();
  let disposed = false;

  function current(name: string): Value {
    if (disposed) throw new Error("this state was disposed of");
    const value = values.get(name);
    if (value === undefined) throw new Error(`there is no state tensor '${name}'`);
    return value;
  }

  function assign(name: string, host: HostTensor): void {
    const spec = specs[name];
    if (spec === undefined) throw new Error(`there is no state tensor '${name}'`);
    checkTensor(`state tensor '${name}'`, host, spec);
    values.get(name)?.dispose();
    values.set(name, Value.fed(tf, { ...host, data: host.data.slice() }));
  }

  for (const name of Object.keys(specs)) {
    const value = initial[name];
    if (value === undefined) throw new Error(`state tensor '${name}' has no first value`);
    assign(name, value);
  }

  const exclusively = createQueue();

  return {
    current,
    replace(next) {
      for (const [name, value] of next) {
        current(name).dispose();
        values.set(name, value);
      }
    },
    exclusively,
    read: (names = Object.keys(specs)) =>
      exclusively(async () => {
        const reads = within(() => names.map((name) => current(name).read()));
        const tensors = await Promise.all(reads);
        return Object.fromEntries(names.map((name, i) => [name, tensors[i] as HostTensor]));
      }),
    write: (replacements) =>
      exclusively(async () => {
        for (const name of Object.keys(replacements)) current(name);
        for (const [name, value] of Object.entries(replacements)) assign(name, value);
      }),
    dispose() {
      disposed = true;
      for (const value of values.values()) value.dispose();
      values.clear();
    },
  };
}
