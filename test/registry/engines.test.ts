/** @file Every engine against the reference meaning of every op. */
import { type Engine, engineLacks, type OpKind } from "@dlc/runtime";
import { afterAll, describe, expect, it } from "vitest";
import type { AnyOpDef, Inputs, ReferenceTensor } from "../../compiler/ops/define-op.js";
import { opKinds, ops } from "../../compiler/ops/index.js";
import { opTestEngines, startTestEngine } from "../support/engines.js";
import { runOnce, worstError } from "../support/one-op-program.js";
import {
  callSample,
  concreteAttributes,
  drawInputs,
  type SampleCase,
  samplesOf,
} from "../support/op-samples.js";
import { createReferenceOps } from "../support/reference-ops.js";

const tolerance = 1e-5;

/** The sample's inputs as numbers that float32 has, so that engine and reference see the same. */
const exactInputs = (c: SampleCase): readonly ReferenceTensor[] =>
  Object.values(drawInputs(c)).map((tensor) =>
    tensor.dtype === "f32" ? { ...tensor, data: tensor.data.map(Math.fround) } : tensor,
  );

async function compare(engine: Engine, c: SampleCase): Promise<void> {
  const { definition, optional } = c;
  const inputs = exactInputs(c);
  const attrs = concreteAttributes(c);
  const { body } = c.sample;
  const reference = createReferenceOps();
  const withBody =
    body === undefined
      ? attrs
      : {
          ...attrs,
          body: (...values: ReferenceTensor[]) =>
            body(reference, values as unknown as Inputs<ReferenceTensor>),
        };
  const expected = definition.evaluate(inputs as never, withBody, optional);
  const actual = await runOnce(engine, inputs, expected, (o, handles) => callSample(c, o, handles));
  actual.forEach((result, i) => {
    const reference = expected[i] as ReferenceTensor;
    expect(result.dtype).toBe(reference.dtype);
    expect(result.shape).toEqual(reference.shape);
    expect(worstError(result, reference)).toBeLessThan(tolerance);
  });
}

const engines = await Promise.all(opTestEngines.map(startTestEngine));
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
