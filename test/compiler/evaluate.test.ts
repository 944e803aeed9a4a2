/** @file The interpreter of whole graphs. */
import { random } from "@dlc/runtime";
import { expect, it } from "vitest";
import { createBuilder } from "../../compiler/ir/builder.js";
import { evaluateGraph } from "../../compiler/ir/evaluate.js";
import type { ReferenceTensor } from "../../compiler/ops/define-op.js";

const f32 = (shape: readonly number[], ...data: number[]): ReferenceTensor => ({
  dtype: "f32",
  shape,
  data: Float64Array.from(data),
});

it("runs a program for a batch size and keeps outputs and new state apart", () => {
  const b = createBuilder();
  const x = b.input("x", "batch", "f32", ["n", 2]);
  const w = b.state("w", "f32", [2]);
  const mean = b.mean(b.mul(x, w), { axes: [0], keepDims: false });
  const outputs = [
    { name: "w", role: "output", value: mean },
    { name: "w", role: "state", value: b.sub(w, mean) },
  ] as const;
  const values = { x: f32([3, 2], 1, 2, 3, 4, 5, 6), w: f32([2], 10, 20) };
  expect(evaluateGraph({ name: "step", outputs }, values, 3)).toEqual({
    w: f32([2], 30, 80),
    "state:w": f32([2], -20, -60),
  });
});

it("puts the batch size in for symbolic dimensions", () => {
  const b = createBuilder();
  const shape = ["2n", 3] as const;
  const outputs = [
    { name: "size", role: "output", value: b.size({ shape }) },
    { name: "ones", role: "output", value: b.constant({ dtype: "f32", shape, value: 1 }) },
  ] as const;
  const results = evaluateGraph({ name: "g", outputs }, {}, 5);
  expect(results.size?.data).toEqual(Float64Array.of(30));
  expect(results.ones?.shape).toEqual([10, 3]);
});

it("computes in float64 and wraps 32-bit integers", () => {
  const b = createBuilder();
  const small = b.constant({ dtype: "f32", shape: [], value: 1e-12 });
  const one = b.constant({ dtype: "f32", shape: [], value: 1 });
  const whole = (value: number) => b.constant({ dtype: "i32", shape: [], value });
  const outputs = [
    { name: "sum", role: "output", value: b.add(one, small) },
    { name: "product", role: "output", value: b.mul(whole(65537), whole(65537)) },
  ] as const;
  const results = evaluateGraph({ name: "g", outputs }, {}, 1);
  expect(results.sum?.data[0]).toBe(1 + 1e-12);
  expect(results.product?.data[0]).toBe(131073);
});

it("draws the numbers of the runtime's generator, for keys up to the last", () => {
  const b = createBuilder();
  const key = b.input("random_key", "scalar", "u32", []);
  const value = b.randomUniform(key, { shape: ["n"], site: 3 });
  const values = {
    random_key: { dtype: "u32", shape: [], data: Float64Array.of(4294967295) },
  } as const;
  const graph = { name: "g", outputs: [{ name: "u", role: "output", value }] } as const;
  const own = random.siteKey(4294967295, 3);
  const expected = [0, 1, 2, 3].map((i) => random.uniform(i, own));
  expect([...evaluateGraph(graph, values, 4).u!.data]).toEqual(expected);
});

it.each([
  ["no value for the input 'x'", {}],
  ["input 'x' should be f32[3,2], but is f32[2,2] of 4", { x: f32([2, 2], 1, 2, 3, 4) }],
  ["input 'x' should be f32[3,2], but is f32[3,2] of 4", { x: f32([3, 2], 1, 2, 3, 4) }],
])("stops with: %s", (message, values) => {
  const b = createBuilder();
  const value = b.exp(b.input("x", "batch", "f32", ["n", 2]));
  const graph = { name: "g", outputs: [{ name: "y", role: "output", value }] } as const;
  expect(() => evaluateGraph(graph, values, 3)).toThrow(message);
});
