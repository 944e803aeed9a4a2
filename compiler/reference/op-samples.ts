/** @file The samples of the op table: as cases, as graphs, and as programs that an engine can record. */
import { hostType, type OpKind, type Ops, type Program, type StateSpec } from "@dlc/runtime";
import { createBuilder, type GraphBuilder } from "../ir/builder.js";
import { concreteShape } from "../ir/shape.js";
import { type Attributes, type Shape, typeOf, type Value } from "../ir/types.js";
import type { AnyOpDef, Inputs, OpSample } from "../ops/define-op.js";
import { opKinds, ops } from "../ops/index.js";

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

/** The attributes as a recorded program would pass them: numbers for all dimensions. */
export function concreteAttributes({ definition, sample }: SampleCase): Attributes {
  const attrs: Record<string, unknown> = { ...sample.attrs };
  for (const name of definition.shapeAttrs ?? []) {
    attrs[name] = concreteShape(attrs[name] as Shape, sampleBatch);
  }
  return attrs;
}

/** Calls the op of a sample, as generated programs call ops (see `runtime/ops.ts`). */
export function callSample<T>(c: SampleCase, o: Ops<T>, given: readonly T[]): readonly T[] {
  const { definition, kind, optional, sample } = c;
  const required = given.slice(0, given.length - optional.length);
  const extra = given.slice(required.length);
  const { body } = sample;
  const options: Record<string, unknown> = {
    ...concreteAttributes(c),
    ...(body === undefined
      ? {}
      : { body: (...values: T[]) => body(o, values as unknown as Inputs<T>) }),
    ...Object.fromEntries(optional.map((name, i) => [name, extra[i]])),
  };
  const method = o[kind] as (...args: readonly unknown[]) => T | readonly T[];
  const result = method(...(definition.variadic ? [required] : required), options);
  return Array.isArray(result) ? result : [result as T];
}

export interface SampleProgram {
  readonly program: Program;
  /** State that the program reads and replaces: what an optimiser update updates. */
  readonly state: Readonly<Record<string, StateSpec>>;
}

/**
 * A program of nothing but the op. The tensors that an update replaces (its first inputs, in the order of its
 * results) are state, as they are in generated programs; all others are inputs.
 */
export function sampleProgram(c: SampleCase): SampleProgram {
  const results = buildSample(c).outputs.map(typeOf);
  const isUpdate = c.kind.startsWith("apply");
  const names = c.inputs.map((_, i) => (isUpdate && i < results.length ? `s${i}` : `x${i}`));
  const types = c.inputs.map(({ sample: { dtype = "f32", shape } }) => ({
    dtype,
    shape: concreteShape(shape, sampleBatch),
  }));
  const inState = names.filter((name) => name.startsWith("s"));
  const entries = names.map((name, i) => [name, types[i] as (typeof types)[number]] as const);
  const program: Program = {
    name: c.kind,
    inputs: Object.fromEntries(entries.filter(([name]) => !inState.includes(name))),
    scalars: {},
    reads: inState,
    updates: inState,
    outputs: isUpdate
      ? {}
      : Object.fromEntries(
          results.map(({ dtype, shape }, i) => [
            `y${i}`,
            { dtype: hostType(dtype), shape: concreteShape(shape, sampleBatch) },
          ]),
        ),
    run(o, { inputs, state }) {
      const given = names.map((name) => (inputs[name] ?? state[name]) as never);
      const made = callSample(c, o, given);
      const named = (prefix: string) =>
        Object.fromEntries(made.map((y, i) => [`${prefix}${i}`, y]));
      return isUpdate ? { outputs: {}, state: named("s") } : { outputs: named("y"), state: {} };
    },
  };
  const state = entries
    .filter(([name]) => inState.includes(name))
    .map(([name, type], i): [string, StateSpec] => [
      name,
      { ...type, role: i === 0 ? "weight" : "slot", init: { kind: "zeros" }, layer: c.kind },
    ]);
  return { program, state: Object.fromEntries(state) };
}
