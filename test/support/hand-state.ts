/** @file Tensors and state tensors of programs written by hand. */
import type { HostTensor, StateSpec } from "@dlc/runtime";

export const f32 = (
  values: readonly number[],
  shape: readonly number[] = [values.length],
): HostTensor => ({ dtype: "f32", shape, data: Float32Array.from(values) });

export const weight = (
  shape: readonly number[],
  dtype: StateSpec["dtype"] = "f32",
  role: StateSpec["role"] = "weight",
): StateSpec => ({ dtype, shape, role, init: { kind: "zeros" }, layer: "layer" });
