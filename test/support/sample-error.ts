/** @file How far an engine is from an op's reference meaning on a sample. Runs in Node and in pages. */
import type { Engine } from "@dlc/runtime";
import type { Inputs, ReferenceTensor } from "../../compiler/ops/define-op.js";
import { runOnce, worstError } from "./one-op-program.js";
import { callSample, concreteAttributes, drawInputs, type SampleCase } from "./op-samples.js";
import { createReferenceOps } from "./reference-ops.js";

/** The sample's inputs as numbers that float32 has, so that engine and reference see the same. */
const exactInputs = (c: SampleCase): readonly ReferenceTensor[] =>
  Object.values(drawInputs(c)).map((tensor) =>
    tensor.dtype === "f32" ? { ...tensor, data: tensor.data.map(Math.fround) } : tensor,
  );

export interface SampleResult {
  /** dtype and shape, as `f32[2,3]`. */
  readonly type: string;
  readonly expectedType: string;
  /** The largest difference, relative to 1 plus the expected size. */
  readonly error: number;
}

const typeOf = ({ dtype, shape }: { readonly dtype: string; readonly shape: readonly number[] }) =>
  `${dtype}[${shape.join()}]`;

/** Each result of the sample, compared with the reference's. */
export async function sampleResults(
  engine: Engine,
  c: SampleCase,
): Promise<readonly SampleResult[]> {
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
  return actual.map((result, i) => {
    const reference = expected[i] as ReferenceTensor;
    return {
      type: typeOf(result),
      expectedType: typeOf(reference),
      error: worstError(result, reference),
    };
  });
}
