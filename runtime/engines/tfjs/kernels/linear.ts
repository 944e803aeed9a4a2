/** @file Matrix products. */
import type { Ops } from "../../../ops.js";
import { sizeOf } from "../../../tensor.js";
import type { Backend } from "../backend.js";
import type { Tensor, Value } from "../value.js";
import { activate } from "./elementwise.js";

/** A product of [batch, rows, inner] and [batch, inner, columns]; a batch of 1 serves all of the other. */
export function product(
  b: Backend,
  x: Tensor,
  y: Tensor,
  transposeA = false,
  transposeB = false,
): Tensor {
  const { tf } = b;
  const turned = b.ways.transposedProduct === "transpose";
  const flip = (t: Tensor): Tensor => tf.transpose(t, [0, 2, 1]);
  return b.kernel(
    "BatchMatMul",
    { a: turned && transposeA ? flip(x) : x, b: turned && transposeB ? flip(y) : y },
    { transposeA: transposeA && !turned, transposeB: transposeB && !turned },
  );
}

/** NumPy's broadcasting of leading axes. */
function broadcast(x: readonly number[], y: readonly number[]): number[] {
  const rank = Math.max(x.length, y.length);
  return Array.from({ length: rank }, (_, i) => {
    const at = (shape: readonly number[]): number => shape[i - (rank - shape.length)] ?? 1;
    return at(x) === 1 ? at(y) : at(x);
  });
}

export function linearOps(b: Backend): Pick<Ops<Value>, "matmul"> {
  const { tf } = b;

  /** As a batch of matrices: of one where it is the same for all, else of all. */
  function batched(tensor: Tensor, lead: readonly number[]): Tensor {
    const own = tensor.shape.slice(0, -2);
    const matrix = tensor.shape.slice(-2);
    const count = sizeOf(own);
    if (count === 1 || count === sizeOf(lead)) return tf.reshape(tensor, [count, ...matrix]);
    const whole = tf.broadcastTo(tensor, [...lead, ...matrix]);
    return tf.reshape(whole, [sizeOf(lead), ...matrix]);
  }

  return {
    matmul(xValue, yValue, { transposeA, transposeB, bias, activation }) {
      const [x, y] = [xValue.plain(), yValue.plain()];
      const lead = broadcast(x.shape.slice(0, -2), y.shape.slice(0, -2));
      const rows = x.shape.at(transposeA ? -1 : -2) as number;
      const columns = y.shape.at(transposeB ? -2 : -1) as number;
      // One matrix for the whole batch of the other operand: its rows become one long matrix.
      const long = !transposeA && y.size === sizeOf(y.shape.slice(-2)) && sizeOf(lead) > 1;
      const result = long
        ? product(
            b,
            tf.reshape(x, [1, -1, x.shape.at(-1) as number]),
            tf.reshape(y, [1, ...y.shape.slice(-2)]),
            false,
            transposeB,
          )
        : product(b, batched(x, lead), batched(y, lead), transposeA, transposeB);
      const biased = bias === undefined ? result : tf.add(result, bias.plain());
      const shaped = tf.reshape(activate(tf, biased, activation), [...lead, rows, columns]);
      return b.plain("f32", shaped);
    },
  };
}
