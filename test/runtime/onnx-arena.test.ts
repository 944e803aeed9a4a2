/** @file Small weights are updated together in flat arrays, and nobody can tell. */
import {
  createEngine,
  type HostTensor,
  type Ops,
  type Program,
  type ProgramArguments,
  type StateSpec,
} from "@dlc/runtime";
import { afterAll, describe, expect, it } from "vitest";
import type { AnyOpDef, ReferenceTensor } from "../../compiler/ops/define-op.js";
import { ops as table } from "../../compiler/ops/index.js";
import { findArenaUpdate, planArenas } from "../../runtime/engines/onnx/arena.js";
import { recordProgram } from "../../runtime/engines/onnx/record.js";
import { cpuTarget } from "../../runtime/engines/onnx/target.js";
import { toHost, worstError } from "../support/one-op-program.js";
import { someTensor } from "../support/onnx-graph.js";

const { engine } = await createEngine({ engine: "onnx", device: "cpu", threads: 1 });
afterAll(() => engine.dispose());

const shapes: Readonly<Record<string, readonly number[]>> = {
  "a.kernel": [3, 4],
  "a.bias": [4],
  // Too large for an arena.
  "b.kernel": [300, 300],
  "b.bias": [300],
  "c.scale": [1],
};
const names = Object.keys(shapes);

const updates = {
  applySgd: { slots: [], step: false, options: null },
  applyMomentum: { slots: ["v"], step: false, options: { momentum: 0.9, nesterov: true } },
  applyAdam: {
    slots: ["m", "v"],
    step: true,
    options: { beta1: 0.9, beta2: 0.999, epsilon: 1e-7, weightDecay: 0.01 },
  },
  applyRmsprop: {
    slots: ["s", "v"],
    step: false,
    options: { rho: 0.9, momentum: 0.5, epsilon: 1e-6 },
  },
  applyAdagrad: { slots: ["a"], step: false, options: { epsilon: 1e-6 } },
  applyLion: { slots: ["m"], step: false, options: { beta1: 0.9, beta2: 0.99, weightDecay: 0.01 } },
} as const;
type Update = keyof typeof updates;
const kinds = Object.keys(updates) as Update[];

const keysOf = (kind: Update): string[] =>
  names.flatMap((name) => [name, ...updates[kind].slots.map((slot) => `${name}:${slot}`)]);

function specsOf(kind: Update): Record<string, StateSpec> {
  const entries = keysOf(kind).map((key): [string, StateSpec] => {
    const [name = ""] = key.split(":");
    const role = key.includes(":") ? "slot" : "weight";
    const shape = shapes[name] as readonly number[];
    return [key, { dtype: "f32", shape, role, init: { kind: "zeros" }, layer: "layer" }];
  });
  return Object.fromEntries(entries);
}

/** Slots start above zero: some are sums of squares. */
function firstValues(kind: Update): Record<string, ReferenceTensor> {
  return Object.fromEntries(
    keysOf(kind).map((key, i) => {
      const [name = ""] = key.split(":");
      const tensor = someTensor(shapes[name] as readonly number[], i + 1);
      const slot = { ...tensor, data: tensor.data.map((v) => Math.fround(Math.abs(v) / 4)) };
      return [key, key.includes(":") ? slot : tensor];
    }),
  );
}

/** The gradient of each weight is the weight times x, a number. */
function program(kind: Update, only: readonly string[] = names): Program {
  const { slots, step, options } = updates[kind];
  const keys = keysOf(kind).filter((key) => only.includes(key.split(":")[0] as string));
  return {
    name: "update",
    inputs: { x: { dtype: "f32", shape: [] } },
    scalars: { learning_rate: "f32", step: "f32" },
    reads: keys,
    updates: keys,
    outputs: { sum: { dtype: "f32", shape: [] } },
    run<T>(o: Ops<T>, args: ProgramArguments<T>) {
      const get = (of: Readonly<Record<string, T>>, key: string): T => of[key] as T;
      const state: Record<string, T> = {};
      const sums: T[] = [];
      for (const name of only) {
        const old = [name, ...slots.map((slot) => `${name}:${slot}`)];
        const w = get(args.state, name);
        sums.push(o.sum(w, { axes: (shapes[name] ?? []).map((_, i) => i), keepDims: false }));
        const method = o[kind] as unknown as (...values: unknown[]) => T | T[];
        const results = method(
          ...old.map((key) => get(args.state, key)),
          o.mul(w, get(args.inputs, "x")),
          get(args.scalars, "learning_rate"),
          ...(step ? [get(args.scalars, "step")] : []),
          ...(options === null ? [] : [options]),
        );
        old.forEach((key, i) => {
          state[key] = (Array.isArray(results) ? results[i] : results) as T;
        });
      }
      return { outputs: { sum: sums.reduce((a, b) => o.add(a, b)) }, state };
    },
  };
}

const number = (value: number): ReferenceTensor => ({
  dtype: "f32",
  shape: [],
  data: Float64Array.of(value),
});

/** What the update's definition makes of the state. */
function referenceStep(
  kind: Update,
  state: Record<string, ReferenceTensor>,
  only: readonly string[],
  step: number,
): void {
  const { slots, step: counted, options } = updates[kind];
  for (const name of only) {
    const keys = [name, ...slots.map((slot) => `${name}:${slot}`)];
    const w = state[name] as ReferenceTensor;
    const inputs = [
      ...keys.map((key) => state[key]),
      { ...w, data: w.data.map((v) => v * 0.5) },
      number(0.01),
      ...(counted ? [number(step)] : []),
    ];
    const results = (table[kind] as AnyOpDef).evaluate(inputs as never, options ?? {}, []);
    keys.forEach((key, i) => {
      state[key] = results[i] as ReferenceTensor;
    });
  }
}

describe.for(kinds)("%s", (kind) => {
  it("keeps the small weights and all their slots in arenas", () => {
    const specs = specsOf(kind);
    const arenas = planArenas(specs);
    expect(arenas.map(({ suffix }) => suffix)).toEqual([
      "",
      ...updates[kind].slots.map((slot) => `:${slot}`),
    ]);
    for (const { members, size } of arenas) {
      expect(members.map(({ weight }) => weight)).toEqual([
        "a.kernel",
        "a.bias",
        "b.bias",
        "c.scale",
      ]);
      expect(size).toBe(12 + 4 + 300 + 1);
    }
    const state = { tensors: specs, arenas };
    const { reads, updates: results } = recordProgram(program(kind), 1, state, {
      target: cpuTarget(),
    });
    const apart = ["b.kernel", ...updates[kind].slots.map((slot) => `b.kernel:${slot}`)];
    const expected = [...apart, ...arenas.map(({ name }) => name)].toSorted();
    expect(reads.map(({ name }) => name).toSorted()).toEqual(expected);
    expect(results.map(({ name }) => name).toSorted()).toEqual(expected);
  });

  it("updates every weight as its reference does, mixed with updates of single weights", async () => {
    const expected = firstValues(kind);
    const specs = specsOf(kind);
    const first = Object.entries(expected).map(([key, value]) => [key, toHost(value)] as const);
    const state = engine.createState(specs, Object.fromEntries(first));
    const all = await engine.prepare(program(kind), 1);
    const some = ["a.bias", "b.kernel"];
    const single = await engine.prepare(program(kind, some), 1);
    const x: HostTensor = toHost(number(0.5));
    for (const [step, executable, only, commit] of [
      [1, all, names, true],
      [2, single, some, true],
      [3, all, names, true],
      [4, all, names, false],
      [4, single, some, false],
      [4, all, names, true],
    ] as const) {
      const scalars = { learning_rate: 0.01, step };
      await executable.run({ inputs: { x }, scalars, state, commit: () => commit });
      if (commit) referenceStep(kind, expected, only, step);
    }
    const actual = await state.read();
    expect(Object.keys(actual)).toEqual(Object.keys(expected));
    for (const [key, value] of Object.entries(expected)) {
      expect(actual[key]?.shape).toEqual(value.shape);
      expect(worstError(actual[key] as HostTensor, value), key).toBeLessThan(1e-5);
    }
  });

  it("takes values that are written between runs", async () => {
    const first = firstValues(kind);
    const hosts = Object.fromEntries(Object.entries(first).map(([k, v]) => [k, toHost(v)]));
    const state = engine.createState(specsOf(kind), hosts);
    const executable = await engine.prepare(program(kind), 1);
    const x = toHost(number(0.5));
    const call = { inputs: { x }, scalars: { learning_rate: 0.01, step: 1 }, state };
    await executable.run(call);
    const once = await state.read();
    await executable.run(call);
    await state.write(hosts);
    expect(await state.read()).toEqual(hosts);
    await executable.run(call);
    expect(await state.read()).toEqual(once);
  });
});

describe("arenas are not used", () => {
  const specs = specsOf("applySgd");
  const state = { tensors: specs, arenas: planArenas(specs) };
  const usesArena = (changed: Program): boolean =>
    recordProgram(changed, 1, state, { target: cpuTarget() }).reads.some(({ name }) =>
      name.startsWith("["),
    );
  const base = program("applySgd");

  it("where a small weight is not updated", () => {
    expect(usesArena(base)).toBe(true);
    expect(usesArena(program("applySgd", names.slice(1)))).toBe(false);
  });

  it("where something else looks at a new value", () => {
    const looking: Program = {
      ...base,
      run(o, args) {
        const { state: next } = base.run(o, args);
        const sum = o.sum(next["a.bias"] as never, { axes: [0], keepDims: false });
        return { outputs: { sum }, state: next };
      },
    };
    expect(usesArena(looking)).toBe(false);
  });

  it("where weights are updated with different settings", () => {
    const mixed: Program = {
      ...base,
      run(o, args) {
        const slow = {
          ...o,
          applySgd: (p: never, g: never, lr: never) => o.applySgd(p, g, o.mul(lr, lr)),
        };
        const { outputs, state: next } = base.run(o, args);
        const { state: other } = base.run(slow as typeof o, args);
        return { outputs, state: { ...next, "a.bias": other["a.bias"] as never } };
      },
    };
    expect(usesArena(mixed)).toBe(false);
  });

  it("for few weights", () => {
    const few = Object.fromEntries(Object.entries(specs).slice(0, 2));
    expect(planArenas(few)).toEqual([]);
    expect(findArenaUpdate([], [], {}, {}, {})).toBeNull();
  });
});
