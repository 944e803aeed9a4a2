/** @file Binary cross entropy from scores. */
import { defineOp } from "../define-op.js";
import { zip } from "../shared/broadcast.js";
import { expectDtype, expectShape, floats } from "../shared/expect.js";

// −t·log σ(x) − (1 − t)·log(1 − σ(x)) = softplus(x) − x·t
export const sigmoidCrossEntropy = defineOp({
  kind: "sigmoidCrossEntropy",
  summary: "−(t·log σ(x) + (1 − t)·log(1 − σ(x))), elementwise and without overflow.",
  inputs: ["logits", "targets"],
  infer: ([logits, targets]) => {
    expectDtype(logits, floats, 0, "the logits");
    expectDtype(targets, floats, 1, "the targets");
    expectShape(targets, logits.shape, 1, "the targets");
    return [logits];
  },
  gradient: {
    backward: ({ b, inputs: [logits, targets], grad }) => [
      b.mul(grad, b.sub(b.sigmoid(logits), targets)),
      b.neg(b.mul(grad, logits)),
    ],
  },
  expand: (b, [logits, targets]) => [b.sub(b.softplus(logits), b.mul(logits, targets))],
  evaluate: ([logits, targets]) =>
    zip(logits, targets, (x, t) => Math.max(x, 0) - x * t + Math.log1p(Math.exp(-Math.abs(x)))),
  samples: [
    { inputs: [{ shape: ["n", 3] }, { shape: ["n", 3], range: [0, 1] }] },
    {
      inputs: [
        { shape: ["n"], range: [-800, 800] },
        { shape: ["n"], values: [0, 1, 1] },
      ],
    },
  ],
});
