/** @file Broadcasting for binary ops: shape rule and reference meaning. */
import { broadcast, formatShape } from "../../ir/shape.js";
import type { TensorType } from "../../ir/types.js";
import { type ReferenceTensor, Rejection } from "../define-op.js";

/** The common type of two operands; they must have one dtype and shapes that broadcast. */
export function broadcastTypes(x: TensorType, y: TensorType): readonly TensorType[] {
  if (x.dtype !== y.dtype) throw new Rejection(`operands are ${x.dtype} and ${y.dtype}`, 1);
  const shape = broadcast(x.shape, y.shape);
  if (shape === null) {
    const shapes = `${formatShape(x.shape)} and ${formatShape(y.shape)}`;
    throw new Rejection(`shapes ${shapes} do not broadcast`, 1);
  }
  return [{ dtype: x.dtype, shape }];
}

/** Applies `f` to all pairs of elements of two broadcast operands. */
export function zip(
  x: ReferenceTensor,
  y: ReferenceTensor,
  f: (p: number, q: number) => number,
): readonly ReferenceTensor[] {
  const shape = broadcast(x.shape, y.shape) as readonly number[];
  const data = new Float64Array(shape.reduce((a, d) => a * d, 1));
  const at = (t: ReferenceTensor): ((index: number) => number) => {
    const strides = new Array<number>(shape.length).fill(0);
    let stride = 1;
    for (let axis = 1; axis <= t.shape.length; axis++) {
      const dim = t.shape[t.shape.length - axis] as number;
      strides[shape.length - axis] = dim === 1 ? 0 : stride;
      stride *= dim;
    }
    return (index) => {
      let rest = index;
      let offset = 0;
      for (let axis = shape.length - 1; axis >= 0; axis--) {
        const dim = shape[axis] as number;
        offset += (rest % dim) * (strides[axis] as number);
        rest = Math.floor(rest / dim);
      }
      return t.data[offset] as number;
    };
  };
  const atX = at(x);
  const atY = at(y);
  for (let i = 0; i < data.length; i++) data[i] = f(atX(i), atY(i));
  return [{ dtype: x.dtype, shape, data }];
}
