/** @file Settings of attention, and which of them a kind of attention does not read. */
import { choice, flag, number, optional, positiveInteger } from "../fields.js";
import { kernelFields } from "../shared.js";

export const kinds = ["multi_head", "scaled_dot", "dot", "general", "additive"] as const;
export type Kind = (typeof kinds)[number];

const { bias, kernel_initializer, bias_initializer, l1, l2 } = kernelFields;

export const attentionFields = {
  kind: choice(
    "How a query q is compared with a step m of the memory. multi_head: by scaled products of trained projections, several times side by side (Vaswani et al. 2017); scaled_dot: qᵀm/√size; dot: qᵀm and general: qᵀWm (Luong et al. 2015); additive: vᵀtanh(Wq + Um) (Bahdanau et al. 2015).",
    kinds,
  ),
  heads: positiveInteger("multi_head: how many comparisons are made side by side.", 8),
  units: optional(
    positiveInteger(
      "multi_head: length of the projected queries and keys, all heads together; additive: length of the hidden layer. Default: that of the query.",
    ),
  ),
  value_size: optional(
    positiveInteger(
      "multi_head: length of the projected values, all heads together; default units.",
    ),
  ),
  causal: flag(
    "Self-attention: a step sees itself and earlier steps only, as a text that is being written.",
    false,
  ),
  rotary: flag(
    "multi_head, self-attention: queries and keys are turned by angles that grow with their position (Su et al. 2021), so that distances in time count.",
    false,
  ),
  dropout: number(
    "Share of the weights that is dropped while training.",
    { minimum: 0, exclusiveMaximum: 1 },
    0,
  ),
  bias: { ...bias, description: "multi_head, additive: add trained biases." },
  kernel_initializer: { ...kernel_initializer, description: "How the kernels start." },
  bias_initializer: { ...bias_initializer, description: "How the biases start." },
  l1: { ...l1, description: "Penalty on the absolute values of the kernels: l1·Σ|w|." },
  l2: { ...l2, description: "Penalty on the squares of the kernels: l2·Σw²." },
};

const ofHeads = ["heads", "value_size", "rotary"];
const ofBias = ["bias", "bias_initializer"];
const ofKernels = ["kernel_initializer", "l1", "l2"];

const unread: Readonly<Record<Kind, readonly string[]>> = {
  multi_head: [],
  additive: ofHeads,
  general: [...ofHeads, "units", ...ofBias],
  dot: [...ofHeads, "units", ...ofBias, ...ofKernels],
  scaled_dot: [...ofHeads, "units", ...ofBias, ...ofKernels],
};

/** Settings that a kind does not read, with the reason. */
export const idleSettings = ({ kind }: { readonly kind: Kind }): Readonly<Record<string, string>> =>
  Object.fromEntries(
    (unread[kind] ?? []).map((setting) => [setting, `attention of kind ${kind} does not read it`]),
  );
