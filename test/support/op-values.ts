/** @file Concrete tensors for the samples that op definitions declare. */
import { random, sizeOf } from "@dlc/runtime";
import { concreteShape } from "../../compiler/ir/shape.js";
import type { Attributes } from "../../compiler/ir/types.js";
import type { AnyOpDef, OpSample, ReferenceTensor } from "../../compiler/ops/define-op.js";

/** The batch size that samples are tried with. */
export const sampleBatch = 3;

type SampleInput = OpSample["inputs"][number];

/** A value from the input's range that keeps away from what it has to avoid. */
function draw({ range = [-2, 2], avoid = [] }: SampleInput, key: number): number {
  for (let attempt = 0; attempt < 1000; attempt++) {
    const value = range[0] + (range[1] - range[0]) * random.uniform(attempt, key);
    if (avoid.every((point) => Math.abs(value - point) >= 0.05)) return value;
  }
  throw new Error("the range leaves nothing after what has to be avoided");
}

/** Values that differ by equal steps over the range, in a random order. */
function spread({ range = [-2, 2] }: SampleInput, size: number, key: number): number[] {
  const step = (range[1] - range[0]) / Math.max(1, size - 1);
  return [...random.permutation(size, key)].map((i) => range[0] + step * i);
}

function values(input: SampleInput, shape: readonly number[], key: number): number[] {
  const size = sizeOf(shape);
  if (input.values !== undefined) return [...input.values];
  if (input.distinct) return spread(input, size, key);
  return Array.from({ length: size }, (_, i) => draw(input, random.derive(key, i)));
}

function normalised(data: readonly number[], shape: readonly number[]): number[] {
  const row = shape.at(-1) ?? 1;
  return data.map((value, i) => {
    const start = i - (i % row);
    return value / data.slice(start, start + row).reduce((sum, v) => sum + v, 0);
  });
}

/** All values are exact in the tensor's own type, so that engine and reference see the same. */
export function sampleTensor(input: SampleInput, key: number): ReferenceTensor {
  const shape = concreteShape(input.shape, sampleBatch);
  const dtype = input.dtype ?? "f32";
  const raw = values(input, shape, key);
  const data = input.normalise ? normalised(raw, shape) : raw;
  const exact: Record<string, (value: number) => number> = {
    f32: Math.fround,
    i32: Math.trunc,
    u32: (value) => Math.trunc(value) >>> 0,
    u8: (value) => Math.trunc(value) & 255,
    bool: (value) => (input.values === undefined ? Number(value > 0) : value),
  };
  return { dtype, shape, data: Float64Array.from(data, exact[dtype]) };
}

/** A sample with everything concrete: required inputs, present optional ones, attributes. */
export interface SampleCall {
  readonly required: readonly ReferenceTensor[];
  readonly optional: Readonly<Record<string, ReferenceTensor>>;
  readonly attrs: Attributes;
}

export function sampleCall(definition: AnyOpDef, sample: OpSample, seed: number): SampleCall {
  const attrs: Record<string, unknown> = { ...sample.attrs };
  for (const name of definition.shapeAttrs ?? []) {
    attrs[name] = concreteShape(attrs[name] as readonly (number | string)[], sampleBatch);
  }
  const names = (definition.optional ?? []).filter((name) => sample.optional?.[name]);
  return {
    required: sample.inputs.map((input, i) => sampleTensor(input, random.derive(seed, i))),
    optional: Object.fromEntries(
      names.map((name, i) => [
        name,
        sampleTensor(sample.optional?.[name] as SampleInput, random.derive(seed, 100 + i)),
      ]),
    ),
    attrs,
  };
}

/** What the op's reference says about a call. */
export function referenceResults(
  definition: AnyOpDef,
  call: SampleCall,
): readonly ReferenceTensor[] {
  const inputs = [...call.required, ...Object.values(call.optional)];
  return definition.evaluate(inputs as never, call.attrs, Object.keys(call.optional));
}
