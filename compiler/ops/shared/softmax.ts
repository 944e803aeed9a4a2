/** @file Shape rule and reference meaning of the softmax family. */
import type { TensorType } from "../../ir/types.js";
import type { OpSample, ReferenceTensor } from "../define-op.js";
import { expectAxis, expectDtype, floats } from "./expect.js";
import { count } from "./walk.js";

export function softmaxTypes(x: TensorType, axis: number): readonly TensorType[] {
  expectDtype(x, floats, 0);
  expectAxis(axis, x.shape);
  return [x];
}

/** x − max − log Σ e^(x − max) along an axis: does not overflow. */
export function logSoftmaxOf(x: ReferenceTensor, axis: number): ReferenceTensor {
  const length = x.shape[axis] as number;
  const inner = count(x.shape.slice(axis + 1));
  const data = new Float64Array(x.data.length);
  for (let lane = 0; lane < data.length / length; lane++) {
    const start = Math.floor(lane / inner) * length * inner + (lane % inner);
    const places = Array.from({ length }, (_, i) => start + i * inner);
    const values = places.map((place) => x.data[place] as number);
    const largest = Math.max(...values);
    const total = values.reduce((sum, v) => sum + Math.exp(v - largest), 0);
    for (const [i, place] of places.entries()) {
      data[place] = (values[i] as number) - largest - Math.log(total);
    }
  }
  return { ...x, data };
}

export const softmaxSamples: readonly OpSample[] = [
  { inputs: [{ shape: ["n", 4] }], attrs: { axis: 1 } },
  { inputs: [{ shape: ["n", 3, 2] }], attrs: { axis: 1 } },
  { inputs: [{ shape: ["n", 2, 3] }], attrs: { axis: 0 } },
  // Large scores would overflow an exponential.
  { inputs: [{ shape: ["n", 3], range: [990, 1000] }], attrs: { axis: 1 } },
];
