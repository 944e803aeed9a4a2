/** @file What the optimisers' update ops share. */
import type { Shape, TensorType } from "../../ir/types.js";
import type { OpSample, ReferenceTensor } from "../define-op.js";
import { expectDtype, expectScalar, expectShape, floats } from "./expect.js";

/** An update happens after the gradient; nothing is differentiated through it. */
export const updateGradient = { none: "an optimiser's update is not part of a loss" } as const;

/**
 * Types of the new parameter and slots. `tensors` names the inputs that must look like the
 * parameter (itself, slots, gradient), in order; f32 scalars follow.
 */
export function updatedTypes(
  inputs: readonly TensorType[],
  tensors: readonly string[],
  scalars: readonly string[],
): readonly TensorType[] {
  const [parameter] = inputs as readonly [TensorType];
  for (const [i, name] of tensors.entries()) {
    const type = inputs[i] as TensorType;
    expectDtype(type, floats, i, `the ${name}`);
    expectShape(type, parameter.shape, i, `the ${name}`);
  }
  for (const [i, name] of scalars.entries()) {
    const position = tensors.length + i;
    expectScalar(inputs[position] as TensorType, "f32", position, `the ${name}`);
  }
  // All tensors but the gradient, which is the last, have a new value.
  return inputs.slice(0, tensors.length - 1);
}

/** Computes every element's new values from its old ones. */
export function updateEach(
  tensors: readonly ReferenceTensor[],
  rule: (values: readonly number[]) => readonly number[],
): readonly ReferenceTensor[] {
  const results = tensors
    .slice(0, -1)
    .map((x) => ({ ...x, data: new Float64Array(x.data.length) }));
  const [parameter] = tensors as readonly [ReferenceTensor];
  for (let i = 0; i < parameter.data.length; i++) {
    const values = rule(tensors.map((x) => x.data[i] as number));
    for (const [k, result] of results.entries()) result.data[i] = values[k] as number;
  }
  return results;
}

export const only = (scalar: ReferenceTensor): number => scalar.data[0] as number;

/** A parameter, slots with the given ranges, a gradient and scalars with the given values. */
export function updateSample(
  slots: readonly (readonly [number, number])[],
  scalars: readonly number[],
  attrs: Readonly<Record<string, unknown>> = {},
  shape: Shape = [2, 3],
): OpSample {
  return {
    inputs: [
      { shape },
      ...slots.map((range) => ({ shape, range })),
      { shape },
      ...scalars.map((value) => ({ shape: [], values: [value] })),
    ],
    attrs,
  };
}
