/** @file Matrix products. */
import type { Ops } from "../../../ops.js";
import { sizeOf } from "../../../tensor.js";
import { dim } from "../../geometry.js";
import type { Handle } from "../graph.js";
import type { Primitives } from "../primitives.js";

/** Adds a vector along the last axis. */
export function addBias(p: Primitives, x: Handle, bias: Handle): Handle {
  return x.shape.length < 2
    ? p.add(x, bias)
    : p.typed("BiasAdd", [x, bias], x.shape, { data_format: { string: "NHWC" } });
}

export function linearOps(p: Primitives): Pick<Ops<Handle>, "matmul"> {
  /** Rows of all leading axes in one product where the second operand is one matrix. */
  function product(x: Handle, y: Handle, transposeA: boolean, transposeB: boolean): Handle {
    const rank = x.shape.length;
    if (y.shape.length !== 2 || rank === 2 || transposeA) {
      return p.matmul(x, y, transposeA, transposeB);
    }
    const lead = x.shape.slice(0, -1);
    const rows = p.reshape(x, [sizeOf(lead), dim(x.shape, rank - 1)]);
    const flat = p.matmul(rows, y, false, transposeB);
    return p.reshape(flat, [...lead, dim(flat.shape, 1)]);
  }
  return {
    matmul(x, y, { transposeA, transposeB, bias, activation }) {
      const result = product(x, y, transposeA, transposeB);
      return p.activate(bias === undefined ? result : addBias(p, result, bias), activation);
    },
  };
}
