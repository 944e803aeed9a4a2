/** @file The tensorflow engine: commits, state, its memory, its errors, and what it shares with other engines. Runs where DLC_TEST_ENGINES names tensorflow:cpu. */
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import {
  allocate,
  createEngine,
  createModel,
  type DeviceState,
  type Engine,
  type HostTensor,
  initialState,
  type ModelDefinition,
  type Ops,
  type Program,
  type ProgramArguments,
  random,
  sizeOf,
  type TrainEvent,
  type TrainResult,
} from "@dlc/runtime";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type Binding, loadBinding } from "../../runtime/engines/tensorflow/binding.js";
import { startTestEngine, testEngines } from "../support/engines.js";
import { f32, weight } from "../support/hand-state.js";
import { worstError } from "../support/one-op-program.js";
import { runFolders } from "../support/tiny-runs.js";
import { trainedPackages } from "../support/trained-packages.js";
import { takeSteps } from "../support/training-steps.js";

const named = testEngines.includes("tensorflow:cpu");
const packages = trainedPackages();
const newRun = runFolders();

const specs = { w: weight([2]), filter: weight([2, 1, 1, 2]), count: weight([], "f32", "buffer") };
const first = { w: f32([1, 2]), filter: f32([1, 2, 3, 4], [2, 1, 1, 2]), count: f32([0], []) };

interface Told {
  readonly loss: boolean;
  readonly skipped?: boolean;
}

/** Takes x from `w` and `filter`; the loss is the sum of w·x; `skipped` is 1 where x is 7. */
function stepping({ loss: told, skipped = false }: Told, name = "stepping"): Program {
  const number = { dtype: "f32", shape: [] } as const;
  return {
    name,
    inputs: { x: { dtype: "f32", shape: ["n"] } },
    scalars: { learning_rate: "f32" },
    reads: ["w", "filter", "count"],
    updates: ["w", "filter", "count"],
    outputs: {
      total: number,
      ...(told ? { loss: number } : {}),
      ...(skipped ? { "precision.skipped": number } : {}),
    },
    run<T>(o: Ops<T>, { inputs, state, scalars }: ProgramArguments<T>) {
      const [x, rate] = [inputs.x as T, scalars.learning_rate as T];
      o.scope("sums_1");
      const sum = o.sum(x, { axes: [0], keepDims: false });
      const total = o.sum(o.mul(state.w as T, sum), { axes: [0], keepDims: false });
      const seven = o.equal(sum, o.constant({ dtype: "f32", shape: [], value: 7 }));
      o.scope("optimizer");
      return {
        outputs: {
          total,
          ...(told ? { loss: total } : {}),
          ...(skipped ? { "precision.skipped": o.cast(seven, { dtype: "f32" }) } : {}),
        },
        state: {
          w: o.applySgd(state.w as T, o.broadcastTo(sum, { shape: [2] }), rate),
          filter: o.applySgd(state.filter as T, o.broadcastTo(sum, { shape: [2, 1, 1, 2] }), rate),
          count: o.add(state.count as T, o.constant({ dtype: "f32", shape: [], value: 1 })),
        },
      };
    },
  };
}
/** Reads `w` and writes nothing. */
const looking: Program = {
  ...stepping({ loss: false }, "looking"),
  scalars: {},
  reads: ["w"],
  updates: [],
  run<T>(o: Ops<T>, { inputs, state }: ProgramArguments<T>) {
    o.scope("sums_1");
    const sum = o.sum(inputs.x as T, { axes: [0], keepDims: false });
    const total = o.sum(o.mul(state.w as T, sum), { axes: [0], keepDims: false });
    return { outputs: { total }, state: {} };
  },
};

/** TensorFlow does not load it: rows and columns do not fit. */
const unloadable: Program = {
  ...looking,
  name: "unloadable",
  run<T>(o: Ops<T>) {
    o.scope("dense_1");
    const ones = (shape: readonly number[]): T => o.constant({ dtype: "f32", shape, value: 1 });
    const whole = { transposeA: false, transposeB: false, activation: "none" } as const;
    const product = o.matmul(ones([1, 2]), ones([3, 1]), whole);
    return { outputs: { total: o.reshape(product, { shape: [] }) }, state: {} };
  },
};

const valuesOf = async (state: DeviceState): Promise<Record<string, readonly number[]>> =>
  Object.fromEntries(
    Object.entries(await state.read()).map(([name, { data }]) => [name, [...data]]),
  );

describe.runIf(named)("tensorflow", { timeout: 120_000 }, () => {
  let engine: Engine;
  let binding: Binding;
  beforeAll(async () => {
    engine = await startTestEngine("tensorflow:cpu");
    ({ binding } = loadBinding(1));
  });
  afterAll(() => engine.dispose());

  const trained = stepping({ loss: true });
  const unguarded = stepping({ loss: false });
  const scaled = stepping({ loss: true, skipped: true });

  async function run(
    state: DeviceState,
    program: Program,
    x: readonly number[],
    commit?: (outputs: Readonly<Record<string, HostTensor>>) => boolean,
  ) {
    const executable = await engine.prepare(program, x.length);
    const call = { inputs: { x: f32(x) }, scalars: { learning_rate: 1 }, state };
    return executable.run(commit === undefined ? call : { ...call, commit });
  }
  const finite = ({ loss }: Readonly<Record<string, HostTensor>>): boolean =>
    Number.isFinite(loss?.data[0]);

  it("has the threads that it was started with", () => {
    // TensorFlow settles them when it is loaded, which choosing the engine does.
    expect(engine.threads).toBe(1);
  });

  describe("a step", () => {
    it("takes effect where the commit accepts it, which sees the outputs", async () => {
      const state = engine.createState(specs, first);
      let seen: unknown;
      const outputs = await run(state, trained, [10], (results) => {
        seen = results.total?.data[0];
        return true;
      });
      expect([seen, outputs.total?.data[0]]).toEqual([30, 30]);
      expect(await valuesOf(state)).toEqual({ w: [-9, -8], filter: [-9, -8, -7, -6], count: [1] });
      state.dispose();
    });

    it.for([
      ["is infinite", Number.POSITIVE_INFINITY],
      ["is no number", Number.NaN],
    ] as const)("leaves the state as it was where the loss %s", async ([, x]) => {
      const state = engine.createState(specs, first);
      await run(state, trained, [1], finite);
      const before = await state.read();
      const outputs = await run(state, trained, [x], finite);
      expect(finite(outputs)).toBe(false);
      expect(await state.read()).toEqual(before);
      // The next step is taken from there.
      await run(state, trained, [1], finite);
      expect((await valuesOf(state)).count).toEqual([2]);
      state.dispose();
    });

    it("with a loss that is not finite takes effect where that is accepted", async () => {
      for (const commit of [undefined, () => true]) {
        const state = engine.createState(specs, first);
        await run(state, trained, [Number.POSITIVE_INFINITY], commit);
        expect((await valuesOf(state)).count).toEqual([1]);
        state.dispose();
      }
    });

    it("of a program without a loss is refused and accepted by its outputs", async () => {
      const state = engine.createState(specs, first);
      const large = ({ total }: Readonly<Record<string, HostTensor>>) => Number(total?.data[0]) > 5;
      expect((await run(state, unguarded, [1], large)).total?.data[0]).toBe(3);
      expect(await valuesOf(state)).toEqual({ w: [1, 2], filter: [1, 2, 3, 4], count: [0] });
      expect((await run(state, unguarded, [2], large)).total?.data[0]).toBe(6);
      expect(await valuesOf(state)).toEqual({ w: [-1, 0], filter: [-1, 0, 1, 2], count: [1] });
      state.dispose();
    });

    it("that loss scaling skipped may be refused though its loss is finite", async () => {
      const state = engine.createState(specs, first);
      const commits = [() => false, () => true];
      for (const commit of commits) {
        const outputs = await run(state, scaled, [7], commit);
        expect(outputs["precision.skipped"]?.data[0]).toBe(1);
      }
      expect((await valuesOf(state)).count).toEqual([1]);
      await run(state, scaled, [1], finite);
      expect((await valuesOf(state)).count).toEqual([2]);
      state.dispose();
    });

    it("with a finite loss cannot be refused, which is an error", async () => {
      const state = engine.createState(specs, first);
      await expect(run(state, trained, [1], () => false)).rejects.toThrow("written already");
      state.dispose();
    });
  });

  describe("state", () => {
    it("is shared by programs and batch sizes, each of which sees what others wrote", async () => {
      const state = engine.createState(specs, first);
      await run(state, trained, [1]);
      expect((await run(state, looking, [1, 1])).total?.data[0]).toBe(2);
      await run(state, trained, [1, 1, 1]);
      await state.write({ count: f32([40], []) });
      await run(state, unguarded, [1]);
      expect((await run(state, looking, [1])).total?.data[0]).toBe(-7);
      expect(await valuesOf(state)).toEqual({ w: [-4, -3], filter: [-4, -3, -2, -1], count: [41] });
      state.dispose();
    });

    it("of several takes steps at once", async () => {
      const states = [engine.createState(specs, first), engine.createState(specs, first)];
      await Promise.all(
        [1, 2, 3, 4].map((x) => run(states[x % 2] as DeviceState, trained, [x], () => true)),
      );
      expect(await Promise.all(states.map(valuesOf))).toMatchObject([
        { w: [-5, -4], count: [2] },
        { w: [-3, -2], count: [2] },
      ]);
      for (const state of states) state.dispose();
    });

    it.for(["f32", "i32", "u32", "u8", "bool"] as const)(
      "of type %s comes back as it was written",
      async (dtype) => {
        const shapes = [[], [5], [3, 2], [2, 3, 4, 5]];
        const drawn = (salt: number): Record<string, HostTensor> =>
          Object.fromEntries(
            shapes.map((shape, k) => {
              const data = allocate(dtype, sizeOf(shape));
              data.forEach((_, i) => {
                const bits = random.derive(salt, 100 * k + i);
                data[i] =
                  dtype === "bool" ? bits % 2 : dtype === "f32" ? Math.fround(bits / 3e9) : bits;
              });
              return [`t${k}`, { dtype, shape, data }];
            }),
          );
        const types = Object.fromEntries(shapes.map((shape, k) => [`t${k}`, weight(shape, dtype)]));
        const state = engine.createState({ ...types, ...specs }, { ...drawn(1), ...first });
        // Before and after there is a session.
        for (const salt of [1, 2]) {
          if (salt === 2) {
            await run(state, trained, [0]);
            expect(await state.read(Object.keys(types))).toEqual(drawn(1));
            await state.write(drawn(2));
          }
          expect(await state.read(Object.keys(types))).toEqual(drawn(salt));
        }
        state.dispose();
      },
    );

    it("refuses tensors that do not fit, and keeps what it has", async () => {
      const state = engine.createState(specs, first);
      await expect(state.write({ w: f32([1]) })).rejects.toThrow("state tensor 'w'");
      await expect(state.write({ other: f32([1]) })).rejects.toThrow("'other'");
      await expect(state.read(["other"])).rejects.toThrow("'other'");
      expect((await valuesOf(state)).w).toEqual([1, 2]);
      state.dispose();
    });

    it("cannot be used once it is disposed of", async () => {
      const state = engine.createState(specs, first);
      await run(state, trained, [1]);
      state.dispose();
      await expect(state.read()).rejects.toThrow("disposed");
      await expect(state.write({})).rejects.toThrow("disposed");
      await expect(run(state, trained, [1])).rejects.toThrow("disposed");
      const executable = await engine.prepare(looking, 1);
      const call = { inputs: { x: f32([1]) }, scalars: {}, state };
      await expect(executable.trace(call)).rejects.toThrow("disposed");
    });
  });

  it("traces every op without changing state", async () => {
    const state = engine.createState(specs, first);
    const executable = await engine.prepare(trained, 1);
    const call = { inputs: { x: f32([10]) }, scalars: { learning_rate: 1 }, state };
    const traced = await executable.trace(call);
    const ops = traced.map(({ scope, op }) => `${scope} ${op}`);
    expect(ops.filter((op) => op.endsWith("applySgd"))).toHaveLength(2);
    expect(ops).toEqual(expect.arrayContaining(["sums_1 sum", "sums_1 mul", "optimizer add"]));
    const updated = traced.filter(({ op }) => op === "applySgd");
    expect(updated.map(({ value }) => [...value.data])).toEqual([
      [-9, -8],
      [-9, -8, -7, -6],
    ]);
    expect(await valuesOf(state)).toEqual({ w: [1, 2], filter: [1, 2, 3, 4], count: [0] });
    state.dispose();
  });

  describe("memory", () => {
    const held = () => [binding.getNumOfTensors(), binding.getNumOfSavedModels()];

    it("is the same after every step, and as before once all is disposed of", async () => {
      const before = held();
      const state = engine.createState(specs, first);
      for (const program of [trained, looking]) await run(state, program, [1]);
      const during = held();
      for (let i = 0; i < 5; i++) {
        await run(state, trained, [1], finite);
        await run(state, looking, [1]);
        await run(state, trained, [Number.NaN], finite);
        await state.read();
        const executable = await engine.prepare(trained, 1);
        const call = { inputs: { x: f32([1]) }, scalars: { learning_rate: 1 }, state };
        await executable.trace(call);
        await run(state, looking, [1]);
        expect(held()).toEqual(during);
      }
      state.dispose();
      state.dispose();
      expect(held()).toEqual(before);
    });

    it("is not taken in the folder of temporary files", async () => {
      const folder = newRun();
      mkdirSync(folder);
      vi.stubEnv("TMPDIR", folder);
      const state = engine.createState(specs, first);
      await run(state, trained, [1]);
      await expect(run(state, unloadable, [1])).rejects.toThrow("layer 'dense_1'");
      vi.unstubAllEnvs();
      state.dispose();
      expect(readdirSync(folder)).toEqual([]);
    });

    it("is given back with the engine", async () => {
      const before = held();
      const own = await startTestEngine("tensorflow:cpu");
      const state = own.createState(specs, first);
      const executable = await own.prepare(trained, 1);
      await executable.run({ inputs: { x: f32([1]) }, scalars: { learning_rate: 1 }, state });
      expect(held()).not.toEqual(before);
      await own.dispose();
      expect(held()).toEqual(before);
      await expect(state.read()).rejects.toThrow("disposed");
    });
  });

  describe("an error", () => {
    /** Row x of w: out of range where x is 2 or more. */
    const picking: Program = {
      ...looking,
      name: "picking",
      run<T>(o: Ops<T>, { inputs, state }: ProgramArguments<T>) {
        o.scope("embedding_1");
        const row = o.cast(inputs.x as T, { dtype: "i32" });
        const picked = o.gather(state.w as T, row, { axis: 0 });
        o.scope("sums_1");
        return { outputs: { total: o.sum(picked, { axes: [0], keepDims: false }) }, state: {} };
      },
    };

    it("names the layer and the op, and the state can still be used", async () => {
      const state = engine.createState(specs, first);
      await expect(run(state, picking, [5])).rejects.toThrow(
        /program picking failed in gather of layer 'embedding_1'/,
      );
      expect((await run(state, picking, [1])).total?.data[0]).toBe(2);
      await run(state, trained, [1]);
      expect((await valuesOf(state)).count).toEqual([1]);
      state.dispose();
    });

    it("tells that the memory is used up, where, and what to do", async () => {
      const state = engine.createState(specs, first);
      const huge: Program = {
        ...looking,
        name: "huge",
        run<T>(o: Ops<T>, { inputs }: ProgramArguments<T>) {
          o.scope("outer_product");
          // 2^62 bytes.
          const wide = o.broadcastTo(inputs.x as T, { shape: [2 ** 30, 2 ** 30] });
          const total = o.sum(o.exp(wide), { axes: [0, 1], keepDims: false });
          return { outputs: { total }, state: {} };
        },
      };
      await expect(run(state, huge, [1])).rejects.toMatchObject({
        code: "out-of-device-memory",
        place: "outer_product",
        message: expect.stringMatching(
          /needs about .*, the device has .*; the largest tensors are .* of layer 'outer_product'/,
        ),
        cause: { message: expect.stringContaining("layer 'outer_product'") },
      });
      expect((await run(state, looking, [1])).total?.data[0]).toBe(3);
      state.dispose();
    });

    it("of a program that TensorFlow does not load leaves the others usable", async () => {
      const state = engine.createState(specs, first);
      await expect(run(state, unloadable, [1])).rejects.toThrow("layer 'dense_1'");
      await run(state, trained, [1]);
      expect((await run(state, looking, [1])).total?.data[0]).toBe(1);
      state.dispose();
    });

    it("tells inputs, scalars and states that are not the program's", async () => {
      const state = engine.createState(specs, first);
      const executable = await engine.prepare(trained, 1);
      const scalars = { learning_rate: 1 };
      const wrong = { inputs: { x: f32([1, 2]) }, scalars, state };
      await expect(executable.run(wrong)).rejects.toThrow("input 'x' of program stepping");
      const none = { inputs: {}, scalars, state };
      await expect(executable.run(none)).rejects.toThrow("needs the input 'x'");
      const still = { inputs: { x: f32([1]) }, scalars: {}, state };
      await expect(executable.run(still)).rejects.toThrow("needs the scalar 'learning_rate'");
      const { engine: other } = await createEngine({ engine: "onnx", device: "cpu", threads: 1 });
      const foreign = other.createState(specs, first);
      const call = { inputs: { x: f32([1]) }, scalars, state: foreign };
      await expect(executable.run(call)).rejects.toThrow("another engine");
      await other.dispose();
      state.dispose();
    });
  });

  describe("beside onnx", () => {
    let onnx: Engine;
    beforeAll(async () => {
      ({ engine: onnx } = await createEngine({ engine: "onnx", device: "cpu", threads: 1 }));
    });
    afterAll(() => onnx.dispose());

    const convNet = (name: string): string => `
dlc: 1
name: ${name}
data:
  source: arrays
  features: { image: { type: image, shape: [8, 8, 3], scale: unit } }
  targets: { kind: { type: category, classes: [a, b, c] } }
  split: { validation: 0.25 }
model:
  layers:
    # Its bias would be lost in the norm, with a gradient that is rounding alone.
    - conv2d: { filters: 4, kernel: 3, padding: same, bias: false }
    - batch_norm
    - relu
    - max_pool2d: 2
    - conv2d: { filters: 6, kernel: 3 }
    - relu
    - flatten
    - dense: 3
train: { loss: cross_entropy, optimizer: adam, learning_rate: 0.01, batch: 8, epochs: 4 }
`;
    const definitionOf = async (name: string): Promise<ModelDefinition> =>
      (await packages.packageOf(convNet(name))).definition;

    it("continues what onnx began, and the other way round", async () => {
      const definition = await definitionOf("interchanged");
      const begins = initialState(definition.state, 1);
      const found: Record<string, HostTensor>[] = [];
      for (const [before, after] of [
        [onnx, onnx],
        [engine, onnx],
        [onnx, engine],
        [engine, engine],
      ] as const) {
        const middle = await takeSteps(before, definition, begins, [1, 2]);
        found.push(await takeSteps(after, definition, middle, [3, 4]));
      }
      const [wanted = {}, ...others] = found;
      for (const other of others) {
        for (const [name, tensor] of Object.entries(wanted)) {
          expect(worstError(other[name] as HostTensor, tensor), name).toBeLessThan(1e-4);
        }
      }
    });

    const data = {
      image: {
        shape: [32, 8, 8, 3],
        data: new Uint8Array(32 * 8 * 8 * 3).map((_, i) => random.derive(3, i) % 256),
      },
      kind: Array.from({ length: 32 }, (_, i) => ["a", "b", "c"][random.derive(4, i) % 3]),
    };

    /** Trains into a run folder; with `until`, only so many epochs. */
    async function train(
      definition: ModelDefinition,
      on: Engine,
      run: string,
      until = Number.POSITIVE_INFINITY,
    ): Promise<{ result: TrainResult; warnings: string[]; weights: Record<string, HostTensor> }> {
      const stop = new AbortController();
      const warnings: string[] = [];
      const onEvent = (event: TrainEvent): void => {
        if (event.kind === "warning") warnings.push(event.code);
        if (event.kind === "epoch" && event.record.epoch >= until) stop.abort();
      };
      const model = await createModel(definition, { engine: on });
      const result = await model.train({ data, run, onEvent, signal: stop.signal } as never);
      const weights = await model.read();
      await model.dispose();
      return { result, warnings, weights };
    }

    it("continues runs of onnx from their folders, and the other way round", async () => {
      const definition = await definitionOf("moved");
      const alone = await train(definition, onnx, newRun());
      for (const [before, after] of [
        [engine, onnx],
        [onnx, engine],
      ] as const) {
        const run = newRun();
        const begun = await train(definition, before, run, 2);
        expect(begun.result.status).toBe("interrupted");
        const ended = await train(definition, after, run);
        // As the diagnostic says: it continues, and the digits differ.
        expect(ended.warnings).toContain("engine-changed");
        expect(ended.result.status).toBe("finished");
        expect(ended.result.history).toHaveLength(4);
        for (const [name, tensor] of Object.entries(alone.weights)) {
          expect(worstError(ended.weights[name] as HostTensor, tensor), name).toBeLessThan(1e-3);
        }
      }
    });

    it("reads the weights that the other saved", async () => {
      const definition = await definitionOf("saved");
      const run = newRun();
      await train(definition, engine, run);
      const image = { shape: [8, 8, 3], data: data.image.data.slice(0, 192) };
      const answers: number[][] = [];
      for (const on of [engine, onnx]) {
        const model = await createModel(definition, { engine: on, weights: join(run, "best") });
        const { probabilities } = (await model.predict({ image } as never)) as unknown as {
          probabilities: Record<string, number>;
        };
        answers.push(Object.values(probabilities));
        await model.dispose();
      }
      const [one = [], two = []] = answers;
      expect(one).toHaveLength(3);
      expect(worstError(f32(one), f32(two))).toBeLessThan(1e-4);
    });
  });
});
