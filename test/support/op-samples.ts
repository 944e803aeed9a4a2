/** @file The samples of the op table as concrete tensors. */
import { random } from "@dlc/runtime";
import { evaluateValues, type ReferenceValues } from "../../compiler/ir/evaluate.js";
import { concreteShape } from "../../compiler/ir/shape.js";
import type { Value } from "../../compiler/ir/types.js";
import type { OpSample, ReferenceTensor } from "../../compiler/ops/define-op.js";
import { type SampleCase, sampleBatch } from "../../compiler/reference/op-samples.js";

export {
  allSamples,
  buildSample,
  callSample,
  concreteAttributes,
  type SampleCase,
  sampleBatch,
  samplesOf,
} from "../../compiler/reference/op-samples.js";

type InputSample = OpSample["inputs"][number];

/** The sample's input tensors by name, the same on every call. */
export function drawInputs({ title, inputs }: SampleCase): Record<string, ReferenceTensor> {
  return Object.fromEntries(
    inputs.map(({ name, sample }) => [name, draw(sample, random.keyOf(`${title} ${name}`))]),
  );
}

/** A tensor as an input sample describes it. */
export function draw(sample: InputSample, key: number, n = sampleBatch): ReferenceTensor {
  const shape = concreteShape(sample.shape, n);
  const dtype = sample.dtype ?? "f32";
  const size = shape.reduce((product, dim) => product * dim, 1);
  if (sample.values !== undefined) {
    if (sample.values.length !== size) throw new Error(`${size} values expected for [${shape}]`);
    return { dtype, shape, data: Float64Array.from(sample.values) };
  }
  const [low, high] = sample.range ?? (dtype === "bool" ? [0, 2] : [-2, 2]);
  const order = random.permutation(size, key);
  const data = new Float64Array(size).map((_, i) => {
    const place = (attempt: number): number => {
      const u = random.uniform(i + attempt * size, key);
      return low + (high - low) * (sample.distinct ? ((order[i] ?? 0) + 0.5) / size : u);
    };
    let attempt = 0;
    while (sample.avoid?.some((kink) => Math.abs(place(attempt) - kink) < 0.05)) attempt++;
    return dtype === "f32" ? place(attempt) : Math.floor(place(attempt));
  });
  const last = shape.at(-1) ?? 1;
  if (!sample.normalise) return { dtype, shape, data };
  const total = (row: number): number =>
    data.subarray(row * last, (row + 1) * last).reduce((sum, v) => sum + v, 0);
  return { dtype, shape, data: data.map((v, i) => v / total(Math.floor(i / last))) };
}

export const evaluateAt = (roots: readonly Value[], values: ReferenceValues) =>
  evaluateValues(roots, values, sampleBatch);
