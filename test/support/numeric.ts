/** @file Comparing tensors, and derivatives by central differences. */
import type { ReferenceTensor } from "../../compiler/ops/define-op.js";

export interface Tolerance {
  /** Allowed difference relative to the larger of the two numbers … */
  readonly relative: number;
  /** … plus this. */
  readonly absolute: number;
}

/** The element that differs most beyond the tolerance, in words; null where all agree. */
export function worstDifference(
  actual: ReferenceTensor,
  expected: ReferenceTensor,
  { relative, absolute }: Tolerance,
): string | null {
  if (actual.dtype !== expected.dtype || `${actual.shape}` !== `${expected.shape}`) {
    const type = ({ dtype, shape }: ReferenceTensor): string => `${dtype}[${shape}]`;
    return `${type(actual)} instead of ${type(expected)}`;
  }
  let worst: string | null = null;
  let excess = 0;
  expected.data.forEach((wanted, i) => {
    const got = actual.data[i] as number;
    if (Object.is(got, wanted)) return;
    const allowed = absolute + relative * Math.max(Math.abs(got), Math.abs(wanted));
    const error = Math.abs(got - wanted);
    // Written so that NaN counts as a difference.
    if (error <= allowed || (worst !== null && error / allowed <= excess)) return;
    excess = error / allowed;
    worst = `element ${i} is ${got} instead of ${wanted}`;
  });
  return worst;
}

/** Slopes of `f` towards every element of one of its tensors, by central differences. */
export function centralDifferences(
  f: (values: Readonly<Record<string, ReferenceTensor>>) => number,
  values: Readonly<Record<string, ReferenceTensor>>,
  name: string,
  h = 1e-5,
): ReferenceTensor {
  const tensor = values[name];
  if (tensor === undefined) throw new Error(`no tensor '${name}'`);
  const at = (i: number, value: number): number => {
    const data = tensor.data.slice();
    data[i] = value;
    return f({ ...values, [name]: { ...tensor, data } });
  };
  const data = tensor.data.map((v, i) => {
    const [right, left] = [v + h, v - h];
    return (at(i, right) - at(i, left)) / (right - left);
  });
  return { ...tensor, data };
}
