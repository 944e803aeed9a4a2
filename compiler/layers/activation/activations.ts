/** @file Activation functions by name, for the `activation` field and the activation layers. */
import { shapeOf, type Value } from "../../ir/types.js";
import type { Builder } from "../../ops/define-op.js";
import { choice, type Field } from "../fields.js";
import { scalar } from "../shared.js";

export interface Activation {
  /** For the reference: the formula, and where it comes from. */
  readonly summary: string;
  /** A composition of ops; the fuse pass folds relu, sigmoid and tanh into the op before. */
  readonly build: (b: Builder, x: Value) => Value;
}

const lastAxis = (x: Value): { axis: number } => ({ axis: shapeOf(x).length - 1 });

/** max(x, slope·x), for slopes up to 1. */
export const leakyRelu = (b: Builder, x: Value, slope: number): Value =>
  b.maximum(x, b.mul(x, scalar(b, slope)));

/** x for x > 0, else alpha·(e^x − 1); the exponent is cut off at 0 so that it cannot overflow. */
export function elu(b: Builder, x: Value, alpha: number): Value {
  const below = b.sub(b.exp(b.minimum(x, scalar(b, 0))), scalar(b, 1));
  return b.add(b.relu(x), alpha === 1 ? below : b.mul(below, scalar(b, alpha)));
}

/** min(max(x, 0), 6). */
const relu6 = (b: Builder, x: Value): Value => b.minimum(b.relu(x), scalar(b, 6));

/** relu6(x + 3) / 6. */
const swish = (b: Builder, x: Value): Value => b.mul(x, b.sigmoid(x));
const hardSigmoid = (b: Builder, x: Value): Value =>
  b.mul(relu6(b, b.add(x, scalar(b, 3))), scalar(b, 1 / 6));

// Klambauer et al. 2017, equation 14.
const seluAlpha = 1.6732632423543772;
const seluScale = 1.0507009873554805;

export const activations = {
  linear: { summary: "x: no activation.", build: (_b, x) => x },
  relu: { summary: "max(x, 0) (Nair & Hinton 2010).", build: (b, x) => b.relu(x) },
  leaky_relu: {
    summary: "max(x, slope·x), slope 0.01 (Maas et al. 2013).",
    build: (b, x) => leakyRelu(b, x, 0.01),
  },
  elu: {
    summary: "x for x > 0, else alpha·(e^x − 1), alpha 1 (Clevert et al. 2016).",
    build: (b, x) => elu(b, x, 1),
  },
  selu: {
    summary: "1.0507·elu(x) with alpha 1.6733: self-normalising (Klambauer et al. 2017).",
    build: (b, x) => b.mul(elu(b, x, seluAlpha), scalar(b, seluScale)),
  },
  gelu: {
    summary: "x·Φ(x), with Gauss' Φ exactly (Hendrycks & Gimpel 2016).",
    build: (b, x) =>
      b.mul(
        b.mul(x, scalar(b, 0.5)),
        b.add(b.erf(b.mul(x, scalar(b, Math.SQRT1_2))), scalar(b, 1)),
      ),
  },
  swish: {
    summary: "x·sigmoid(x) (Ramachandran et al. 2017); the same as silu.",
    build: swish,
  },
  silu: {
    summary: "x·sigmoid(x) (Elfwing et al. 2018); the same as swish.",
    build: swish,
  },
  mish: {
    summary: "x·tanh(softplus(x)) (Misra 2019).",
    build: (b, x) => b.mul(x, b.tanh(b.softplus(x))),
  },
  sigmoid: { summary: "1 / (1 + e^−x).", build: (b, x) => b.sigmoid(x) },
  tanh: { summary: "Hyperbolic tangent.", build: (b, x) => b.tanh(x) },
  softmax: {
    summary: "e^x / Σ e^x over the last axis: probabilities (Bridle 1990).",
    build: (b, x) => b.softmax(x, lastAxis(x)),
  },
  log_softmax: {
    summary: "Logarithm of softmax over the last axis.",
    build: (b, x) => b.logSoftmax(x, lastAxis(x)),
  },
  softplus: {
    summary: "log(1 + e^x) (Dugas et al. 2001).",
    build: (b, x) => b.softplus(x),
  },
  softsign: {
    summary: "x / (1 + |x|) (Bergstra et al. 2009).",
    build: (b, x) => b.div(x, b.add(b.abs(x), scalar(b, 1))),
  },
  hard_sigmoid: {
    summary: "relu6(x + 3) / 6 (Howard et al. 2019).",
    build: hardSigmoid,
  },
  hard_swish: {
    summary: "x·relu6(x + 3) / 6 (Howard et al. 2019).",
    build: (b, x) => b.mul(x, hardSigmoid(b, x)),
  },
  relu6: { summary: "min(max(x, 0), 6) (Krizhevsky 2010).", build: relu6 },
} as const satisfies Record<string, Activation>;

export type ActivationName = keyof typeof activations;
export const activationNames = Object.keys(activations) as readonly ActivationName[];

export const activationField = (description: string): Field<ActivationName> =>
  choice(description, activationNames, "linear");

export function activate(b: Builder, name: ActivationName, x: Value): Value {
  return activations[name].build(b, x);
}
