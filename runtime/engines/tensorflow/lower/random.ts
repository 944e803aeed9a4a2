/** @file Random numbers inside the graph. */
import type { Ops } from "../../../ops.js";
import { sizeOf } from "../../../tensor.js";
import { randomWords, type WordArithmetic, wordRange } from "../../random-words.js";
import type { Handle } from "../graph.js";
import type { Primitives } from "../primitives.js";

export function randomOps(p: Primitives): Pick<Ops<Handle>, "randomUniform"> {
  const shift = (op: string) => (x: Handle, bits: number) => p.binary(op, x, p.scalar(bits, "u32"));
  const words: WordArithmetic<Handle> = {
    constant: (shape, values) => p.constant("u32", shape, values),
    reshape: p.reshape,
    add: p.add,
    mul: p.mul,
    right: shift("RightShift"),
    left: shift("LeftShift"),
  };
  return {
    randomUniform(key, { shape, site }) {
      const size = sizeOf(shape);
      const numbers = p.slice(p.cast(randomWords(words, size, key, site), "f32"), [0], [size]);
      return p.reshape(p.scale(numbers, 1 / wordRange), shape);
    },
  };
}
