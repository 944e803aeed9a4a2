/**
 * @file State on the CPU. Each tensor has two buffers: a run reads the current one and writes the
 * other, and committing swaps them. One buffer for both would be wrong: an updated weight may be
 * written before a later node has read the old one (measured: the loss is off by 14).
 */
import type { DeviceState } from "../../engine.js";
import type { StateSpec } from "../../program.js";
import type { DType, HostTensor } from "../../tensor.js";
import { allocateShared, type Ort, type Tensor } from "./ort.js";

/** Types of state tensors by name. */
export type StateTypes = Readonly<
  Record<string, { readonly dtype: DType; readonly shape: readonly number[] }>
>;

type Buffer = ReturnType<typeof allocateShared>;

interface Slot {
  current: Buffer;
  /** Made when the tensor is first updated. */
  next: Buffer | null;
}

export interface OnnxState extends DeviceState {
  readonly types: StateTypes;
  /** The tensors that a run reads, by state name. */
  current(name: string): Tensor;
  /** The tensors that a run writes. */
  next(name: string): Tensor;
  /** Makes what was written to these tensors their current value. */
  swap(names: readonly string[]): void;
  /** Runs one after the other whatever works on this state. */
  exclusively<R>(work: () => Promise<R>): Promise<R>;
}

export function createState(
  ort: Ort,
  specs: Readonly<Record<string, StateSpec>>,
  values: Readonly<Record<string, HostTensor>>,
): OnnxState {
  const slots = new Map<string, Slot>();
  let queue: Promise<unknown> = Promise.resolve();
  let disposed = false;

  for (const [name, { dtype, shape }] of Object.entries(specs)) {
    slots.set(name, { current: allocateShared(ort, dtype, shape), next: null });
  }

  function slot(name: string): Slot {
    if (disposed) throw new Error("this state was disposed of");
    const found = slots.get(name);
    if (found === undefined) throw new Error(`there is no state tensor '${name}'`);
    return found;
  }

  function assign(name: string, value: HostTensor): void {
    const { host } = slot(name).current;
    checkTensor(`state tensor '${name}'`, value, host);
    host.data.set(value.data);
  }

  const exclusively = <R>(work: () => Promise<R>): Promise<R> => {
    const result = queue.then(work);
    queue = result.catch(() => {});
    return result;
  };

  for (const name of slots.keys()) {
    const value = values[name];
    if (value === undefined) throw new Error(`state tensor '${name}' has no first value`);
    assign(name, value);
  }

  return {
    types: specs,
    current: (name) => slot(name).current.tensor,
    next(name) {
      const found = slot(name);
      found.next ??= allocateShared(ort, found.current.host.dtype, found.current.host.shape);
      return found.next.tensor;
    },
    swap(names) {
      for (const name of names) {
        const found = slot(name);
        if (found.next === null) throw new Error(`nothing was written to '${name}'`);
        [found.current, found.next] = [found.next, found.current];
      }
    },
    exclusively,
    read: (names = [...slots.keys()]) =>
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
    },
  };
}

/** Throws unless `value` has the dtype and shape of `expected` and as many elements. */
export function checkTensor(
  what: string,
  value: HostTensor,
  expected: { readonly dtype: string; readonly shape: readonly number[] },
): void {
  const { dtype, shape, data } = value;
  const fits = dtype === expected.dtype && shape.join() === expected.shape.join();
  if (!fits) {
    throw new Error(
      `${what} is ${dtype}[${shape.join()}] but must be ${expected.dtype}[${expected.shape.join()}]`,
    );
  }
  const size = shape.reduce((product, n) => product * n, 1);
  if (data.length !== size) {
    throw new Error(`${what} has ${data.length} elements, its shape says ${size}`);
  }
}
