/** @file The `train` section and what stands in it besides losses and optimisers. */
import { choice, flag, integer, number, positiveInteger } from "../../layers/fields.js";
import { freezeField, learningRatesField } from "./init.js";
import { nameSchema, nested, special, text } from "./kinds.js";
import { classWeightsField } from "./losses.js";
import { type Choice, defineChoice, defineShape } from "./shape.js";

export const scheduleChoice: Choice = defineChoice("a schedule", [
  defineShape({
    name: "constant",
    summary: "The same learning rate throughout.",
    primary: null,
    fields: {},
    example: "schedule: constant",
  }),
  defineShape({
    name: "step",
    summary: "The rate times 'factor' after every so many epochs.",
    primary: "every",
    fields: {
      every: positiveInteger("Epochs between two steps."),
      factor: number("What the rate is multiplied by.", { exclusiveMinimum: 0, maximum: 1 }, 0.1),
    },
    example: "schedule: { step: { every: 10, factor: 0.5 } }",
  }),
  defineShape({
    name: "exponential",
    summary: "The rate times 'decay' per epoch, falling smoothly.",
    primary: "decay",
    fields: {
      decay: number("What is left of the rate after an epoch.", {
        exclusiveMinimum: 0,
        maximum: 1,
      }),
    },
    example: "schedule: { exponential: { decay: 0.95 } }",
  }),
  defineShape({
    name: "cosine",
    summary: "Half a cosine wave over the run (Loshchilov & Hutter 2017).",
    primary: "floor",
    fields: { floor: number("Share of the rate at the end.", { minimum: 0, maximum: 1 }, 0) },
    example: "schedule: cosine",
  }),
  defineShape({
    name: "one_cycle",
    summary: "Up to the rate, then down to almost nothing (Smith & Topin 2019).",
    primary: null,
    fields: {
      rise: number("Share of the run that goes up.", { minimum: 0, maximum: 1 }, 0.3),
      start: number("The run begins at the rate divided by this.", { minimum: 1 }, 25),
      final: number("It ends at the rate divided by this.", { minimum: 1 }, 10_000),
    },
    example: "schedule: { one_cycle: { rise: 0.3 } }",
  }),
  defineShape({
    name: "reduce_on_plateau",
    summary: "The rate times 'factor' whenever the monitored value stops improving.",
    primary: null,
    fields: {
      factor: number(
        "What the rate is multiplied by.",
        { exclusiveMinimum: 0, exclusiveMaximum: 1 },
        0.5,
      ),
      patience: positiveInteger("Epochs without improvement.", 3),
      minimum: number("The rate never falls below this.", { minimum: 0 }, 0),
    },
    example: "schedule: { reduce_on_plateau: { patience: 5 } }",
  }),
]);

const plainMetric = (name: string, summary: string) =>
  defineShape({ name, summary, primary: null, fields: {}, example: `metrics: [${name}]` });

export const metricChoice: Choice = defineChoice("a metric", [
  plainMetric(
    "accuracy",
    "Share of examples whose most probable class is the right one; of texts, share of tokens, without padding.",
  ),
  plainMetric(
    "exact_match",
    "Share of texts of which every token is predicted, each from the right ones before it: what greedy decoding gets wholly right.",
  ),
  plainMetric(
    "perplexity",
    "exp of the mean cross-entropy per token: 1 is certainty, the number of tokens blind guessing.",
  ),
  defineShape({
    name: "top_k",
    summary: "Share of examples whose right class is among the k most probable.",
    primary: "k",
    fields: { k: positiveInteger("How many classes count.", 5) },
    example: "metrics: [{ top_k: 5 }]",
  }),
  plainMetric(
    "precision",
    "Of what was predicted as a class, the share that is; mean over classes.",
  ),
  plainMetric("recall", "Of what is a class, the share that was predicted so; mean over classes."),
  plainMetric("f1", "Harmonic mean of precision and recall; mean over classes."),
  plainMetric("auc", "Area under the ROC curve; mean over classes, each against the rest."),
  plainMetric("confusion", "The confusion matrix: true classes by predicted ones."),
  plainMetric("mae", "Mean of the absolute differences."),
  plainMetric("mse", "Mean of the squared differences."),
  plainMetric(
    "r2",
    "Share of the variance that is explained; of a target that is constant, 1 if it is hit exactly, else 0.",
  ),
]);

export const clipShape = defineShape({
  name: "clip",
  summary: "Limits the gradients.",
  primary: "norm",
  fields: {
    norm: special<number | null>(
      { type: "number", exclusiveMinimum: 0 },
      "Largest norm of all gradients together; beyond it all shrink alike.",
      null,
    ),
    value: special<number | null>(
      { type: "number", exclusiveMinimum: 0 },
      "Largest absolute value of each element.",
      null,
    ),
  },
  example: "clip: { norm: 1.0 }",
});

/** Beyond it there is nothing to gain: the smallest float16, 2⁻²⁴, is 1 then. */
export const largestLossScale = 2 ** 24;

export const precisionShape = defineShape({
  name: "precision",
  summary:
    "What training computes convolutions and matrix products in. Weights, updates, norms and losses are float32 in any case, and so are evaluation and prediction.",
  primary: "compute",
  fields: {
    compute: choice(
      "float32; mixed_float16: several times as fast on GPUs, with numbers up to 65504 and a loss that is scaled so that small gradients do not vanish (Micikevicius et al. 2018); mixed_bfloat16: as fast, with the range of float32 and three digits (Kalamkar et al. 2019).",
      ["float32", "mixed_float16", "mixed_bfloat16"],
      "float32",
    ),
    loss_scale: number(
      "Of mixed_float16: what the loss is multiplied by at first. It halves when a gradient overflows, and that step is skipped.",
      { minimum: 1, maximum: largestLossScale },
      2 ** 15,
    ),
    growth_steps: positiveInteger(
      "Of mixed_float16: steps without overflow after which the scale doubles.",
      2000,
    ),
  },
  example: "precision: { compute: mixed_float16, loss_scale: 32768, growth_steps: 2000 }",
});

export const earlyStoppingShape = defineShape({
  name: "early_stopping",
  summary:
    "Ends training when the monitored value stops improving; not before the last phase has begun.",
  primary: "patience",
  fields: {
    patience: positiveInteger("Epochs without improvement."),
    min_delta: number("Smallest change that counts.", { minimum: 0 }, 0),
    restore_best: flag("Go back to the weights of the best epoch.", true),
  },
  example: "early_stopping: { patience: 5 }",
});

export const monitorShape = defineShape({
  name: "monitor",
  summary: "What decides which epoch is best; of equal ones, the one with the smaller loss.",
  primary: "metric",
  fields: {
    metric: text("loss, one of the metrics, or epoch: the last one counts as the best."),
    mode: special<"min" | "max" | null>(
      { enum: ["min", "max"] },
      "Is smaller or larger better? Default: as the metric says.",
      null,
    ),
  },
  example: "monitor: accuracy",
});

export const checkpointShape = defineShape({
  name: "checkpoint",
  summary: "When to save besides the end of each epoch.",
  primary: "every_steps",
  fields: {
    every_steps: integer(
      "Optimiser steps between two saves; 0: only at the end of an epoch.",
      { minimum: 0 },
      0,
    ),
    keep: integer("How many of these are kept besides the best and the last.", { minimum: 0 }, 2),
  },
  example: "checkpoint: { every_steps: 500, keep: 2 }",
});

export const phaseShape = defineShape({
  name: "phase",
  summary: "One of several updates that every batch makes, in order; of all epochs or some.",
  primary: null,
  fields: {
    name: special<string | null>(nameSchema, "What it is called; default: what it updates.", null),
    update: special<readonly string[]>(
      {
        anyOf: [
          { type: "string", minLength: 1, maxLength: 200 },
          { type: "array", items: { type: "string", minLength: 1, maxLength: 200 }, minItems: 1 },
        ],
        examples: ["discriminator", ["encoder", "decoder"]],
      },
      "The networks (or layers of the model's own list) whose weights it moves. All others are constant in it: no work is done for their gradients, and their moving averages stay.",
      undefined,
      (value) => [value].flat() as readonly string[],
    ),
    losses: nested(
      "What it makes small.",
      () => ({ type: "array", minItems: 1, items: { $ref: "#/definitions/loss" } }),
      true,
    ),
    optimizer: nested("How its weights follow their gradients; default: that of train.", () => ({
      $ref: "#/definitions/optimizer",
    })),
    learning_rate: special<number | null>(
      { type: "number", exclusiveMinimum: 0 },
      "Step size, before the schedule; default: that of the optimizer, or of train.",
      null,
    ),
    steps: positiveInteger("Updates per batch, each with new random numbers.", 1),
    first_epoch: positiveInteger(
      "The first epoch in which it runs, counted from 1. Its schedule and warm-up begin with it.",
      1,
    ),
    last_epoch: special<number | null>(
      { type: "integer", minimum: 1 },
      "The last epoch in which it runs; default: the last of training. Afterwards what it updated stays as it is.",
      null,
    ),
  },
  example:
    "phase: { name: critic, update: discriminator, losses: [{ binary_cross_entropy: { output: real, target: 0.9 } }], optimizer: { adam: { beta1: 0.5 } }, learning_rate: 0.0002, steps: 1, first_epoch: 1, last_epoch: 5 }",
});

const definition = (name: string) => () => ({ $ref: `#/definitions/${name}` });
const list = (name: string) => () => ({
  type: "array",
  minItems: 1,
  items: { $ref: `#/definitions/${name}` },
});

export const trainShape = defineShape({
  name: "train",
  summary: "How the weights are found.",
  primary: null,
  fields: {
    loss: nested("What training makes small.", definition("loss")),
    losses: nested("Several losses, added up by their weights.", list("loss")),
    phases: nested(
      "Several updates per batch, each of some networks by losses of its own.",
      list("phase"),
    ),
    optimizer: nested(
      "How weights follow their gradients; default: adam.",
      definition("optimizer"),
    ),
    learning_rate: special<number | null>(
      { type: "number", exclusiveMinimum: 0 },
      "Step size of the optimizer, before the schedule; default: that of the optimiser.",
      null,
    ),
    freeze: freezeField,
    learning_rates: learningRatesField,
    schedule: nested("How the learning rate moves; default: constant.", definition("schedule")),
    warmup: integer("Optimiser steps over which the rate rises from 0.", { minimum: 0 }, 0),
    batch: integer("Examples per step.", { minimum: 1, maximum: 1_000_000 }, 32),
    epochs: integer("Passes over the training rows.", { minimum: 1, maximum: 1_000_000 }, 10),
    seed: integer(
      "Seed of initial weights, shuffling and dropout: the same seed gives the same model.",
      { minimum: 0, maximum: 4_294_967_295 },
      0,
    ),
    shuffle: flag("A new order of the rows in every epoch.", true),
    accumulate: positiveInteger("Batches whose gradients make one step.", 1),
    clip: nested("Limits the gradients: a norm, { norm: … } or { value: … }.", definition("clip")),
    precision: nested(
      "What convolutions and matrix products are computed in while training; default: float32.",
      definition("precision"),
    ),
    ema: special<number | null>(
      { type: "number", exclusiveMinimum: 0, exclusiveMaximum: 1 },
      "Decay of a moving average of the weights, which evaluation and the saved model use.",
      null,
    ),
    early_stopping: nested(
      "Ends training when nothing improves: epochs, or { patience: … }.",
      definition("early_stopping"),
    ),
    class_weights: classWeightsField,
    label_smoothing: special<number | null>(
      { type: "number", minimum: 0, exclusiveMaximum: 1 },
      "Mixes the true class with all others: 0.1 takes a tenth away from it.",
      null,
    ),
    l1: number("Penalty on the absolute values of all kernels.", { minimum: 0 }, 0),
    l2: number("Penalty on the squares of all kernels.", { minimum: 0 }, 0),
    weight_decay: special<number | null>(
      { type: "number", minimum: 0 },
      "Decoupled weight decay; only with adamw and lion.",
      null,
    ),
    metrics: nested(
      "What is measured; default: accuracy for classes and texts, mae for numbers.",
      () => ({
        type: "array",
        items: { $ref: "#/definitions/metric" },
      }),
    ),
    monitor: nested("What decides which epoch is best.", definition("monitor")),
    checkpoint: nested("When to save besides the end of each epoch.", definition("checkpoint")),
  },
  example: `train:
  loss: cross_entropy
  losses: [{ cross_entropy: { target: digit } }, { mse: { target: image, weight: 0.1 } }]
  phases: [{ update: discriminator, losses: [{ binary_cross_entropy: { target: 1 } }] }]
  optimizer: { sgd: { learning_rate: 0.1, momentum: 0.9 } }
  learning_rate: 0.001
  freeze: ["conv*", encoder]
  learning_rates: { "dense*": 0.1, head: 1 }
  schedule: cosine
  clip: { norm: 1.0 }
  precision: mixed_float16
  ema: 0.999
  early_stopping: { patience: 5 }
  class_weights: { spam: 2, ham: 1 }
  label_smoothing: 0.1
  weight_decay: 0.01
  metrics: [accuracy, { top_k: 5 }]
  monitor: accuracy
  checkpoint: { every_steps: 500, keep: 2 }`,
});
