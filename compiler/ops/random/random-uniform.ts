/** @file Counter-based random numbers: the same for the same key, site and position. */
import { random } from "@dlc/runtime";
import { defineOp } from "../define-op.js";
import { expectScalar } from "../shared/expect.js";
import { concrete, count } from "../shared/walk.js";

export const randomUniform = defineOp({
  kind: "randomUniform",
  summary: "Numbers in [0, 1) that depend only on a key, the site and the position.",
  inputs: ["key"],
  shapeAttrs: ["shape"],
  infer: ([key], { shape }) => {
    expectScalar(key, "u32", 0, "the key");
    return [{ dtype: "f32", shape }];
  },
  gradient: { none: "a random number depends on nothing that is trained", zero: true },
  evaluate: ([key], attrs) => {
    const shape = concrete(attrs.shape);
    const own = random.siteKey(key.data[0] as number, attrs.site);
    const data = new Float64Array(count(shape)).map((_, i) => random.uniform(i, own));
    return [{ dtype: "f32", shape, data }];
  },
  samples: [
    {
      inputs: [{ shape: [], dtype: "u32", values: [12345] }],
      attrs: { shape: ["n", 4], site: 0 },
    },
    {
      inputs: [{ shape: [], dtype: "u32", values: [4294967295] }],
      attrs: { shape: [3], site: 7 },
    },
  ],
});
