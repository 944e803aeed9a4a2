/** @file Activations that conv2d and matmul apply to their own result. */
import type { FusedActivation } from "@dlc/runtime";
import type { Value } from "../../ir/types.js";
import type { Builder } from "../define-op.js";
import { number } from "./gradients.js";

interface Activation {
  readonly apply: (b: Builder, x: Value) => Value;
  /** Gradient before the activation, from the gradient after it and the activation's output. */
  readonly gradient: (b: Builder, y: Value, grad: Value) => Value;
  readonly evaluate: (x: number) => number;
}

export const fusedActivations: Readonly<Record<FusedActivation, Activation>> = {
  none: { apply: (_, x) => x, gradient: (_, __, grad) => grad, evaluate: (x) => x },
  relu: {
    apply: (b, x) => b.relu(x),
    gradient: (b, y, grad) => b.reluGrad(grad, y),
    evaluate: (x) => Math.max(x, 0),
  },
  sigmoid: {
    apply: (b, x) => b.sigmoid(x),
    gradient: (b, y, grad) => b.mul(grad, b.mul(y, b.sub(number(b, 1), y))),
    evaluate: (x) => 1 / (1 + Math.exp(-x)),
  },
  tanh: {
    apply: (b, x) => b.tanh(x),
    gradient: (b, y, grad) => b.mul(grad, b.sub(number(b, 1), b.square(y))),
    evaluate: Math.tanh,
  },
};
