/** @file Which kernels of a backend a program runs: it is run once, on zeros, and the library is asked. */
import type { StateSpec, TensorSpec } from "../../program.js";
import { type HostTensor, zeros } from "../../tensor.js";
import type { ToRecord } from "../entry.js";
import type { BackendName } from "./backend.js";
import { createTfjsEngine } from "./engine.js";
import { concrete } from "./tape.js";
import type { Tf } from "./value.js";

/** They give a tensor another name or shape, and compute nothing. */
const handingOn: ReadonlySet<string> = new Set(["Identity", "Reshape"]);

/** The backend's kernels in order; those in the steps of a loop as often as they run. */
export async function kernelsOf(
  tf: Tf,
  name: BackendName,
  device: string,
  { program, batch, state }: ToRecord,
): Promise<readonly string[]> {
  const zero = (spec: TensorSpec | StateSpec): HostTensor => {
    const { dtype, shape } = concrete(spec, batch);
    return zeros(dtype, shape);
  };
  const all = <S extends TensorSpec | StateSpec>(specs: Readonly<Record<string, S>>) =>
    Object.fromEntries(Object.entries(specs).map(([key, spec]) => [key, zero(spec)]));
  const engine = createTfjsEngine(tf, name, device);
  const held = engine.createState(state, all(state));
  try {
    const executable = await engine.prepare(program, batch);
    const call = { inputs: all(program.inputs), scalars: {}, state: held };
    const { kernels } = await tf.profile(async () => {
      await executable.run(call);
      // The profile wants a result that it can count.
      return tf.tensor([]);
    });
    return kernels.map((kernel) => kernel.name).filter((kernel) => !handingOn.has(kernel));
  } finally {
    held.dispose();
    await engine.dispose();
  }
}
