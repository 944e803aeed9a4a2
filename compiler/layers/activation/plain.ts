/** @file A layer for every activation function that has nothing to set. */
import { type AnyLayerDef, defineLayer } from "../define-layer.js";
import { type ActivationName, activations } from "./activations.js";

/** These have a layer file of their own, because their layer has a field. */
type WithFields = "leaky_relu" | "elu";

const plainNames: readonly Exclude<ActivationName, WithFields>[] = [
  "linear",
  "relu",
  "selu",
  "gelu",
  "swish",
  "silu",
  "mish",
  "sigmoid",
  "tanh",
  "softmax",
  "log_softmax",
  "softplus",
  "softsign",
  "hard_sigmoid",
  "hard_swish",
  "relu6",
];

export const plainActivations: readonly AnyLayerDef[] = plainNames.map((type) =>
  defineLayer({
    type,
    summary: activations[type].summary,
    inputs: "one",
    primary: null,
    fields: {},
    padding: "passes",
    shapes: "[n, …] → [n, …]",
    example: type,
    lower: ({ b, x }) => activations[type].build(b, x),
  }),
);
