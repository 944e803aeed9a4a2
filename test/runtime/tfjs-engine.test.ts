/** @file The tfjs engine: commits, memory, traces, several at a time, state that other engines continue. */

import {
  createEngine,
  type Engine,
  engineEntries,
  type HostTensor,
  initialState,
  type ModelDefinition,
  type Ops,
  type Program,
  type ProgramArguments,
  random,
  scalar,
  zeros,
} from "@dlc/runtime";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, describe, expect, it } from "vitest";
import { emitPackage } from "../../compiler/5-emit/emit-package.js";
import { tfjsEntry } from "../../runtime/engines/tfjs/entry.js";
import { createWorkspace } from "../support/emitted.js";
import { compiledFrom } from "../support/from-yaml.js";
import { f32, weight } from "../support/hand-state.js";
import { examplesOf } from "../support/zoo.js";

const start = async (device: string): Promise<Engine> =>
  (await createEngine({ engine: "tfjs", device, threads: 1 })).engine;
const engine = await start("cpu");
const { engine: onnx } = await createEngine({ engine: "onnx", device: "cpu", threads: 1 });
afterAll(() => Promise.all([engine.dispose(), onnx.dispose()]));

const numbers = (tensor: HostTensor | undefined): number[] => [...(tensor?.data ?? [])];

type Run = <T>(
  o: Ops<T>,
  args: ProgramArguments<T> & { readonly x: T; readonly w: T },
) => {
  readonly outputs: Readonly<Record<string, T>>;
  readonly state: Readonly<Record<string, T>>;
};

/** A program with an input x of two numbers and a state w that it may update. */
function programOf(run: Run, outputs: Program["outputs"] = { y: { dtype: "f32", shape: [2] } }) {
  const program: Program = {
    name: "sample",
    inputs: { x: { dtype: "f32", shape: [2] } },
    scalars: {},
    reads: ["w"],
    updates: ["w"],
    outputs,
    run(o, args) {
      const [x, w] = [args.inputs.x, args.state.w];
      if (x === undefined || w === undefined) throw new Error("arguments");
      return run(o, { ...args, x, w });
    },
  };
  return program;
}
const stateOf = (values: readonly number[], on = engine) =>
  on.createState({ w: weight([values.length]) }, { w: f32(values) });

/** Gives w before, and adds x to it. */
const adding = (): Program =>
  programOf((o, { x, w }) => {
    o.scope("sum");
    return { outputs: { y: w }, state: { w: o.add(w, x) } };
  });

/**
 * A convolution, a norm, a pool of windows that overlap, a loop, dropout and Adam. The convolution has no bias:
 * its gradient would be 0 before a norm but for rounding, which Adam makes large.
 */
const network = `
data:
  source: arrays
  features: { image: { type: image, shape: [8, 8, 2] } }
  targets: { kind: { type: category, classes: [circle, square, star] } }
model:
  layers:
    - conv2d: { filters: 6, kernel: 3, stride: 2, padding: same, bias: false }
    - batch_norm
    - relu
    - max_pool2d: { size: 3, stride: 2, padding: same }
    - reshape: [4, 6]
    - lstm: 5
    - dropout: 0.3
    - dense: 3
train: { loss: cross_entropy, epochs: 1, batch: 4, optimizer: adam }
`;
const workspace = createWorkspace(afterAll);
workspace.add(await emitPackage(compiledFrom(network)));
const emitted = await workspace.load("generated/example/index.js");
const definition = emitted.definition as ModelDefinition;
const train = definition.programs.train as Program;
const n = 4;

/** Takes steps with a state, from the given one on; gives the losses. */
async function take(
  on: Engine,
  state: ReturnType<Engine["createState"]>,
  steps: readonly number[],
) {
  const known = { ...definition.data?.features, ...definition.data?.targets };
  const inputs = Object.fromEntries(
    Object.keys(train.inputs).map((name) => {
      const feature = known[name];
      if (feature === undefined) throw new Error(`no feature ${name}`);
      return [name, examplesOf(name, feature, n)];
    }),
  );
  const executable = await on.prepare(train, n);
  const losses: number[] = [];
  for (const step of steps) {
    const scalars = { learning_rate: 0.01, step, random_key: random.derive(7, step) };
    const { loss } = await executable.run({ inputs, scalars, state });
    losses.push(loss?.data[0] ?? Number.NaN);
  }
  return losses;
}
const fresh = (on: Engine) => on.createState(definition.state, initialState(definition.state, 1));

describe("state", () => {
  it("is replaced only where commit agrees, which is shown the outputs", async () => {
    const executable = await engine.prepare(adding(), 1);
    const state = stateOf([1, 2]);
    const call = { inputs: { x: f32([10, 20]) }, scalars: {}, state };
    let seen: unknown;
    const refuse = (outputs: Readonly<Record<string, HostTensor>>): boolean => {
      seen = numbers(outputs.y);
      return false;
    };
    await executable.run({ ...call, commit: refuse });
    expect(seen).toEqual([1, 2]);
    expect(numbers((await state.read()).w)).toEqual([1, 2]);
    await executable.run({ ...call, commit: () => true });
    await executable.run(call);
    expect(numbers((await state.read(["w"])).w)).toEqual([21, 42]);
  });

  it("gives copies, takes copies and values of its own type only", async () => {
    const first = f32([1, 2]);
    const state = engine.createState({ w: weight([2]) }, { w: first });
    first.data[0] = 99;
    const copy = (await state.read()).w as HostTensor;
    copy.data[0] = 55;
    expect(numbers((await state.read()).w)).toEqual([1, 2]);
    await expect(state.write({ w: f32([1]) })).rejects.toThrow("f32[1] but must be f32[2]");
    await expect(state.write({ v: f32([1]) })).rejects.toThrow("'v'");
    await state.write({ w: f32([3, 4]) });
    expect(numbers((await state.read()).w)).toEqual([3, 4]);
    state.dispose();
    await expect(state.read()).rejects.toThrow("disposed");
  });

  it("is worked on by one call after the other", async () => {
    const executable = await engine.prepare(adding(), 1);
    const state = stateOf([0, 0]);
    const call = { inputs: { x: f32([1, 2]) }, scalars: {}, state };
    await Promise.all(Array.from({ length: 5 }, () => executable.run(call)));
    expect(numbers((await state.read()).w)).toEqual([5, 10]);
  });

  it("of another engine is refused", async () => {
    const executable = await engine.prepare(adding(), 1);
    const state = stateOf([0, 0], onnx);
    expect(() => executable.run({ inputs: { x: f32([1, 2]) }, scalars: {}, state })).toThrow(
      "another engine",
    );
  });

  it("may become an input, a constant, what it was, or one result twice", async () => {
    const program: Program = {
      ...programOf((o, { x, w }) => {
        const sum = o.add(x, w);
        const constant = o.constant({ dtype: "f32", shape: [2], value: 3 });
        const state = { w: sum, same: sum, fed: x, constant, kept: w };
        return { outputs: { y: sum, again: sum, x, constant, w }, state };
      }),
      updates: ["w", "same", "fed", "constant", "kept"],
      outputs: Object.fromEntries(
        ["y", "again", "x", "constant", "w"].map((name) => [name, { dtype: "f32", shape: [2] }]),
      ),
    };
    const specs = Object.fromEntries(program.updates.map((name) => [name, weight([2])]));
    const before = tf.memory().numTensors;
    const state = engine.createState(
      specs,
      Object.fromEntries(program.updates.map((name) => [name, f32([1, 2])])),
    );
    const executable = await engine.prepare(program, 1);
    const call = { inputs: { x: f32([10, 20]) }, scalars: {}, state };
    const outputs = await executable.run(call);
    expect(Object.fromEntries(Object.entries(outputs).map(([k, v]) => [k, numbers(v)]))).toEqual({
      ...{ y: [11, 22], again: [11, 22], x: [10, 20], constant: [3, 3], w: [1, 2] },
    });
    await executable.run(call);
    const values = await state.read();
    expect(Object.fromEntries(Object.entries(values).map(([k, v]) => [k, numbers(v)]))).toEqual({
      ...{ w: [21, 42], same: [21, 42], fed: [10, 20], constant: [3, 3], kept: [11, 22] },
    });
    executable.dispose();
    state.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it.for([
    ["tfjs", "onnx"],
    ["onnx", "tfjs"],
  ] as const)("of %s is continued by %s as by itself", async ([first, second]) => {
    const engines = { tfjs: engine, onnx };
    const whole = fresh(engines[first]);
    const losses = await take(engines[first], whole, [1, 2, 3, 4]);
    const begun = fresh(engines[first]);
    await take(engines[first], begun, [1, 2]);
    const continued = engines[second].createState(definition.state, await begun.read());
    const rest = await take(engines[second], continued, [3, 4]);
    rest.forEach((loss, i) => {
      expect(Math.abs(loss / (losses[i + 2] ?? Number.NaN) - 1)).toBeLessThan(1e-4);
    });
    const [wanted, given] = [await whole.read(), await continued.read()];
    for (const [name, { dtype, shape, data }] of Object.entries(wanted)) {
      expect([name, given[name]?.dtype, given[name]?.shape]).toEqual([name, dtype, shape]);
      const apart = data.map((value, i) => Math.abs((given[name]?.data[i] ?? Number.NaN) - value));
      expect([name, Math.max(...apart)]).toEqual([name, expect.closeTo(0, 4)]);
    }
    for (const state of [whole, begun, continued]) state.dispose();
  });
});

describe("memory", () => {
  it.for(["cpu", "wasm"])(
    "of %s is what it was after every step, and free at the end",
    async (device) => {
      const own = await start(device);
      const before = tf.memory();
      const state = fresh(own);
      const counts: number[] = [];
      for (const step of [1, 2, 3, 4]) {
        await take(own, state, [step]);
        counts.push(tf.memory().numTensors, tf.memory().numDataBuffers);
      }
      const [, , ...later] = counts;
      expect(later).toEqual([...later.slice(0, 2), ...later.slice(0, 2), ...later.slice(0, 2)]);
      state.dispose();
      await own.dispose();
      expect(tf.memory().numTensors).toBe(before.numTensors);
      expect(tf.memory().numBytes).toBe(before.numBytes);
    },
  );

  it("is the same after a run that failed, was refused or was traced", async () => {
    const executable = await engine.prepare(adding(), 1);
    const state = stateOf([1, 2]);
    const call = { inputs: { x: f32([10, 20]) }, scalars: {}, state };
    await executable.run(call);
    const { numTensors } = tf.memory();
    await executable.run({ ...call, commit: () => false });
    await executable.trace(call);
    await expect(executable.run({ ...call, inputs: {} })).rejects.toThrow("needs the input 'x'");
    await expect(
      executable.run({
        ...call,
        commit: () => {
          throw new Error("no");
        },
      }),
    ).rejects.toThrow("no");
    expect(tf.memory().numTensors).toBe(numTensors);
    state.dispose();
  });
});

describe("a trace", () => {
  it("gives every computed tensor with its scope and changes nothing", async () => {
    const executable = await engine.prepare(
      programOf((o, { x, w }) => {
        o.scope("first");
        const two = o.constant({ dtype: "f32", shape: [], value: 2 });
        const doubled = o.mul(x, two);
        o.scope("second");
        return { outputs: { y: doubled }, state: { w: o.add(w, doubled) } };
      }),
      1,
    );
    const state = stateOf([1, 1]);
    const call = { inputs: { x: f32([1, Number.NaN]) }, scalars: {}, state };
    const values = await executable.trace(call);
    expect(values.map(({ scope, op, value }) => [scope, op, numbers(value)])).toEqual([
      ["first", "mul", [2, Number.NaN]],
      ["second", "add", [3, Number.NaN]],
    ]);
    expect(numbers((await state.read()).w)).toEqual([1, 1]);
  });
});

describe("runs", () => {
  it.for([
    ["a missing input", {}, /needs the input 'x'/],
    ["another shape", { x: f32([1, 2, 3]) }, /f32\[3\] but must be f32\[2\]/],
    ["another dtype", { x: zeros("i32", [2]) }, /i32\[2\] but must be f32\[2\]/],
    ["too few elements", { x: f32([1], [2]) }, /has 1 elements, its shape says 2/],
  ] as const)("with %s are refused", async ([, inputs, message]) => {
    const executable = await engine.prepare(adding(), 1);
    const call = { inputs, scalars: {}, state: stateOf([0, 0]) };
    await expect(executable.run(call)).rejects.toThrow(message);
  });

  it("name the layer and the op of an error of the library", async () => {
    const executable = await engine.prepare(
      programOf((o, { w }) => {
        o.scope("embedding_1");
        const index = o.constant({ dtype: "i32", shape: [2], value: [0, 17] });
        return { outputs: { y: o.gather(w, index, { axis: 0 }) }, state: { w } };
      }),
      1,
    );
    const call = { inputs: { x: f32([1, 2]) }, scalars: {}, state: stateOf([0, 0]) };
    await expect(executable.run(call)).rejects.toThrow(
      "program sample failed in gather of layer 'embedding_1'",
    );
  });

  it.for(["cpu", "wasm"])(
    "on %s take one tensor into products in several shapes",
    async (device) => {
      const own = await start(device);
      const program: Program = {
        name: "products",
        inputs: { x: { dtype: "f32", shape: [6, 4] } },
        scalars: {},
        reads: [],
        updates: [],
        outputs: { a: { dtype: "f32", shape: [1, 4] }, b: { dtype: "f32", shape: [1, 12] } },
        run(o, { inputs }) {
          if (inputs.x === undefined) throw new Error("arguments");
          const ones = (count: number) => o.constant({ dtype: "f32", shape: [1, count], value: 1 });
          const plain = { transposeA: false, transposeB: false, activation: "none" } as const;
          const a = o.matmul(ones(6), inputs.x, plain);
          const b = o.matmul(ones(2), o.reshape(inputs.x, { shape: [2, 12] }), plain);
          return { outputs: { a, b }, state: {} };
        },
      };
      const x = f32(
        Array.from({ length: 24 }, (_, i) => i),
        [6, 4],
      );
      const executable = await own.prepare(program, 1);
      const { a, b } = await executable.run({
        inputs: { x },
        scalars: {},
        state: own.createState({}, {}),
      });
      expect(numbers(a)).toEqual([60, 66, 72, 78]);
      expect(numbers(b)).toEqual(Array.from({ length: 12 }, (_, i) => 12 + 2 * i));
      await own.dispose();
    },
  );

  it("draw the random numbers of the host to the last bit, with all bits of the key", async () => {
    const shape = [3, 1, 70];
    const program: Program = {
      name: "random",
      inputs: {},
      scalars: { random_key: "u32" },
      reads: [],
      updates: [],
      outputs: { x: { dtype: "f32", shape }, key: { dtype: "u32", shape: [] } },
      run(o, { scalars }) {
        const key = scalars.random_key;
        if (key === undefined) throw new Error("arguments");
        return { outputs: { x: o.randomUniform(key, { shape, site: 41 }), key }, state: {} };
      },
    };
    const executable = await engine.prepare(program, 1);
    const state = engine.createState({}, {});
    for (const key of [0, 1, 0x7fffffff, 0xfffffff0]) {
      const { x, key: back } = await executable.run({
        inputs: {},
        scalars: { random_key: key },
        state,
      });
      expect(back).toEqual(scalar("u32", key));
      expect(x?.data).toEqual(
        Float32Array.from({ length: 210 }, (_, i) => random.uniform(i, random.siteKey(key, 41))),
      );
    }
  });

  it("correct Adam's moments alike for a step that is fed and one that is computed", async () => {
    const program = (computed: boolean): Program => ({
      ...programOf((o, { x, w, scalars }) => {
        const { learning_rate: rate, step } = scalars;
        if (rate === undefined || step === undefined) throw new Error("arguments");
        const options = { beta1: 0.9, beta2: 0.999, epsilon: 1e-7, weightDecay: 0.1 };
        const one = o.constant({ dtype: "f32", shape: [], value: 1 });
        const at = computed ? o.mul(step, one) : step;
        const [next] = o.applyAdam(w, x, o.square(x), x, rate, at, options);
        return { outputs: { y: next }, state: { w } };
      }),
      scalars: { learning_rate: "f32", step: "f32" },
    });
    const results = await Promise.all(
      [true, false].map(async (computed) => {
        const executable = await engine.prepare(program(computed), 1);
        const scalars = { learning_rate: 0.5, step: 1 };
        const call = { inputs: { x: f32([0.5, -2]) }, scalars, state: stateOf([1, 2]) };
        return (await executable.run(call)).y?.data ?? [];
      }),
    );
    results[0]?.forEach((value, i) => {
      expect(value).toBeCloseTo(results[1]?.[i] ?? Number.NaN, 5);
    });
  });
});

describe("engines on several backends", () => {
  it("do not disturb each other, or the backend that was in use before", async () => {
    const wasm = await start("wasm");
    await tf.setBackend("cpu");
    const states = [stateOf([0, 0]), stateOf([0, 0], wasm)];
    const program = adding();
    await Promise.all(
      [engine, wasm, engine, wasm].map(async (one, i) => {
        const state = states[i % 2] as (typeof states)[number];
        const executable = await one.prepare(program, 1);
        await executable.run({ inputs: { x: f32([1, 2]) }, scalars: {}, state });
        expect(tf.getBackend()).toBe("cpu");
      }),
    );
    for (const state of states) expect(numbers((await state.read()).w)).toEqual([2, 4]);
    expect(tf.getBackend()).toBe("cpu");
    await wasm.dispose();
  });
});

describe("the engine's entry", () => {
  it("is never what auto takes", async () => {
    const { engine: chosen } = await createEngine({ threads: 1 });
    expect(chosen.name).not.toBe("tfjs");
    await chosen.dispose();
  });

  it("finds no GPU where there is no page, and says so", async () => {
    for (const device of ["webgl", "webgpu"]) {
      expect(await tfjsEntry("browser").probe(device)).toMatchObject({ availability: "absent" });
    }
    expect(await tfjsEntry("browser").probe("cpu")).toMatchObject({ availability: "ready" });
  });

  it("is listed with its devices in Node", () => {
    const listed = engineEntries.find(({ name }) => name === "tfjs");
    expect(listed?.devices).toEqual(["cpu", "wasm"]);
  });
});
