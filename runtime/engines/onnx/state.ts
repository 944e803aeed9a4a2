/**
 * @file What state has to offer to runs, and state in host memory. Each tensor has two buffers: a run reads the current one and writes the
 * other, and committing swaps them. One buffer for both would be wrong: an updated weight may be
 * written before a later node has read the old one (measured: the loss is off by 14).
 */
import type { DeviceState } from "../../engine.js";
import type { StateSpec } from "../../program.js";
import type { DType, HostTensor } from "../../tensor.js";
import { checkTensor } from "../check-tensor.js";
import { createQueue, type Queue } from "../queue.js";
import { type Arena, planArenas } from "./arena.js";
import { allocateShared, type Ort, type Tensor, toOrt } from "./ort.js";

/** What recording has to know about state. */
export interface StateTypes {
  readonly tensors: Readonly<
    Record<string, { readonly dtype: DType; readonly shape: readonly number[] }>
  >;
  readonly arenas: readonly Arena[];
}

type Buffer = ReturnType<typeof allocateShared>;

/** The two buffers of a tensor, or of an arena, whose members' buffers are parts of it. */
interface Slot {
  current: Buffer;
  /** Made when the tensor is first updated. */
  next: Buffer | null;
}

export interface OnnxState extends DeviceState {
  readonly types: StateTypes;
  /** Brings tensors, by state name or arena name, to where `current` gives them. */
  ready(names: readonly string[]): Promise<void>;
  /** The tensor that a run reads. */
  current(name: string): Tensor;
  /** The tensor that a run writes; null where the run is to make one. */
  next(name: string): Tensor | null;
  /** Makes what a run wrote or made, by name, the current values. */
  commit(fresh: Readonly<Record<string, Tensor>>): void;
  /** Lets go of what a run made: the current values stay. */
  discard(fresh: Readonly<Record<string, Tensor>>): void;
  /** Runs one after the other whatever works on this state. */
  readonly exclusively: Queue;
}

export function createHostState(
  ort: Ort,
  specs: Readonly<Record<string, StateSpec>>,
  values: Readonly<Record<string, HostTensor>>,
): OnnxState {
  const slots = new Map<string, Slot>();
  const exclusively = createQueue();
  let disposed = false;

  const arenas = planArenas(specs);
  const arenaSlots = new Map<string, { arena: Arena; slot: Slot }>();
  for (const arena of arenas) {
    const current = allocateShared(ort, "f32", [arena.size]);
    const next = allocateShared(ort, "f32", [arena.size]);
    arenaSlots.set(arena.name, { arena, slot: { current, next } });
    for (const { name, shape, offset, size } of arena.members) {
      const part = (whole: Buffer): Buffer => {
        const data = whole.host.data.subarray(offset, offset + size);
        const host: HostTensor = { dtype: "f32", shape, data };
        return { host, tensor: toOrt(ort, host) };
      };
      slots.set(name, { current: part(current), next: part(next) });
    }
  }
  for (const [name, { dtype, shape }] of Object.entries(specs)) {
    if (slots.has(name)) continue;
    slots.set(name, { current: allocateShared(ort, dtype, shape), next: null });
  }

  function slot(name: string): Slot {
    if (disposed) throw new Error("this state was disposed of");
    const found = slots.get(name);
    if (found === undefined) throw new Error(`there is no state tensor '${name}'`);
    return found;
  }

  const flip = (found: Slot): void => {
    if (found.next === null) throw new Error("nothing was written");
    [found.current, found.next] = [found.next, found.current];
  };

  /** The arena with the current values of all members in its current buffer. */
  function wholeArena(name: string): { arena: Arena; slot: Slot } | null {
    const found = arenaSlots.get(name);
    if (found === undefined) return null;
    const { buffer } = found.slot.current.host.data;
    for (const member of found.arena.members) {
      const part = slot(member.name);
      // A program that updates single members leaves the others in the other buffer.
      if (part.current.host.data.buffer !== buffer && part.next !== null) {
        part.next.host.data.set(part.current.host.data);
        flip(part);
      }
    }
    return found;
  }

  function assign(name: string, value: HostTensor): void {
    const { host } = slot(name).current;
    checkTensor(`state tensor '${name}'`, value, host);
    host.data.set(value.data);
  }

  for (const name of slots.keys()) {
    const value = values[name];
    if (value === undefined) throw new Error(`state tensor '${name}' has no first value`);
    assign(name, value);
  }

  return {
    types: { tensors: specs, arenas },
    ready: async () => {},
    current: (name) => (wholeArena(name)?.slot ?? slot(name)).current.tensor,
    next(name) {
      const found = arenaSlots.get(name)?.slot ?? slot(name);
      found.next ??= allocateShared(ort, found.current.host.dtype, found.current.host.shape);
      return found.next.tensor;
    },
    commit(fresh) {
      for (const name of Object.keys(fresh)) {
        const whole = arenaSlots.get(name);
        flip(whole?.slot ?? slot(name));
        for (const member of whole?.arena.members ?? []) flip(slot(member.name));
      }
    },
    // The next run writes over it.
    discard() {},
    exclusively,
    read: (names = Object.keys(specs)) =>
      exclusively(async () =>
        Object.fromEntries(
          names.map((name) => {
            const { dtype, shape, data } = slot(name).current.host;
            return [name, { dtype, shape, data: data.slice() }];
          }),
        ),
      ),
    write: (replacements) =>
      exclusively(async () => {
        for (const [name, value] of Object.entries(replacements)) assign(name, value);
      }),
    dispose() {
      disposed = true;
      slots.clear();
      arenaSlots.clear();
    },
  };
}
