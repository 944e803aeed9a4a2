/** @file The losses. */
import { choice, type Field, number } from "../../layers/fields.js";
import { reference, special } from "./kinds.js";
import { type Choice, defineChoice, defineShape, type Shape } from "./shape.js";

export const classWeightsField: Field<Readonly<Record<string, number>> | "balanced" | null> =
  special<Readonly<Record<string, number>> | "balanced" | null>(
    {
      anyOf: [
        { enum: ["balanced"] },
        {
          type: "object",
          additionalProperties: { type: "number", minimum: 0 },
          minProperties: 1,
        },
      ],
    },
    "Weight of each class in the loss, by its name; balanced: the inverse of how often it occurs.",
    null,
    (value) => (typeof value === "string" ? "balanced" : { ...(value as Record<string, number>) }),
  );

const labelSmoothingField = number(
  "Mixes the true class with all others: 0.1 takes a tenth away from it.",
  { minimum: 0, exclusiveMaximum: 1 },
  0,
);

const common = {
  output: reference("The layer whose output is compared; default: the last one."),
  target: special<string | number | null>(
    {
      anyOf: [{ type: "string", minLength: 1, maxLength: 200 }, { type: "number" }],
    },
    "The target or feature it is compared with, a layer that gives ids (cross_entropy), or a number; default: the only target.",
    null,
  ),
  weight: number("Factor in the sum of losses.", {}, 1),
  reduce: choice(
    "Over the elements of one example; examples are always averaged. Of texts and sequences, mean is over the steps that are there in the whole batch.",
    ["mean", "sum"],
    "mean",
  ),
};

const smoothed = { label_smoothing: labelSmoothingField };
const weighted = { class_weights: classWeightsField };

const { weight } = common;

/** For `losses`: every loss takes output, target, weight and reduce. */
const loss = (name: string, summary: string, fields: Shape["fields"] = {}): Shape =>
  defineShape<Shape["fields"]>({
    name,
    summary,
    primary: null,
    fields: { ...common, ...fields },
    example: `loss: ${name}`,
  });

export const lossChoice: Choice = defineChoice("a loss", [
  loss(
    "cross_entropy",
    "For one of several classes, or for each token of a text, from scores (logits): no softmax before it. Of texts it is the mean over all tokens of the batch; padding does not count.",
    { ...smoothed, ...weighted },
  ),
  loss(
    "binary_cross_entropy",
    "For two classes, or numbers between 0 and 1, from a score (logit): no sigmoid before it.",
    { ...smoothed, ...weighted },
  ),
  loss("mse", "Mean of the squared differences."),
  loss("mae", "Mean of the absolute differences."),
  loss("huber", "Squared for small differences, absolute for large ones.", {
    delta: number("Where the parabola turns into a line.", { exclusiveMinimum: 0 }, 1),
  }),
  loss("hinge", "For classes, from scores: the right one must win by a margin of 1.", weighted),
  loss(
    "kl_divergence",
    "For a target of probabilities, from scores (logits); or, with mean and log_variance, of a normal distribution to the standard one, summed over its dimensions (Kingma & Welling 2014).",
    {
      mean: reference("The layer that gives the mean of each dimension."),
      log_variance: reference("The layer that gives the logarithm of each variance."),
    },
  ),
  loss(
    "wasserstein",
    "The mean of the output times the target: what a critic makes small on generated examples (target: 1) and large on real ones (target: -1) (Arjovsky et al. 2017).",
  ),
  defineShape<Shape["fields"]>({
    name: "gradient_penalty",
    summary:
      "The squared distance of the norm of the output's gradient from a norm wanted, example by example (Gulrajani et al. 2017).",
    primary: null,
    fields: {
      output: common.output,
      input: special<string>(
        { type: "string", minLength: 1, maxLength: 200 },
        "The layer or feature that the gradient is taken towards.",
        undefined,
      ),
      center: number("The norm that is wanted.", { minimum: 0 }, 1),
      weight,
    },
    example: "loss: { gradient_penalty: { output: score, input: mixed, weight: 10 } }",
  }),
]);
