/** @file Comparisons: bool results. */
import type { ElementType, OpKind } from "@dlc/runtime";
import { defineOp, type OpDef } from "../define-op.js";
import { broadcastTypes, zip } from "../shared/broadcast.js";
import { comparables, numbers } from "../shared/expect.js";

function defineComparison<K extends OpKind>(
  kind: K,
  meaning: string,
  holds: (x: number, y: number) => boolean,
  dtypes: readonly ElementType[] = numbers,
): OpDef<K> {
  return defineOp<K>({
    kind,
    summary: `Whether ${meaning}, elementwise with broadcasting.`,
    inputs: ["x", "y"],
    infer: ([x, y]) => broadcastTypes(x, y, dtypes, "bool"),
    gradient: { none: "a comparison has no slope", zero: true },
    evaluate: ([x, y]) => zip(x, y, (p, q) => Number(holds(p, q)), "bool"),
    samples: [
      { inputs: [{ shape: ["n", 3] }, { shape: [3] }] },
      {
        inputs: [
          { shape: [2, 3], values: [1, 2, 3, -1, 0, 5] },
          { shape: [2, 3], values: [1, 3, 2, -1, 0.5, 5] },
        ],
      },
      {
        inputs: [
          { shape: [4], dtype: "i32", values: [1, 2, 3, -7] },
          { shape: [], dtype: "i32", values: [2] },
        ],
      },
    ],
  });
}

export const equal = defineComparison("equal", "x = y", (x, y) => x === y, comparables);
export const less = defineComparison("less", "x < y", (x, y) => x < y);
export const lessEqual = defineComparison("lessEqual", "x ≤ y", (x, y) => x <= y);
export const greater = defineComparison("greater", "x > y", (x, y) => x > y);
export const greaterEqual = defineComparison("greaterEqual", "x ≥ y", (x, y) => x >= y);
