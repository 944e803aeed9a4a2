/**
 * @file The counter-based generator of `runtime/random.ts`. Its numbers are made on the host: backends
 * have no arithmetic of 32 bits that is exact everywhere.
 */
import type { Ops } from "../../../ops.js";
import { siteKey, uniform } from "../../../random.js";
import { sizeOf } from "../../../tensor.js";
import type { Backend } from "../backend.js";
import type { Value } from "../value.js";

export function randomOps({ tf, plain }: Backend): Pick<Ops<Value>, "randomUniform"> {
  return {
    randomUniform(key, { shape, site }) {
      // The compiler passes the scalar that the trainer feeds; no op computes with keys.
      if (key.hostNumber === null) throw new Error("a random key must be fed by the host");
      const own = siteKey(key.hostNumber, site);
      const numbers = new Float32Array(sizeOf(shape));
      for (let i = 0; i < numbers.length; i++) numbers[i] = uniform(i, own);
      return plain("f32", tf.tensor(numbers, [...shape], "float32"));
    },
  };
}
