/** @file The optimisers as graph builders: from gradient to next weight. */
import type { InitSpec } from "@dlc/runtime";
import type { OptimizerUse } from "../1-load/resolved-spec.js";
import type { Value } from "../ir/types.js";
import type { Builder } from "../ops/define-op.js";

/** One weight's update. */
export interface Update {
  readonly b: Builder;
  readonly weight: Value;
  readonly gradient: Value;
  /** f32 scalar. */
  readonly learningRate: Value;
  /** f32 scalar: number of this update, from 1. Asked for only where it is used. */
  readonly step: () => Value;
  /** Does decoupled weight decay apply to this weight? */
  readonly decay: boolean;
  readonly optimizer: OptimizerUse;
  /** The optimiser's memory of this weight, `<weight>:<name>`, in the weight's shape. */
  slot(name: string, init: InitSpec): Value;
  /** Sets a slot's next value. */
  keep(name: string, next: Value): void;
}

/** The next value of the weight. */
type Rule = (update: Update) => Value;

const zeros: InitSpec = { kind: "zeros" };

const sgd: Rule = ({ b, weight, gradient, learningRate, optimizer, slot, keep }) => {
  const { momentum, nesterov } = optimizer;
  if (momentum === 0) return b.applySgd(weight, gradient, learningRate);
  const v = slot("v", zeros);
  const [next, velocity] = b.applyMomentum(weight, v, gradient, learningRate, {
    momentum,
    nesterov,
  });
  keep("v", velocity);
  return next;
};

const adamWith =
  (decayOf: (update: Update) => number): Rule =>
  (update) => {
    const { b, weight, gradient, learningRate, step, optimizer, slot, keep } = update;
    const [m, v] = [slot("m", zeros), slot("v", zeros)];
    const { beta1, beta2, epsilon } = optimizer;
    const [next, first, second] = b.applyAdam(weight, m, v, gradient, learningRate, step(), {
      beta1,
      beta2,
      epsilon,
      weightDecay: decayOf(update),
    });
    keep("m", first);
    keep("v", second);
    return next;
  };

const decoupled = ({ decay, optimizer }: Update): number => (decay ? optimizer.weightDecay : 0);

const rmsprop: Rule = ({ b, weight, gradient, learningRate, optimizer, slot, keep }) => {
  const { rho, momentum, epsilon } = optimizer;
  const [s, v] = [slot("s", zeros), slot("v", zeros)];
  const [next, square, velocity] = b.applyRmsprop(weight, s, v, gradient, learningRate, {
    rho,
    momentum,
    epsilon,
  });
  keep("s", square);
  keep("v", velocity);
  return next;
};

const adagrad: Rule = ({ b, weight, gradient, learningRate, optimizer, slot, keep }) => {
  const { epsilon } = optimizer;
  const [next, sum] = b.applyAdagrad(weight, slot("a", zeros), gradient, learningRate, { epsilon });
  keep("a", sum);
  return next;
};

const lion: Rule = (update) => {
  const { b, weight, gradient, learningRate, optimizer, slot, keep } = update;
  const { beta1, beta2 } = optimizer;
  const [next, m] = b.applyLion(weight, slot("m", zeros), gradient, learningRate, {
    beta1,
    beta2,
    weightDecay: decoupled(update),
  });
  keep("m", m);
  return next;
};

const rules: Readonly<Record<OptimizerUse["kind"], Rule>> = {
  sgd,
  adam: adamWith(() => 0),
  adamw: adamWith(decoupled),
  rmsprop,
  adagrad,
  lion,
};

/** Builds the update of one weight and returns the weight's next value. */
export const optimizerStep: Rule = (update) => rules[update.optimizer.kind](update);
