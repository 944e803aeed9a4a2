/** @file Logic on bool tensors. */
import { defineOp, type OpSample } from "../define-op.js";
import { broadcastTypes, zip } from "../shared/broadcast.js";
import { map, sameType } from "../shared/elementwise.js";
import { masks } from "../shared/expect.js";

const gradient = { none: "logic has no slope", zero: true } as const;
const truthTable: OpSample = {
  inputs: [
    { shape: [2, 2], dtype: "bool", values: [0, 0, 1, 1] },
    { shape: [2], dtype: "bool", values: [0, 1] },
  ],
};

export const logicalNot = defineOp({
  kind: "logicalNot",
  summary: "True where x is false.",
  inputs: ["x"],
  infer: ([x]) => sameType(x, masks),
  gradient,
  evaluate: ([x]) => map(x, (v) => 1 - v),
  samples: [{ inputs: [{ shape: [2], dtype: "bool", values: [0, 1] }] }],
});

export const logicalAnd = defineOp({
  kind: "logicalAnd",
  summary: "True where both are true.",
  inputs: ["x", "y"],
  infer: ([x, y]) => broadcastTypes(x, y, masks),
  gradient,
  evaluate: ([x, y]) => zip(x, y, (p, q) => p * q),
  samples: [truthTable],
});

export const logicalOr = defineOp({
  kind: "logicalOr",
  summary: "True where either is true.",
  inputs: ["x", "y"],
  infer: ([x, y]) => broadcastTypes(x, y, masks),
  gradient,
  evaluate: ([x, y]) => zip(x, y, Math.max),
  samples: [truthTable],
});
