/**
 * @file An engine for tests that runs programs op by op through the ops' own definitions: exact, slow,
 * and quick to start. State is rounded to its dtype between steps, as on a real engine.
 */
import {
  type DeviceState,
  type Engine,
  type HostTensor,
  type Program,
  type Scalars,
  type StateSpec,
  scalar,
} from "@dlc/runtime";
import type { ReferenceTensor } from "../../compiler/ops/define-op.js";
import { toHost } from "./one-op-program.js";
import { createReferenceOps, type ReferenceCall } from "./reference-ops.js";

interface EagerState extends DeviceState {
  readonly values: Record<string, HostTensor>;
}

type Call = {
  readonly inputs: Readonly<Record<string, HostTensor>>;
  readonly scalars: Partial<Scalars>;
  readonly state: DeviceState;
};

function toReference({ dtype, shape, data }: HostTensor): ReferenceTensor {
  return { dtype, shape: [...shape], data: Float64Array.from(data) };
}

function mapValues<A, B>(
  record: Readonly<Record<string, A>>,
  f: (value: A) => B,
): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, f(value)]));
}

function compute(program: Program, batch: number, call: Call, calls: ReferenceCall[]) {
  const { values } = call.state as EagerState;
  const pick = (names: readonly string[]): Record<string, HostTensor> =>
    Object.fromEntries(
      names.map((name) => {
        const value = values[name];
        if (value === undefined) throw new Error(`no state ${name}`);
        return [name, value];
      }),
    );
  const scalars = Object.entries(program.scalars).map(([name, dtype]) => {
    const value = call.scalars[name as keyof Scalars];
    if (value === undefined) throw new Error(`program ${program.name} needs scalar ${name}`);
    return [name, toReference(scalar(dtype, value))] as const;
  });
  const results = program.run(createReferenceOps(calls), {
    inputs: mapValues(call.inputs, toReference),
    scalars: Object.fromEntries(scalars),
    state: mapValues(pick(program.reads), toReference),
    n: batch,
  });
  return { outputs: mapValues(results.outputs, toHost), state: mapValues(results.state, toHost) };
}

export function createEagerEngine(): Engine {
  return {
    name: "eager",
    device: "cpu",
    threads: 1,
    half: { f16: "emulated", bf16: "emulated" },
    createState(specs: Readonly<Record<string, StateSpec>>, initial): EagerState {
      const values: Record<string, HostTensor> = {};
      for (const name of Object.keys(specs)) {
        const value = initial[name];
        if (value === undefined) throw new Error(`no value for ${name}`);
        values[name] = { ...value, data: value.data.slice() };
      }
      return {
        values,
        async read(names = Object.keys(values)) {
          return Object.fromEntries(
            names.map((name) => {
              const value = values[name] as HostTensor;
              return [name, { ...value, data: value.data.slice() }];
            }),
          );
        },
        async write(replacements) {
          Object.assign(values, replacements);
        },
        dispose() {},
      };
    },
    async prepare(program, batch) {
      return {
        batch,
        async run(call) {
          const { outputs, state } = compute(program, batch, call, []);
          if (call.commit?.(outputs) ?? true) {
            Object.assign((call.state as EagerState).values, state);
          }
          return outputs;
        },
        async trace(call) {
          const calls: ReferenceCall[] = [];
          compute(program, batch, call, calls);
          return calls.flatMap(({ scope, kind, results }) =>
            results.map((value) => ({ scope, op: kind, value: toHost(value) })),
          );
        },
        dispose() {},
      };
    },
    async dispose() {},
  };
}
