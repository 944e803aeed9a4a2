/** @file Programs made for one test, and running them once. */
import type { ElementType, Engine, HostTensor, Ops, Program } from "@dlc/runtime";
import { allocate, hostType, sizeOf } from "@dlc/runtime";
import type { ReferenceTensor } from "../../compiler/ops/define-op.js";

export function toHost({ dtype, shape, data }: ReferenceTensor): HostTensor {
  const host = allocate(hostType(dtype), sizeOf(shape));
  host.set(data);
  return { dtype: hostType(dtype), shape, data: host };
}

/**
 * Runs `compute` on an engine as a program of its own: `inputs` become arguments in their order;
 * the results come back in theirs.
 */
export async function runOnce(
  engine: Engine,
  inputs: readonly ReferenceTensor[],
  results: readonly { readonly dtype: ElementType; readonly shape: readonly number[] }[],
  compute: <T>(o: Ops<T>, inputs: readonly T[]) => readonly T[],
): Promise<readonly HostTensor[]> {
  const program: Program = {
    name: "test",
    inputs: Object.fromEntries(
      inputs.map(({ dtype, shape }, i) => [`x${i}`, { dtype: hostType(dtype), shape }]),
    ),
    scalars: {},
    reads: [],
    updates: [],
    outputs: Object.fromEntries(
      results.map(({ dtype, shape }, i) => [`y${i}`, { dtype: hostType(dtype), shape }]),
    ),
    run(o, args) {
      const values = compute(
        o,
        inputs.map((_, i) => args.inputs[`x${i}`] as never),
      );
      return { outputs: Object.fromEntries(values.map((value, i) => [`y${i}`, value])), state: {} };
    },
  };
  const executable = await engine.prepare(program, 1);
  const state = engine.createState({}, {});
  const outputs = await executable.run({
    inputs: Object.fromEntries(inputs.map((input, i) => [`x${i}`, toHost(input)])),
    scalars: {},
    state,
  });
  executable.dispose();
  return results.map((_, i) => outputs[`y${i}`] as HostTensor);
}

/** Largest difference, relative to 1 plus the expected size; infinite where one is not finite. */
export function worstError(actual: HostTensor, expected: HostTensor | ReferenceTensor): number {
  let worst = 0;
  expected.data.forEach((value, i) => {
    const found = actual.data[i] as number;
    if (Object.is(found, value)) return;
    const error = Math.abs(found - value) / (1 + Math.abs(value));
    worst = Math.max(worst, Number.isNaN(error) ? Number.POSITIVE_INFINITY : error);
  });
  return worst;
}
