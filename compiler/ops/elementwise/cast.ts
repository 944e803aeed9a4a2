/** @file Conversion between element types. */
import { type ElementType, roundToHalf } from "@dlc/runtime";
import { typeOf } from "../../ir/types.js";
import { defineOp } from "../define-op.js";
import { map } from "../shared/elementwise.js";

/** As C converts: fractions are cut off, integers wrap around, anything but 0 is true. Halves round. */
const convert: Readonly<Record<ElementType, (v: number) => number>> = {
  f32: (v) => v,
  i32: (v) => v | 0,
  u32: (v) => v >>> 0,
  u8: (v) => v & 0xff,
  bool: (v) => Number(v !== 0),
  f16: (v) => roundToHalf("f16", v),
  bf16: (v) => roundToHalf("bf16", v),
};

export const cast = defineOp({
  kind: "cast",
  summary: "The same numbers in another element type.",
  inputs: ["x"],
  infer: ([x], { dtype }) => [{ dtype, shape: x.shape }],
  // Only f32 carries gradients; rounding to whole numbers has none.
  gradient: {
    backward: ({ inputs: [x], attrs, grad }) => [
      typeOf(x).dtype === "f32" && attrs.dtype === "f32" ? grad : null,
    ],
  },
  evaluate: ([x], { dtype }) => map(x, convert[dtype], dtype),
  samples: [
    { inputs: [{ shape: ["n", 3] }], attrs: { dtype: "f32" } },
    { inputs: [{ shape: ["n", 3], avoid: [-2, -1, 0, 1, 2] }], attrs: { dtype: "i32" } },
    { inputs: [{ shape: [3], values: [0, 0.5, -2] }], attrs: { dtype: "bool" } },
    { inputs: [{ shape: [2, 2], dtype: "u8", values: [0, 1, 128, 255] }], attrs: { dtype: "f32" } },
    { inputs: [{ shape: [2], dtype: "bool", values: [0, 1] }], attrs: { dtype: "f32" } },
    { inputs: [{ shape: [3], dtype: "i32", values: [-2, 0, 7] }], attrs: { dtype: "f32" } },
    { inputs: [{ shape: [2], dtype: "bool", values: [0, 1] }], attrs: { dtype: "i32" } },
  ],
});
