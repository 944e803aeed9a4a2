/** @file What of a model learns, and how fast: `freeze` and `learning_rates` applied to its weights. */
import { ownerOf, type TrainUse } from "../1-load/resolved-spec.js";
import { meansLayer } from "../1-load/train/layer-patterns.js";
import { flowsTo } from "../3-differentiate/backward.js";
import type { Diagnostics } from "../diagnostics/report.js";
import type { WeightInfo } from "./lowered-model.js";
import type { NamedLoss, Objective } from "./objective.js";
import type { WalkedWeight } from "./walk.js";

type Tuning = Pick<TrainUse, "freeze" | "rates">;

/** Is the layer (by its name as weights have it) frozen? */
export const isFrozen = (train: Tuning | null, owner: string): boolean =>
  train?.freeze?.some(({ pattern }) => meansLayer(pattern, owner)) ?? false;

/** Factor on the learning rate: the last that means the layer. */
export const rateOf = (train: Tuning | null, owner: string): number =>
  train?.rates?.findLast(({ pattern }) => meansLayer(pattern, owner))?.factor ?? 1;

/** A weight as the optimiser sees it. */
export function weightInfo(weight: WalkedWeight, train: Tuning | null): WeightInfo {
  const { name, value, decay } = weight;
  const rate = rateOf(train, ownerOfWeight(weight));
  return { name, value, decay, ...(rate === 1 ? {} : { rate }) };
}

const ownerOfWeight = ({ layer }: WalkedWeight): string => ownerOf(layer);

/** The weights that training moves. */
export const movable = (weights: readonly WalkedWeight[], train: Tuning): readonly WalkedWeight[] =>
  weights.filter((weight) => !isFrozen(train, ownerOfWeight(weight)));

/** Reports settings that mean layers without weights, and what nothing of the model can follow. */
export function checkTuning(
  weights: readonly WalkedWeight[],
  goal: Objective,
  train: TrainUse,
  diagnostics: Diagnostics,
): void {
  const { freeze = [], rates = [] } = train;
  const owners = [...new Set(weights.map(ownerOfWeight))];
  const idle = (setting: string, reason: string, span: (typeof freeze)[number]["span"]): void =>
    diagnostics.report("setting-without-effect", span, { setting, reason });
  for (const { pattern, span } of freeze) {
    if (owners.some((owner) => meansLayer(pattern, owner))) continue;
    idle(`freeze: ${pattern}`, "what it means has no weights", span);
  }
  rates.forEach(({ pattern, span }, i) => {
    const own = owners.filter((owner) => meansLayer(pattern, owner));
    const setting = `learning_rates: ${pattern}`;
    const later = rates.slice(i + 1);
    const isOverruled = (owner: string): boolean =>
      later.some((other) => meansLayer(other.pattern, owner));
    if (own.length === 0) idle(setting, "what it means has no weights", span);
    else if (own.every((owner) => isFrozen(train, owner))) {
      idle(setting, "all that it means is frozen", span);
    } else if (own.every(isOverruled)) {
      idle(setting, "later entries mean the same layers, and the last counts", span);
    }
  });
  const [first] = freeze;
  if (first === undefined) return;
  const moving = movable(weights, train);
  if (weights.length > 0 && moving.length === 0) {
    diagnostics.report("everything-frozen", first.span, {});
  } else reportFrozenLosses(goal.losses, weights, moving, train, diagnostics);
}

/** Losses that depend on weights, but only on frozen ones. */
function reportFrozenLosses(
  losses: readonly NamedLoss[],
  weights: readonly WalkedWeight[],
  moving: readonly WalkedWeight[],
  train: TrainUse,
  diagnostics: Diagnostics,
): void {
  const valuesOf = (list: readonly WalkedWeight[]) => list.map(({ value }) => value);
  for (const { name, value } of losses) {
    if (flowsTo(value, valuesOf(moving)) || !flowsTo(value, valuesOf(weights))) continue;
    const use = train.losses.find((loss) => loss.name === name);
    diagnostics.report("loss-on-frozen", use?.span ?? train.span, { loss: use?.kind ?? name });
  }
}
