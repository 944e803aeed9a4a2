/** @file Every engine against the reference meaning of every op. */
import { type Engine, engineLacks, type OpKind, type Ops } from "@dlc/runtime";
import { afterAll, describe, expect, it } from "vitest";
import { concreteShape } from "../../compiler/ir/shape.js";
import type { Attributes, Shape } from "../../compiler/ir/types.js";
import type { AnyOpDef, Inputs, ReferenceTensor } from "../../compiler/ops/define-op.js";
import { opKinds, ops } from "../../compiler/ops/index.js";
import { startTestEngine, testEngines } from "../support/engines.js";
import { runOnce, worstError } from "../support/one-op-program.js";
import { drawInputs, type SampleCase, sampleBatch, samplesOf } from "../support/op-samples.js";
import { createReferenceOps } from "../support/reference-ops.js";

const tolerance = 1e-5;

/** What a recorded program would pass: numbers for all dimensions. */
function concreteAttributes({ definition, sample }: SampleCase): Attributes {
  const attrs: Record<string, unknown> = { ...sample.attrs };
  for (const name of definition.shapeAttrs ?? []) {
    attrs[name] = concreteShape(attrs[name] as Shape, sampleBatch);
  }
  return attrs;
}

/** The sample's inputs as numbers that float32 has, so that engine and reference see the same. */
const exactInputs = (c: SampleCase): readonly ReferenceTensor[] =>
  Object.values(drawInputs(c)).map((tensor) =>
    tensor.dtype === "f32" ? { ...tensor, data: tensor.data.map(Math.fround) } : tensor,
  );

async function compare(engine: Engine, c: SampleCase): Promise<void> {
  const { definition, kind, optional } = c;
  const inputs = exactInputs(c);
  const attrs = concreteAttributes(c);
  const { body } = c.sample;
  /** The attributes with a body, if there is one, that is computed by `o`. */
  const over = <T>(o: Ops<T>): Attributes =>
    body === undefined
      ? attrs
      : { ...attrs, body: (...values: T[]) => body(o, values as unknown as Inputs<T>) };
  const expected = definition.evaluate(inputs as never, over(createReferenceOps()), optional);
  const actual = await runOnce(engine, inputs, expected, (o, handles) => {
    const required = handles.slice(0, handles.length - optional.length);
    const extra = handles.slice(required.length);
    const named = Object.fromEntries(optional.map((name, i) => [name, extra[i]]));
    const method = o[kind] as (...args: readonly unknown[]) => unknown;
    const result = method(...(definition.variadic ? [required] : required), {
      ...over(o),
      ...named,
    });
    return (Array.isArray(result) ? result : [result]) as (typeof handles)[number][];
  });
  actual.forEach((result, i) => {
    const reference = expected[i] as ReferenceTensor;
    expect(result.dtype).toBe(reference.dtype);
    expect(result.shape).toEqual(reference.shape);
    expect(worstError(result, reference)).toBeLessThan(tolerance);
  });
}

const engines = await Promise.all(testEngines.map(startTestEngine));
afterAll(() => Promise.all(engines.map((engine) => engine.dispose())));

describe.for(engines)("$name on $device", (engine) => {
  const lacking: readonly OpKind[] = engineLacks[engine.name] ?? [];

  it("leaves only ops that have an expansion to the compiler", () => {
    for (const kind of lacking) expect((ops[kind] as AnyOpDef).expand, kind).toBeDefined();
  });

  const native = opKinds.filter((kind) => !lacking.includes(kind));
  it.for(native.flatMap(samplesOf))("computes $title as its reference does", (c) =>
    compare(engine, c),
  );
});
