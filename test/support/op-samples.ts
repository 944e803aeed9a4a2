/** @file The samples of the op table as concrete tensors. */
import { type OpKind, random } from "@dlc/runtime";
import { createBuilder, type GraphBuilder } from "../../compiler/ir/builder.js";
import { evaluateValues, type ReferenceValues } from "../../compiler/ir/evaluate.js";
import { concreteShape } from "../../compiler/ir/shape.js";
import type { Value } from "../../compiler/ir/types.js";
import type { AnyOpDef, Inputs, OpSample, ReferenceTensor } from "../../compiler/ops/define-op.js";
import { opKinds, ops } from "../../compiler/ops/index.js";

/** The batch size that samples are tried with: explicit values in them count on it. */
export const sampleBatch = 3;

type InputSample = OpSample["inputs"][number];

export interface SampleCase {
  readonly kind: OpKind;
  readonly definition: AnyOpDef;
  /** For test titles and failures: `matmul sample 4`. */
  readonly title: string;
  readonly sample: OpSample;
  /** Required inputs, then the optional ones. */
  readonly inputs: readonly { readonly name: string; readonly sample: InputSample }[];
  readonly optional: readonly string[];
}

export const samplesOf = (kind: OpKind): readonly SampleCase[] =>
  (ops[kind] as AnyOpDef).samples.map((sample, i) => {
    const definition: AnyOpDef = ops[kind];
    const optional = Object.keys(sample.optional ?? {});
    const required = sample.inputs.map((input, k) => ({
      name: definition.variadic ? `${definition.inputs[0]}${k}` : (definition.inputs[k] ?? `${k}`),
      sample: input,
    }));
    const extra = Object.entries(sample.optional ?? {}).map(([name, input]) => ({
      name,
      sample: input,
    }));
    const title = `${kind} sample ${i}`;
    return { kind, definition, title, sample, inputs: [...required, ...extra], optional };
  });

export const allSamples: readonly SampleCase[] = opKinds.flatMap(samplesOf);

/** A graph of nothing but the op; its inputs are named as the op names them. */
export function buildSample(
  { kind, inputs, sample, optional }: SampleCase,
  b: GraphBuilder = createBuilder(),
): { b: GraphBuilder; inputs: readonly Value[]; outputs: readonly Value[] } {
  const values = inputs.map(({ name, sample: { dtype, shape } }) =>
    b.input(name, "batch", dtype ?? "f32", shape),
  );
  const { attrs = {}, body } = sample;
  if (body === undefined) {
    return { b, inputs: values, outputs: b.apply(kind, values, attrs, optional) };
  }
  const method = b[kind] as (...args: readonly unknown[]) => readonly Value[];
  const step = (...given: Value[]) => body(b, given as unknown as Inputs<Value>);
  return { b, inputs: values, outputs: method(values, { ...attrs, body: step }) };
}

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
