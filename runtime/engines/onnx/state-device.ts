/**
 * @file State in buffers of the device. A run makes a new buffer for everything it updates; committing puts it in
 * the place of the old one, which is given back. Arenas are never taken apart here: programs are recorded to
 * read and make them whole (record.ts).
 */
import type { StateSpec } from "../../program.js";
import { allocate, type HostTensor, sizeOf } from "../../tensor.js";
import { checkTensor } from "../check-tensor.js";
import type { Queue } from "../queue.js";
import { type Arena, type ArenaMember, planArenas } from "./arena.js";
import type { Tensor } from "./ort.js";
import type { OnnxState } from "./state.js";
import type { Transfers } from "./transfers.js";

/**
 * Elements of the largest weight that is worth copying into an arena: a GPU copies a megabyte in the time that
 * starting one of the dozen kernels of an update takes.
 */
const largestMember = 2 ** 18;

/** A tensor, or an arena, where it is: on the host until a run needs it, then on the device. */
interface Slot {
  readonly type: Pick<HostTensor, "dtype" | "shape">;
  place: { readonly host: HostTensor } | { readonly device: Tensor };
}

export function createDeviceState(
  specs: Readonly<Record<string, StateSpec>>,
  values: Readonly<Record<string, HostTensor>>,
  { transfers, queue }: { readonly transfers: Transfers; readonly queue: Queue },
): OnnxState {
  const arenas = planArenas(specs, largestMember);
  const slots = new Map<string, Slot>();
  const members = new Map<string, { readonly arena: Arena; readonly member: ArenaMember }>();
  let disposed = false;

  function add(name: string, type: Slot["type"]): void {
    const data = allocate(type.dtype, sizeOf(type.shape));
    slots.set(name, { type, place: { host: { ...type, data } } });
  }
  for (const arena of arenas) {
    add(arena.name, { dtype: "f32", shape: [arena.size] });
    for (const member of arena.members) members.set(member.name, { arena, member });
  }
  for (const [name, { dtype, shape }] of Object.entries(specs)) {
    if (!members.has(name)) add(name, { dtype, shape });
  }

  function slot(name: string): Slot {
    const found = slots.get(name);
    if (found === undefined) throw new Error(`there is no state tensor '${name}'`);
    return found;
  }
  const inUse = (): void => {
    if (disposed) throw new Error("this state was disposed of");
  };
  /** The slot that holds a state tensor. */
  const holder = (name: string): string => members.get(name)?.arena.name ?? name;
  const free = (place: Slot["place"]): void => {
    if ("device" in place) place.device.dispose();
  };

  /** Copies of whole slots on the host. */
  async function fetched(names: Iterable<string>): Promise<ReadonlyMap<string, HostTensor>> {
    const found = [...new Set(names)].map((name) => [name, slot(name)] as const);
    const result = new Map<string, HostTensor>();
    const away: { readonly name: string; readonly type: Slot["type"]; readonly tensor: Tensor }[] =
      [];
    for (const [name, { type, place }] of found) {
      if ("host" in place) result.set(name, { ...type, data: place.host.data.slice() });
      else away.push({ name, type, tensor: place.device });
    }
    const copies = await transfers.download(
      away.map(({ tensor }) => tensor),
      away.map(({ type }) => type),
    );
    away.forEach(({ name }, i) => {
      result.set(name, copies[i] as HostTensor);
    });
    return result;
  }

  /** What a state tensor is within the copy of its slot. */
  function part(name: string, whole: HostTensor): HostTensor {
    const { member } = members.get(name) ?? {};
    if (member === undefined) return whole;
    const { offset, size, shape } = member;
    return { dtype: "f32", shape, data: whole.data.subarray(offset, offset + size) };
  }

  function typeOf(name: string): Slot["type"] {
    const spec = specs[name];
    if (spec === undefined) throw new Error(`there is no state tensor '${name}'`);
    return spec;
  }

  /** Puts values into copies on the host, which the next run takes to the device. */
  async function assign(replacements: Readonly<Record<string, HostTensor>>): Promise<void> {
    for (const [name, value] of Object.entries(replacements)) {
      checkTensor(`state tensor '${name}'`, value, typeOf(name));
    }
    const copies = await fetched(Object.keys(replacements).map(holder));
    for (const [name, value] of Object.entries(replacements)) {
      const whole = copies.get(holder(name));
      if (whole !== undefined) part(name, whole).data.set(value.data);
    }
    for (const [name, host] of copies) {
      const found = slot(name);
      free(found.place);
      found.place = { host };
    }
  }

  for (const name of Object.keys(specs)) {
    const value = values[name];
    if (value === undefined) throw new Error(`state tensor '${name}' has no first value`);
    checkTensor(`state tensor '${name}'`, value, typeOf(name));
    const { place } = slot(holder(name));
    if ("host" in place) part(name, place.host).data.set(value.data);
  }

  return {
    types: { tensors: specs, arenas },
    async ready(names) {
      inUse();
      const waiting = names.flatMap((name) => {
        const found = slot(name);
        return "host" in found.place ? [{ found, host: found.place.host }] : [];
      });
      const uploaded = await transfers.upload(waiting.map(({ host }) => host));
      waiting.forEach(({ found }, i) => {
        found.place = { device: uploaded[i] as Tensor };
      });
    },
    current(name) {
      const { place } = slot(name);
      if ("host" in place) throw new Error(`state tensor '${name}' is not on the device`);
      return place.device;
    },
    next: () => null,
    commit(fresh) {
      for (const [name, tensor] of Object.entries(fresh)) {
        const found = slot(name);
        free(found.place);
        found.place = { device: tensor };
      }
    },
    discard(fresh) {
      for (const tensor of Object.values(fresh)) tensor.dispose();
    },
    exclusively: queue,
    read: (names = Object.keys(specs)) =>
      queue(async () => {
        inUse();
        for (const name of names) typeOf(name);
        const copies = await fetched(names.map(holder));
        return Object.fromEntries(
          names.map((name) => {
            const { dtype, shape, data } = part(name, copies.get(holder(name)) as HostTensor);
            // Parts of arenas are copied: each tensor is the caller's own.
            return [name, { dtype, shape, data: data.slice() }];
          }),
        );
      }),
    write: (replacements) =>
      queue(async () => {
        inUse();
        await assign(replacements);
      }),
    dispose() {
      if (disposed) return;
      disposed = true;
      // After the runs that are under way.
      void queue(async () => {
        for (const { place } of slots.values()) free(place);
        slots.clear();
      });
    },
  };
}
