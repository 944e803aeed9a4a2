/** @file What engines check of the tensors they are given. */
import { type HostTensor, sizeOf } from "../tensor.js";

/** Throws unless `value` has the dtype and shape of `expected` and as many elements. */
export function checkTensor(
  what: string,
  value: HostTensor,
  expected: { readonly dtype: string; readonly shape: readonly number[] },
): void {
  const { dtype, shape, data } = value;
  const fits = dtype === expected.dtype && shape.join() === expected.shape.join();
  if (!fits) {
    throw new Error(
      `${what} is ${dtype}[${shape.join()}] but must be ${expected.dtype}[${expected.shape.join()}]`,
    );
  }
  const size = sizeOf(shape);
  if (data.length !== size) {
    throw new Error(`${what} has ${data.length} elements, its shape says ${size}`);
  }
}
