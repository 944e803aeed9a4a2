/** @file A sample of an op on an engine, beside the op's reference meaning. */
import type { Engine } from "@dlc/runtime";
import { expect } from "vitest";
import type { Inputs, ReferenceTensor } from "../../compiler/ops/define-op.js";
import { runOnce, worstError } from "./one-op-program.js";
import { callSample, concreteAttributes, drawInputs, type SampleCase } from "./op-samples.js";
import { createReferenceOps } from "./reference-ops.js";

const tolerance = 1e-5;

/** The sample's inputs as numbers that float32 has, so that engine and reference see the same. */
const exactInputs = (c: SampleCase): readonly ReferenceTensor[] =>
  Object.values(drawInputs(c)).map((tensor) =>
    tensor.dtype === "f32" ? { ...tensor, data: tensor.data.map(Math.fround) } : tensor,
  );

/** Fails where a result of the engine is not the reference's. */
export async function computesAsReference(engine: Engine, c: SampleCase): Promise<void> {
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
