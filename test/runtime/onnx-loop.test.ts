/** @file Several steps in one call of the onnx engine: the same numbers as by as many calls, to the last bit. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createEngine, type HostTensor, initialState, type Program, random } from "@dlc/runtime";
import { afterAll, describe, expect, it } from "vitest";
import { f32, weight } from "../support/hand-state.js";
import { loadDefinition, sampleInputs } from "../support/model-inputs.js";
import { fingerprint } from "../support/tiny-runs.js";

const folder = fileURLToPath(new URL("../../models/", import.meta.url));
const models = readdirSync(folder).filter((name) => existsSync(join(folder, name, "spec.yaml")));
const { engine } = await createEngine({ engine: "onnx", device: "cpu", threads: 1 });
afterAll(() => engine.dispose());

const n = 3;

describe("steps in one call", () => {
  it.each(models)("give what single steps of %s give", { timeout: 120_000 }, async (name) => {
    const definition = await loadDefinition(join(folder, name, "spec.yaml"));
    const { train, phases, apply } = definition.programs;
    const programs = [train, ...(phases ?? []).map((phase) => phase.train), apply];
    for (const program of programs) {
      if (program === undefined) continue;
      const start = initialState(definition.state, 1);
      const apart = engine.createState(definition.state, start);
      const together = engine.createState(definition.state, start);
      const steps = [1, 2, 3].map((step) => ({
        inputs: sampleInputs(definition, program, n, step),
        scalars: { learning_rate: 0.01 / step, step, random_key: random.derive(7, step) },
      }));
      const executable = await engine.prepare(program, n);
      const expected: Record<string, HostTensor>[] = [];
      for (const step of steps) expected.push(await executable.run({ ...step, state: apart }));
      const [first, ...others] = steps;
      const given = [
        ...((await executable.runSteps?.({ steps: first ? [first] : [], state: together })) ?? []),
        ...((await executable.runSteps?.({ steps: others, state: together })) ?? []),
      ];
      expect(given.map(fingerprint)).toEqual(expected.map(fingerprint));
      expect(fingerprint(await together.read())).toBe(fingerprint(await apart.read()));
      expect(fingerprint(await together.read())).not.toBe(fingerprint(start));
    }
  });
});

/** Adds x to w; v is only read, u only written, and outputs are inputs, constants and twice the same. */
const program: Program = {
  name: "odd",
  inputs: { x: { dtype: "f32", shape: ["n"] }, unused: { dtype: "f32", shape: ["n"] } },
  scalars: { learning_rate: "f32", step: "f32" },
  reads: ["w", "v"],
  updates: ["w", "u"],
  outputs: Object.fromEntries(
    ["x", "constant", "w", "sum", "again"].map((name) => [name, { dtype: "f32", shape: [2] }]),
  ),
  run(o, { inputs, scalars, state }) {
    const [x, w, v, rate] = [inputs.x, state.w, state.v, scalars.learning_rate];
    if (x === undefined || w === undefined || v === undefined || rate === undefined) {
      throw new Error("arguments");
    }
    const sum = o.add(o.mul(x, rate), w);
    const constant = o.constant({ dtype: "f32", shape: [2], value: 3 });
    const u = o.add(sum, v);
    return { outputs: { x, constant, w, sum, again: sum }, state: { w: sum, u } };
  },
};
const specs = { w: weight([2]), v: weight([2]), u: weight([2]) };
const stateOf = () =>
  engine.createState(specs, { w: f32([1, 2]), v: f32([10, 10]), u: f32([0, 0]) });
const stepOf = (x: number, rate: number) => ({
  inputs: { x: f32([x, 2 * x]), unused: f32([0, 0]) },
  scalars: { learning_rate: rate, step: 1 },
});

describe("one call", () => {
  it("carries state from step to step, whatever is read, written and given", async () => {
    const state = stateOf();
    const executable = await engine.prepare(program, 2);
    const steps = [stepOf(1, 1), stepOf(2, 10), stepOf(3, 100)];
    const outputs = (await executable.runSteps?.({ steps, state })) ?? [];
    const values = (name: string) => outputs.map((output) => [...(output[name]?.data ?? [])]);
    expect(values("x")).toEqual([
      [1, 2],
      [2, 4],
      [3, 6],
    ]);
    expect(values("w")).toEqual([
      [1, 2],
      [2, 4],
      [22, 44],
    ]);
    expect(values("sum")).toEqual([
      [2, 4],
      [22, 44],
      [322, 644],
    ]);
    expect(values("again")).toEqual(values("sum"));
    expect(values("constant")).toEqual(Array(3).fill([3, 3]));
    const after = await state.read();
    expect([...(after.w?.data ?? [])]).toEqual([322, 644]);
    expect([...(after.u?.data ?? [])]).toEqual([332, 654]);
    expect([...(after.v?.data ?? [])]).toEqual([10, 10]);
  });

  it("may be of any number of steps, and follow a single step or come before one", async () => {
    const [together, apart] = [stateOf(), stateOf()];
    const executable = await engine.prepare(program, 2);
    const steps = Array.from({ length: 9 }, (_, i) => stepOf(i / 7, i + 0.1));
    for (const step of steps) await executable.run({ ...step, state: apart });
    let at = 0;
    for (const count of [3, 1, 0, 4, 0, 1]) {
      const some = steps.slice(at, at + Math.max(1, count));
      if (at >= steps.length) break;
      if (count > 0) await executable.runSteps?.({ steps: some, state: together });
      else for (const step of some) await executable.run({ ...step, state: together });
      at += some.length;
    }
    for (const step of steps.slice(at)) await executable.run({ ...step, state: together });
    expect(fingerprint(await together.read())).toBe(fingerprint(await apart.read()));
  });

  it.for([
    ["no steps", [], /called for no steps/],
    ["a missing input", [stepOf(1, 1), { ...stepOf(1, 1), inputs: {} }], /odd needs the input 'x'/],
    [
      "another shape",
      [{ ...stepOf(1, 1), inputs: { x: f32([1]), unused: f32([0, 0]) } }],
      /'x' of program odd is f32\[1\] but must be f32\[2\]/,
    ],
    [
      "a missing scalar",
      [{ ...stepOf(1, 1), scalars: { learning_rate: 1 } }],
      /odd needs the scalar 'step'/,
    ],
  ] as const)("with %s is refused, and the state stays", async ([, steps, message]) => {
    const state = stateOf();
    const executable = await engine.prepare(program, 2);
    await expect(executable.runSteps?.({ steps, state })).rejects.toThrow(message);
    expect([...((await state.read()).w?.data ?? [])]).toEqual([1, 2]);
  });
});
