/** @file Activation functions by name, for the `activation` field and the activation layers. */
import type { Value } from "../../ir/types.js";
import type { Builder } from "../../ops/define-op.js";
import { choice, type Field } from "../fields.js";

/** Each is a composition of ops; the fuse pass folds relu, sigmoid and tanh into the op before. */
export const activations = {
  linear: (_b: Builder, x: Value): Value => x,
  relu: (b: Builder, x: Value): Value => b.relu(x),
  sigmoid: (b: Builder, x: Value): Value => b.sigmoid(x),
  tanh: (b: Builder, x: Value): Value => b.tanh(x),
};

export type ActivationName = keyof typeof activations;
export const activationNames = Object.keys(activations) as readonly ActivationName[];

export const activationField = (description: string): Field<ActivationName> =>
  choice(description, activationNames, "linear");

export function activate(b: Builder, name: ActivationName, x: Value): Value {
  return activations[name](b, x);
}
