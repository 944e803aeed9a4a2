/** @file Halves: every op that takes them, on every engine that has them, against the rounding reference. */
import {
  type Engine,
  type HalfType,
  halfFormats,
  halfOps,
  heavyOps,
  type OpKind,
  type Ops,
} from "@dlc/runtime";
import { afterAll, describe, expect, it } from "vitest";
import { createBuilder } from "../../compiler/ir/builder.js";
import { typeOf } from "../../compiler/ir/types.js";
import { type ReferenceTensor, Rejection } from "../../compiler/ops/define-op.js";
import { opKinds } from "../../compiler/ops/index.js";
import { startTestEngine, testEngines } from "../support/engines.js";
import { runOnce } from "../support/one-op-program.js";
import {
  concreteAttributes,
  drawInputs,
  type SampleCase,
  samplesOf,
} from "../support/op-samples.js";
import { createReferenceOps } from "../support/reference-ops.js";

const types = Object.keys(halfFormats) as HalfType[];

/** Samples in which some tensor may be a half. */
const withFloats = (kind: OpKind): readonly SampleCase[] =>
  samplesOf(kind).filter(
    ({ inputs, sample }) =>
      kind !== "cast" &&
      (inputs.some((input) => (input.sample.dtype ?? "f32") === "f32") ||
        sample.attrs?.dtype === "f32"),
  );

/** The op on its inputs as halves, and its results as f32 again. */
function inHalves(c: SampleCase, half: HalfType, inputs: readonly ReferenceTensor[]) {
  const attrs = concreteAttributes(c);
  return <T>(o: Ops<T>, handles: readonly T[]): readonly T[] => {
    const halves = handles.map((handle, i) =>
      inputs[i]?.dtype === "f32" ? o.cast(handle, { dtype: half }) : handle,
    );
    const required = halves.slice(0, halves.length - c.optional.length);
    const named = Object.fromEntries(
      c.optional.map((name, i) => [name, halves[required.length + i]]),
    );
    const method = o[c.kind] as (...args: readonly unknown[]) => T | readonly T[];
    const options = { ...attrs, ...(inputs.length === 0 ? { dtype: half } : {}), ...named };
    const results = [
      method(...(c.definition.variadic ? [required] : required), options),
    ].flat() as T[];
    return results.map((result) => o.cast(result, { dtype: "f32" }));
  };
}

it.for(opKinds)("%s takes halves exactly if the contract says so", (kind) => {
  const taken = withFloats(kind).map(({ inputs, sample, optional, definition }) => {
    const b = createBuilder();
    const values = inputs.map(({ name, sample: { dtype = "f32", shape } }) =>
      b.input(name, "batch", dtype === "f32" ? "f16" : dtype, shape),
    );
    // Loops take what their bodies take.
    if (definition.body !== undefined) return false;
    try {
      const attrs = { ...sample.attrs, ...(inputs.length === 0 ? { dtype: "f16" } : {}) };
      return b.apply(kind, values, attrs, optional).every((value) => typeOf(value).dtype === "f16");
    } catch (error) {
      if (!(error instanceof Rejection)) throw error;
      return false;
    }
  });
  const takesHalves = kind !== "cast" && (halfOps as readonly OpKind[]).includes(kind);
  expect(taken).toEqual(taken.map(() => takesHalves));
});

const engines = await Promise.all(testEngines.map(startTestEngine));
afterAll(() => Promise.all(engines.map((engine) => engine.dispose())));

async function compare(engine: Engine, half: HalfType, c: SampleCase): Promise<void> {
  const inputs = Object.values(drawInputs(c)).map((tensor) =>
    tensor.dtype === "f32" ? { ...tensor, data: tensor.data.map(Math.fround) } : tensor,
  );
  const compute = inHalves(c, half, inputs);
  const expected = compute(createReferenceOps(), inputs);
  const actual = await runOnce(engine, inputs, expected, compute);
  // f32 sums differ in their last digits: then the nearest half may be the next one, and what is left of
  // numbers that cancel out may be anything that small.
  const isSum = (heavyOps as readonly OpKind[]).includes(c.kind);
  const [step, noise] = isSum ? [2 ** -halfFormats[half].fraction, 1e-6] : [0, 0];
  actual.forEach((result, i) => {
    const wanted = expected[i] as ReferenceTensor;
    expect(result.shape).toEqual(wanted.shape);
    const wrong = wanted.data.findIndex(
      (value, k) =>
        !(Math.abs((result.data[k] as number) - value) <= step * Math.abs(value) + noise),
    );
    expect(
      wrong < 0 ? "all agree" : `${wrong}: ${result.data[wrong]}, not ${wanted.data[wrong]}`,
    ).toBe("all agree");
  });
}

const cases = engines.flatMap((engine) =>
  types
    .filter((half) => engine.half[half] !== "none")
    .map((half) => ({ title: `${engine.name} on ${engine.device}`, half, engine })),
);

it("some engine has halves, or none was asked for that does", () => {
  expect(cases.length > 0 || !testEngines.includes("onnx:cpu")).toBe(true);
});

describe.for(cases)("$title in $half", ({ engine, half }) => {
  const samples = halfOps.filter((kind) => kind !== "cast").flatMap(withFloats);
  it.for(samples)("computes $title as its reference does", (c) => compare(engine, half, c));

  it("rounds to the nearest number of the type, ties to even, beyond the largest to infinity", async () => {
    const { largest, lowest, fraction } = halfFormats[half];
    const smallest = 2 ** (lowest - fraction);
    const numbers = [
      ...[0, -0, 1, -1, 0.1, 1 / 3, 2049, 2051, 4097, largest, -largest, 1 + 2 ** -(fraction + 1)],
      ...[1 + 3 * 2 ** -(fraction + 1), smallest, 3 * smallest, 1.5 * 2 ** lowest, 1e30, -1e30],
    ];
    const inputs = [
      {
        dtype: "f32" as const,
        shape: [numbers.length],
        data: Float64Array.from(numbers, Math.fround),
      },
    ];
    const compute = <T>(o: Ops<T>, [x]: readonly T[]): readonly T[] => [
      o.cast(o.cast(x as T, { dtype: half }), { dtype: "f32" }),
    ];
    const expected = compute(createReferenceOps(), inputs);
    const [actual] = await runOnce(engine, inputs, expected, compute);
    expect(Array.from(actual?.data ?? [])).toEqual([...(expected[0]?.data ?? [])]);
  });
});
