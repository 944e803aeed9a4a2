/** @file Which kernels of TensorFlow.js a program becomes. */
import { type HostTensor, zeros } from "../../tensor.js";
import type { ToRecord } from "../entry.js";
import type { BackendName } from "./backend.js";
import { createTfjsEngine } from "./engine.js";
import { concrete } from "./tape.js";
import type { Tf } from "./value.js";

/** Kernels that give the same memory another shape or owner. */
const free: ReadonlySet<string> = new Set(["Identity", "Reshape"]);

/**
 * The kernels in order, those of a loop once for every step. There is no other way to know them than to run
 * the program, on zeros.
 */
export async function kernelsOf(
  tf: Tf,
  name: BackendName,
  device: string,
  { program, batch, state: specs }: ToRecord,
): Promise<readonly string[]> {
  const engine = createTfjsEngine(tf, name, device);
  const zerosOf = <S extends Parameters<typeof concrete>[0]>(
    named: Readonly<Record<string, S>>,
  ): Record<string, HostTensor> =>
    Object.fromEntries(
      Object.entries(named).map(([key, spec]) => {
        const { dtype, shape } = concrete(spec, batch);
        return [key, zeros(dtype, shape)];
      }),
    );
  const state = engine.createState(specs, zerosOf(specs));
  const scalars = Object.fromEntries(Object.keys(program.scalars).map((key) => [key, 1]));
  try {
    const executable = await engine.prepare(program, batch);
    const { kernels } = await tf.profile(async () => {
      await executable.run({ inputs: zerosOf(program.inputs), scalars, state });
    });
    return kernels.map((kernel) => kernel.name).filter((kernel) => !free.has(kernel));
  } finally {
    state.dispose();
    await engine.dispose();
  }
}
