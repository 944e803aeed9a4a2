/** @file The optimisers. */
import { flag, number } from "../../layers/fields.js";
import { special } from "./kinds.js";
import { type Choice, defineChoice, defineShape, type Shape } from "./shape.js";

const learningRate = (fallback: number) =>
  special<number | null>(
    { type: "number", exclusiveMinimum: 0 },
    `Step size, before the schedule; default: that of the section around it, else ${fallback}.`,
    null,
  );
const beta = (what: string, fallback: number) =>
  number(what, { minimum: 0, exclusiveMaximum: 1 }, fallback);
const momentum = beta("Share of the last step that is kept.", 0);
const epsilon = (fallback: number) =>
  number("Keeps the division from growing without bound.", { exclusiveMinimum: 0 }, fallback);
const decay = (fallback: number) =>
  number(
    "Decoupled weight decay: kernels shrink by this times the learning rate.",
    { minimum: 0 },
    fallback,
  );

const optimizer = (name: OptimizerName, summary: string, fields: Shape["fields"]): Shape =>
  defineShape<Shape["fields"]>({
    name,
    summary,
    primary: "learning_rate",
    fields: { learning_rate: learningRate(rates[name]), ...fields },
    example: `optimizer: { ${name}: { learning_rate: ${rates[name]} } }`,
  });

const rates = {
  sgd: 0.01,
  adam: 0.001,
  adamw: 0.001,
  rmsprop: 0.001,
  adagrad: 0.01,
  lion: 0.0001,
};
type OptimizerName = keyof typeof rates;

/** Where neither the optimiser nor `train.learning_rate` gives one. */
export const defaultLearningRates: Readonly<Record<string, number>> = rates;

// Defaults are those of Keras, except for lion (Chen et al. 2023) and adamw's decay (PyTorch).
const adam = {
  beta1: beta("Decay of the mean of the gradients.", 0.9),
  beta2: beta("Decay of the mean of their squares.", 0.999),
  epsilon: epsilon(1e-7),
};

export const optimizerChoice: Choice = defineChoice("an optimizer", [
  optimizer("sgd", "Stochastic gradient descent, with or without momentum.", {
    momentum,
    nesterov: flag("Look ahead along the momentum (Nesterov).", false),
  }),
  optimizer("adam", "Adam (Kingma & Ba 2015).", adam),
  optimizer("adamw", "Adam with decoupled weight decay (Loshchilov & Hutter 2019).", {
    ...adam,
    weight_decay: decay(0.01),
  }),
  optimizer("rmsprop", "RMSprop (Hinton 2012).", {
    rho: beta("Decay of the mean of the squared gradients.", 0.9),
    momentum,
    epsilon: epsilon(1e-7),
  }),
  optimizer("adagrad", "Adagrad (Duchi et al. 2011).", { epsilon: epsilon(1e-7) }),
  optimizer("lion", "Lion: steps by sign (Chen et al. 2023).", {
    beta1: beta("Share of the momentum in the step's sign.", 0.9),
    beta2: beta("Decay of the momentum.", 0.99),
    weight_decay: decay(0),
  }),
]);

/** Of optimisers that lack a setting. */
export const neutralOptimizer = {
  momentum: 0,
  nesterov: false,
  beta1: 0,
  beta2: 0,
  rho: 0,
  epsilon: 0,
  weight_decay: 0,
} as const;
