/** @file Diagnostics of the train section. */
import type { CatalogueEntry } from "../../diagnostic.js";

export const trainEntries = {
  "softmax-before-cross-entropy": {
    severity: "error",
    message:
      "{loss} applies its own function to the scores, so '{activation}' before it is one too many",
    help: "Let the last layer give plain scores (logits). Predictions still come as probabilities.",
    explain:
      "`cross_entropy` includes the softmax and `binary_cross_entropy` the sigmoid: computed together they are exact where apart they lose digits. Applied twice, the gradients become tiny and training crawls.",
    wrong: "model: { layers: [dense: 2, softmax] }\ntrain: { loss: cross_entropy }",
    right: "model: { layers: [dense: 2] }\ntrain: { loss: cross_entropy }",
  },
  "target-needed": {
    severity: "error",
    message: "the loss '{loss}' does not say what it compares with, and the spec has {count}",
    help: "{remedy}",
    explain:
      "An only target is what a loss compares with by default. With none or several of them, 'target' says which target, feature or number it is.",
    wrong:
      "data:\n  targets: { a: { type: category, classes: [x, y] }, b: { type: category, classes: [x, y] } }\ntrain:\n  losses: [cross_entropy, { cross_entropy: { target: b } }]",
    right:
      "data:\n  targets: { a: { type: category, classes: [x, y] }, b: { type: category, classes: [x, y] } }\ntrain:\n  losses: [{ cross_entropy: { target: a } }, { cross_entropy: { target: b } }]",
  },
  "unknown-update": {
    severity: "error",
    message: "there is nothing called '{name}' to update",
    help: "A phase updates networks, or layers of the model's own list: {known}.",
    explain:
      "'update' says whose weights a phase moves: a network's, by its name under 'networks', or those of a layer or block of the model's own list, by the name that 'as' gives it. What is used nowhere has no weights.",
    wrong:
      "networks: { head: { layers: [dense: 2] } }\nmodel: { layers: [use: head] }\ntrain: { phases: [{ update: heat, losses: [cross_entropy] }] }",
    right:
      "networks: { head: { layers: [dense: 2] } }\nmodel: { layers: [use: head] }\ntrain: { phases: [{ update: head, losses: [cross_entropy] }] }",
  },
  "accumulate-with-phases": {
    severity: "error",
    message: "'accumulate' cannot be combined with phases",
    help: "Remove it, or raise 'batch'.",
    explain:
      "Phases update one after the other, each with what the one before has left; gradients that are gathered over several batches belong to weights that have moved in between.",
    wrong:
      "networks: { head: { layers: [dense: 2] } }\nmodel: { layers: [use: head] }\ntrain: { accumulate: 2, phases: [{ update: head, losses: [cross_entropy] }] }",
    right:
      "networks: { head: { layers: [dense: 2] } }\nmodel: { layers: [use: head] }\ntrain: { phases: [{ update: head, losses: [cross_entropy] }] }",
  },
  "phase-ends-early": {
    severity: "error",
    message: "phase '{phase}' ends with epoch {last}, before it begins with epoch {first}",
    help: "Let 'last_epoch' be at least 'first_epoch'.",
    explain:
      "A phase runs from its 'first_epoch' (default 1) to its 'last_epoch' (default: the last of training), both included and counted from 1.",
    wrong:
      "networks: { head: { layers: [dense: 2] } }\nmodel: { layers: [use: head] }\ntrain: { phases: [{ update: head, losses: [cross_entropy], first_epoch: 5, last_epoch: 4 }] }",
    right:
      "networks: { head: { layers: [dense: 2] } }\nmodel: { layers: [use: head] }\ntrain: { phases: [{ update: head, losses: [cross_entropy], first_epoch: 1, last_epoch: 10 }] }",
  },
  "phase-never-runs": {
    severity: "error",
    message: "phase '{phase}' begins with epoch {first}, but training has {run}",
    help: "Raise 'epochs', or let the phase begin earlier.",
    explain:
      "Epochs are counted from 1 over the whole training: 'epochs' has to hold the epochs of all phases.",
    wrong:
      "networks: { head: { layers: [dense: 2] } }\nmodel: { layers: [use: head] }\ntrain: { epochs: 5, phases: [{ update: head, losses: [cross_entropy], first_epoch: 6 }] }",
    right:
      "networks: { head: { layers: [dense: 2] } }\nmodel: { layers: [use: head] }\ntrain: { epochs: 5, phases: [{ update: head, losses: [cross_entropy] }] }",
  },
  "phase-beyond-training": {
    severity: "warning",
    message: "phase '{phase}' lasts to epoch {last}, but training has {run}",
    help: "Raise 'epochs', or leave 'last_epoch' out: the phase then lasts to the end.",
    explain:
      "Training ends before the phase does. Its schedule spans the epochs that there are, so it is not cut off in the middle.",
    wrong:
      "networks: { head: { layers: [dense: 2] } }\nmodel: { layers: [use: head] }\ntrain: { epochs: 5, phases: [{ update: head, losses: [cross_entropy], last_epoch: 8 }] }",
    right:
      "networks: { head: { layers: [dense: 2] } }\nmodel: { layers: [use: head] }\ntrain: { epochs: 5, phases: [{ update: head, losses: [cross_entropy] }] }",
  },
  "epoch-without-phase": {
    severity: "error",
    message: "no phase runs in {which}",
    help: "Let a phase begin earlier or last longer, or lower 'epochs'.",
    explain:
      "In every epoch at least one phase must have something to do: without one, training would pass over the data for nothing.",
    wrong:
      "networks: { head: { layers: [dense: 2] } }\nmodel: { layers: [use: head] }\ntrain: { epochs: 5, phases: [{ update: head, losses: [cross_entropy], last_epoch: 3 }] }",
    right:
      "networks: { head: { layers: [dense: 2] } }\nmodel: { layers: [use: head] }\ntrain: { epochs: 3, phases: [{ update: head, losses: [cross_entropy] }] }",
  },
  "metric-target-mismatch": {
    severity: "error",
    message: "{metric} measures {wanted}, but the losses compare {found}",
    help: "For classes: accuracy, top_k, precision, recall, f1, auc, confusion. For texts: accuracy, exact_match, perplexity. For numbers: mae, mse, r2.",
    explain: "A metric compares predictions with targets of one kind: classes, texts or numbers.",
    wrong: "train: { loss: cross_entropy, metrics: [r2] }",
    right: "train: { loss: cross_entropy, metrics: [accuracy] }",
  },
  "monitor-needed": {
    severity: "error",
    message: "{setting} has nothing to watch: the monitor is the number of the epoch",
    help: "Add `monitor: loss`, or a metric that is measured.",
    explain:
      "early_stopping and reduce_on_plateau wait for the monitored value to stop improving. With phases the losses work against each other, so by default the last epoch counts as the best: the monitor is the epoch, which always rises. Say what to watch instead, or remove the setting.",
    wrong:
      "networks: { head: { layers: [dense: 2] } }\nmodel: { layers: [use: head] }\ntrain: { early_stopping: 3, metrics: [], phases: [{ update: head, losses: [cross_entropy] }] }",
    right:
      "networks: { head: { layers: [dense: 2] } }\nmodel: { layers: [use: head] }\ntrain: { early_stopping: 3, metrics: [], monitor: loss, phases: [{ update: head, losses: [cross_entropy] }] }",
  },
  "top-k-of-all": {
    severity: "warning",
    message: "top_k with k = {k} is always 1: there are {classes}",
    help: "Lower k, or measure accuracy.",
    explain:
      "top_k counts an example as right if its class is among the k most likely ones. With as many guesses as there are classes it always is.",
    wrong:
      "data:\n  targets: { a: { type: category, classes: [x, y] } }\ntrain:\n  loss: cross_entropy\n  metrics: [accuracy, { top_k: 2 }]",
    right:
      "data:\n  targets: { a: { type: category, classes: [x, y] } }\ntrain:\n  loss: cross_entropy\n  metrics: [accuracy]",
  },
  "metric-twice": {
    severity: "error",
    message: "the metric '{name}' is listed twice",
    help: "Remove one of them.",
    explain: "Each metric is measured and shown once.",
    wrong: "train: { loss: cross_entropy, metrics: [accuracy, accuracy] }",
    right: "train: { loss: cross_entropy, metrics: [accuracy] }",
  },
  "weight-decay-without-effect": {
    severity: "error",
    message: "'{optimizer}' has no weight decay",
    help: "Use adamw or lion, or 'l2' for a penalty in the loss.",
    explain:
      "Weight decay shrinks the weights apart from the gradients (Loshchilov & Hutter 2019); adamw and lion do that. For other optimizers a penalty on the squares of the weights, 'l2', is what is usually meant.",
    wrong: "train: { loss: cross_entropy, optimizer: adam, weight_decay: 0.01 }",
    right: "train: { loss: cross_entropy, optimizer: adamw, weight_decay: 0.01 }",
  },
} as const satisfies Record<string, CatalogueEntry>;
