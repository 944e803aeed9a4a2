/** @file The counter-based generator of `runtime/random.ts`, in u32 arithmetic inside the graph. */
import type { Ops } from "../../../ops.js";
import { roundKey, rounds, siteKey, stepKey } from "../../../random.js";
import { sizeOf } from "../../../tensor.js";
import type { Handle } from "../graph.js";
import type { Primitives } from "../primitives.js";

export function randomOps(p: Primitives): Pick<Ops<Handle>, "randomUniform"> {
  const u32 = (value: number): Handle => p.scalar(value >>> 0, "u32");
  /** index · stepKey + key for all indices: rows and columns apart, to keep constants small. */
  function counters(size: number, key: Handle): Handle {
    const columns = Math.min(size, 1024);
    const rows = Math.ceil(size / columns);
    const multiples = (count: number, factor: number): number[] =>
      Array.from({ length: count }, (_, i) => Math.imul(i, factor) >>> 0);
    const row = p.constant("u32", [rows, 1], multiples(rows, Math.imul(columns, stepKey)));
    const column = p.constant("u32", [1, columns], multiples(columns, stepKey));
    const flat = p.reshape(p.add(row, p.add(column, key)), [rows * columns]);
    return p.slice(flat, [0], [size]);
  }
  const shift = (op: string, x: Handle, bits: number): Handle => p.binary(op, x, u32(bits));

  return {
    randomUniform(key, { shape, site }) {
      const y = counters(sizeOf(shape), p.add(key, u32(siteKey(0, site))));
      const z = p.add(y, u32(roundKey));
      let x = y;
      for (let round = 0; round < rounds; round++) {
        x = p.add(p.mul(x, x), round % 2 === 0 ? y : z);
        x = p.add(shift("RightShift", x, 16), shift("LeftShift", x, 16));
      }
      // 24 bits fit a float32 exactly, so the numbers are those of the host to the last bit.
      const bits = p.cast(shift("RightShift", x, 8), "f32");
      return p.reshape(p.scale(bits, 2 ** -24), shape);
    },
  };
}
