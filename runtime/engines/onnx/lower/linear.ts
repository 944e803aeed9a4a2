/** @file Matrix products. */
import type { Ops } from "../../../ops.js";
import { sizeOf } from "../../../tensor.js";
import { dim } from "../../geometry.js";
import type { Handle } from "../graph.js";
import type { Primitives } from "../primitives.js";

export function linearOps(p: Primitives): Pick<Ops<Handle>, "matmul"> {
  return {
    matmul(x, y, { transposeA, transposeB, bias, activation }) {
      // Rows of all leading axes in one product, so that the bias goes into Gemm as well.
      if (y.shape.length === 2 && (x.shape.length === 2 || !transposeA)) {
        const rows = transposeA
          ? x.shape
          : [sizeOf(x.shape.slice(0, -1)), dim(x.shape, x.shape.length - 1)];
        const flat = p.gemm(p.reshape(x, rows), y, bias ?? null, transposeA, transposeB);
        const shape =
          x.shape.length === 2 ? flat.shape : [...x.shape.slice(0, -1), dim(flat.shape, 1)];
        return p.activate(p.reshape(flat, shape), activation);
      }
      const product = p.matmul(x, y, transposeA, transposeB);
      return p.activate(bias === undefined ? product : p.add(product, bias), activation);
    },
  };
}
