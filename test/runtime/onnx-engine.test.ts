/** @file The onnx engine: state, commits, batch sizes, traces, its cache, its errors. */
import { availableParallelism } from "node:os";
import { createEngine, DlcError, type HostTensor, type Program, random, zeros } from "@dlc/runtime";
import { afterAll, describe, expect, it } from "vitest";
import { f32, weight } from "../support/hand-state.js";

const { engine } = await createEngine({ engine: "onnx", device: "cpu", threads: 1 });
afterAll(() => engine.dispose());

/** Adds the batch's column sums to `w`, and gives w before and the number of rows. */
function accumulator(): Program {
  return {
    name: "accumulate",
    inputs: { x: { dtype: "f32", shape: ["n", 2] } },
    scalars: { learning_rate: "f32" },
    reads: ["w"],
    updates: ["w"],
    outputs: { before: { dtype: "f32", shape: [2] }, rows: { dtype: "f32", shape: [] } },
    run(o, { inputs, scalars, state, n }) {
      const [x, w, rate] = [inputs.x, state.w, scalars.learning_rate];
      if (x === undefined || w === undefined || rate === undefined) throw new Error("arguments");
      o.scope("sums");
      const sums = o.mul(o.sum(x, { axes: [0], keepDims: false }), rate);
      o.scope("update");
      return { outputs: { before: w, rows: o.size({ shape: [n] }) }, state: { w: o.add(w, sums) } };
    },
  };
}
const accumulatorState = (values = [0, 0]) =>
  engine.createState({ w: weight([2]), other: weight([1]) }, { w: f32(values), other: f32([7]) });

describe("state", () => {
  it("carries what a run wrote into the next run", async () => {
    const executable = await engine.prepare(accumulator(), 2);
    const state = accumulatorState();
    const call = { inputs: { x: f32([1, 2, 3, 4], [2, 2]) }, scalars: { learning_rate: 1 }, state };
    const before: number[][] = [];
    for (let i = 0; i < 4; i++) before.push([...((await executable.run(call)).before?.data ?? [])]);
    expect(before).toEqual([
      [0, 0],
      [4, 6],
      [8, 12],
      [12, 18],
    ]);
    expect([...((await state.read()).w?.data ?? [])]).toEqual([16, 24]);
  });

  it("keeps the old values where commit declines, and shows commit the outputs", async () => {
    const executable = await engine.prepare(accumulator(), 1);
    const state = accumulatorState([5, 5]);
    const call = { inputs: { x: f32([1, 1], [1, 2]) }, scalars: { learning_rate: 1 }, state };
    let seen: unknown;
    await executable.run({
      ...call,
      commit: (outputs) => {
        seen = [...(outputs.before?.data ?? [])];
        return false;
      },
    });
    expect(seen).toEqual([5, 5]);
    expect([...((await state.read(["w"])).w?.data ?? [])]).toEqual([5, 5]);
    await executable.run({ ...call, commit: () => true });
    expect([...((await state.read(["w"])).w?.data ?? [])]).toEqual([6, 6]);
  });

  it("gives copies, takes copies, and leaves what a program does not update alone", async () => {
    const executable = await engine.prepare(accumulator(), 1);
    const first = f32([1, 1]);
    const state = engine.createState(
      { w: weight([2]), other: weight([1]) },
      { w: first, other: f32([7]) },
    );
    first.data[0] = 99;
    const copy = (await state.read(["w"])).w as HostTensor;
    copy.data[0] = 55;
    const call = { inputs: { x: f32([1, 1], [1, 2]) }, scalars: { learning_rate: 1 }, state };
    const outputs = await executable.run(call);
    const kept = [...(outputs.before?.data ?? [])];
    await executable.run(call);
    expect([...(outputs.before?.data ?? [])]).toEqual(kept);
    const all = await state.read();
    expect([...(all.w?.data ?? [])]).toEqual([3, 3]);
    expect([...(all.other?.data ?? [])]).toEqual([7]);
  });

  it("can be replaced, tensor by tensor, by values of the same type only", async () => {
    const state = accumulatorState();
    await state.write({ w: f32([8, 9]) });
    expect([...((await state.read(["w"])).w?.data ?? [])]).toEqual([8, 9]);
    await expect(state.write({ w: f32([1, 2, 3]) })).rejects.toThrow("f32[3] but must be f32[2]");
    await expect(state.write({ nothing: f32([1]) })).rejects.toThrow("nothing");
    expect([...((await state.read(["w"])).w?.data ?? [])]).toEqual([8, 9]);
  });

  it("runs calls that are made at once one after the other", async () => {
    const executable = await engine.prepare(accumulator(), 1);
    const state = accumulatorState();
    const call = { inputs: { x: f32([1, 2], [1, 2]) }, scalars: { learning_rate: 1 }, state };
    await Promise.all(Array.from({ length: 5 }, () => executable.run(call)));
    expect([...((await state.read(["w"])).w?.data ?? [])]).toEqual([5, 10]);
  });

  it("of another engine is refused", async () => {
    const { engine: other } = await createEngine({ engine: "onnx", device: "cpu", threads: 1 });
    const executable = await other.prepare(accumulator(), 1);
    const inputs = { x: f32([1, 2], [1, 2]) };
    const call = { inputs, scalars: { learning_rate: 1 }, state: accumulatorState() };
    expect(() => executable.run(call)).toThrow("another engine");
    await other.dispose();
  });
});

describe("batches", () => {
  it("of different sizes are computed exactly, each by its own recording", async () => {
    const program = accumulator();
    const state = accumulatorState();
    for (const n of [4, 4, 1]) {
      const executable = await engine.prepare(program, n);
      const x = f32(new Array(2 * n).fill(1), [n, 2]);
      const outputs = await executable.run({ inputs: { x }, scalars: { learning_rate: 1 }, state });
      expect([...(outputs.rows?.data ?? [])]).toEqual([n]);
    }
    expect([...((await state.read(["w"])).w?.data ?? [])]).toEqual([9, 9]);
  });

  it("of a size share one executable", async () => {
    const program = accumulator();
    expect(await engine.prepare(program, 3)).toBe(await engine.prepare(program, 3));
    expect(await engine.prepare(program, 3)).not.toBe(await engine.prepare(program, 2));
  });

  it("of many sizes still run after their sessions were closed to save memory", async () => {
    const program = accumulator();
    const state = accumulatorState();
    const run = async (n: number) => {
      const executable = await engine.prepare(program, n);
      const x = f32(new Array(2 * n).fill(1), [n, 2]);
      return executable.run({ inputs: { x }, scalars: { learning_rate: 0 }, state });
    };
    for (const n of [...Array.from({ length: 20 }, (_, i) => i + 1), 1, 2, 20]) {
      expect([...((await run(n)).rows?.data ?? [])]).toEqual([n]);
    }
  });

  it.for([
    ["a missing input", {}, /needs the input 'x'/],
    ["another shape", { x: f32([1, 2, 3], [1, 3]) }, /f32\[1,3\] but must be f32\[1,2\]/],
    ["another dtype", { x: zeros("i32", [1, 2]) }, /i32\[1,2\] but must be f32\[1,2\]/],
    ["too few elements", { x: f32([1], [1, 2]) }, /has 1 elements, its shape says 2/],
  ] as const)("with %s are refused", async ([, inputs, message]) => {
    const executable = await engine.prepare(accumulator(), 1);
    const call = { inputs, scalars: { learning_rate: 1 }, state: accumulatorState() };
    await expect(executable.run(call)).rejects.toThrow(message);
  });

  it("without a scalar that the program uses are refused", async () => {
    const executable = await engine.prepare(accumulator(), 1);
    const call = { inputs: { x: f32([1, 2], [1, 2]) }, scalars: {}, state: accumulatorState() };
    await expect(executable.run(call)).rejects.toThrow("needs the scalar 'learning_rate'");
  });
});

describe("outputs", () => {
  it("may be inputs, constants, state or the same tensor twice", async () => {
    const program: Program = {
      name: "aliases",
      inputs: { x: { dtype: "f32", shape: [2] } },
      scalars: {},
      reads: ["w"],
      updates: ["w", "u"],
      outputs: Object.fromEntries(
        ["x", "constant", "w", "sum", "again"].map((name) => [name, { dtype: "f32", shape: [2] }]),
      ),
      run(o, { inputs, state }) {
        const [x, w] = [inputs.x, state.w];
        if (x === undefined || w === undefined) throw new Error("arguments");
        const sum = o.add(x, w);
        const constant = o.constant({ dtype: "f32", shape: [2], value: 3 });
        return { outputs: { x, constant, w, sum, again: sum }, state: { w: sum, u: sum } };
      },
    };
    const state = engine.createState(
      { w: weight([2]), u: weight([2]) },
      { w: f32([1, 2]), u: f32([0, 0]) },
    );
    const executable = await engine.prepare(program, 1);
    const outputs = await executable.run({ inputs: { x: f32([10, 20]) }, scalars: {}, state });
    const values = Object.entries(outputs).map(([name, tensor]) => [name, [...tensor.data]]);
    expect(Object.fromEntries(values)).toEqual({
      x: [10, 20],
      constant: [3, 3],
      w: [1, 2],
      sum: [11, 22],
      again: [11, 22],
    });
    const { w, u } = await state.read();
    expect([[...(w?.data ?? [])], [...(u?.data ?? [])]]).toEqual([
      [11, 22],
      [11, 22],
    ]);
  });
});

describe("a trace", () => {
  it("gives every computed tensor with its scope and changes nothing", async () => {
    const executable = await engine.prepare(accumulator(), 2);
    const state = accumulatorState([1, 1]);
    const values = await executable.trace({
      inputs: { x: f32([1, 2, 3, Number.NaN], [2, 2]) },
      scalars: { learning_rate: 2 },
      state,
    });
    expect(values.map(({ scope, op, value }) => [scope, op, [...value.data]])).toEqual([
      ["sums", "sum", [4, Number.NaN]],
      ["sums", "mul", [8, Number.NaN]],
      ["update", "add", [9, Number.NaN]],
    ]);
    expect([...((await state.read(["w"])).w?.data ?? [])]).toEqual([1, 1]);
  });
});

describe("randomUniform", () => {
  it("draws the numbers of the host's generator to the last bit", async () => {
    const shape = [3, 1, 700];
    const program: Program = {
      name: "random",
      inputs: {},
      scalars: { random_key: "u32" },
      reads: [],
      updates: [],
      outputs: { x: { dtype: "f32", shape }, y: { dtype: "f32", shape: [5] } },
      run(o, { scalars }) {
        const key = scalars.random_key;
        if (key === undefined) throw new Error("arguments");
        const x = o.randomUniform(key, { shape, site: 0 });
        return { outputs: { x, y: o.randomUniform(key, { shape: [5], site: 41 }) }, state: {} };
      },
    };
    const executable = await engine.prepare(program, 1);
    const state = engine.createState({}, {});
    for (const key of [0, 1, 0x7fffffff, 0xfffffff0]) {
      const { x, y } = await executable.run({ inputs: {}, scalars: { random_key: key }, state });
      const numbers = (size: number, site: number): Float32Array =>
        Float32Array.from({ length: size }, (_, i) => random.uniform(i, random.siteKey(key, site)));
      expect(x?.data).toEqual(numbers(2100, 0));
      expect(y?.data).toEqual(numbers(5, 41));
    }
  });
});

describe("errors of the native library", () => {
  it("name the layer and the op that they happened in", async () => {
    const program: Program = {
      name: "faulty",
      inputs: { index: { dtype: "i32", shape: ["n"] } },
      scalars: {},
      reads: [],
      updates: [],
      outputs: { y: { dtype: "f32", shape: ["n"] } },
      run(o, { inputs }) {
        if (inputs.index === undefined) throw new Error("arguments");
        o.scope("embedding_1");
        const table = o.constant({ dtype: "f32", shape: [3], value: [1, 2, 3] });
        return { outputs: { y: o.gather(table, inputs.index, { axis: 0 }) }, state: {} };
      },
    };
    const executable = await engine.prepare(program, 1);
    const index: HostTensor = { dtype: "i32", shape: [1], data: Int32Array.of(17) };
    const state = engine.createState({}, {});
    await expect(executable.run({ inputs: { index }, scalars: {}, state })).rejects.toThrow(
      "program faulty failed in gather of layer 'embedding_1'",
    );
  });
});

describe("createEngine", () => {
  it("says what it chose and uses every core by default", async () => {
    const { engine: chosen, why } = await createEngine({ engine: "onnx", device: "cpu" });
    expect(chosen.threads).toBe(availableParallelism());
    expect([chosen.name, chosen.device]).toEqual(["onnx", "cpu"]);
    expect(why).toContain("onnx:cpu");
    await chosen.dispose();
  });

  it.for([
    [{ engine: "tpu" }, /no engine 'tpu'; there is .*'onnx'/],
    [{ engine: "toString" }, /no engine 'toString'/],
    [{ engine: "onnx", device: "npu" }, /of engine 'onnx' called 'npu'; there is .*'cpu'/],
    [{ device: "npu" }, /no device called 'npu'; there is .*'cpu'/],
  ] as const)("refuses %j with what there is", async ([options, message]) => {
    const error = await createEngine(options).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DlcError);
    expect(error).toMatchObject({ code: "engine-missing", reason: "environment" });
    expect((error as DlcError).message).toMatch(message);
    expect((error as DlcError).help).toContain("auto");
  });

  it.for([0, -1, 1.5, Number.NaN])("refuses %d threads", async (threads) => {
    await expect(createEngine({ threads })).rejects.toMatchObject({ code: "threads-invalid" });
  });
});
