/** @file The training graphs of phases: what each makes small, and the weights it may move. */
import type { LossUse, PhaseUse, TrainUse } from "../1-load/resolved-spec.js";
import { flowsTo } from "../3-differentiate/backward.js";
import type { Diagnostics } from "../diagnostics/report.js";
import type { Graph, Value } from "../ir/types.js";
import type { WeightInfo } from "./lowered-model.js";
import { type Objective, type PhaseObjective, partsOf } from "./objective.js";
import { withPenalties } from "./penalties.js";
import { movable, weightInfo } from "./tuning.js";
import type { Walk, WalkedWeight } from "./walk.js";

export interface LoweredPhase {
  readonly use: PhaseUse;
  /** `loss`, `loss.<phase>.<name>` of several losses, heads it judges, moved running statistics. */
  readonly training: Graph;
  /** Of the networks that it updates, without what is frozen. */
  readonly weights: readonly WeightInfo[];
}

/**
 * One graph per phase, over the same walk: each holds what its loss reaches, no more. Running
 * statistics move in the phases that update their network, though every phase normalises by the
 * batch: a network that a phase does not update is the same after it.
 */
export function lowerPhases(
  walked: Walk,
  goal: Objective,
  train: TrainUse,
  diagnostics: Diagnostics,
): readonly LoweredPhase[] {
  reportIdle(walked, goal, train, diagnostics);
  return goal.phases.map((phase): LoweredPhase => {
    const { use } = phase;
    const isMoved = ({ owner }: { readonly owner: string }): boolean => use.update.includes(owner);
    const weights = movable(walked.weights.filter(isMoved), train);
    reportBlind(phase, weights, diagnostics);
    const loss = withPenalties(walked.b, phase.loss, weights, train);
    return {
      use,
      weights: weights.map((weight) => weightInfo(weight, train)),
      training: {
        name: use.name,
        outputs: [
          { name: "loss", role: "output", value: loss },
          ...partsOf(phase.losses),
          ...goal.heads
            .filter(({ spec }) => phase.heads.has(spec.name))
            .map(({ spec, value }) => output(spec.name, value)),
          ...walked.updates
            .filter(isMoved)
            .map(({ name, value }) => ({ name, role: "state" as const, value })),
        ],
      },
    };
  });
}

const output = (name: string, value: Value) => ({ name, role: "output" as const, value });

/** `loss.<phase>` of every phase, and its losses by name. */
export const phaseOutputs = ({ phases }: Objective) =>
  phases.flatMap((phase) => [
    output(`loss.${phase.use.name}`, phase.loss),
    ...partsOf(phase.losses),
  ]);

/** Parts with weights that no phase updates. */
function reportIdle(
  walked: Walk,
  { phases }: Objective,
  train: TrainUse,
  diagnostics: Diagnostics,
): void {
  const updated = new Set(phases.flatMap(({ use }) => use.update));
  const idle = new Map<string, WalkedWeight>();
  for (const weight of movable(walked.weights, train)) {
    if (!updated.has(weight.owner) && !idle.has(weight.owner)) idle.set(weight.owner, weight);
  }
  for (const [name, { layer }] of idle) {
    const span = layer.shared?.use ?? layer.fieldSpans.as ?? layer.fieldSpans.type ?? layer.span;
    diagnostics.report("never-updated", span, { name });
  }
}

/** Phases without anything to move, and losses that do not feel what their phase moves. */
function reportBlind(
  { use, losses }: PhaseObjective,
  weights: readonly WalkedWeight[],
  diagnostics: Diagnostics,
): void {
  if (weights.length === 0) {
    diagnostics.report("phase-updates-nothing", use.span, {
      phase: use.name,
      names: use.update.map((name) => `'${name}'`).join(" and "),
      have: use.update.length === 1 ? "has" : "have",
    });
    return;
  }
  const moved = weights.map(({ value }) => value);
  for (const { name, value } of losses) {
    if (flowsTo(value, moved)) continue;
    const loss = use.losses.find((candidate: LossUse) => candidate.name === name);
    diagnostics.report("loss-without-gradient", loss?.span ?? use.span, {
      loss: loss?.kind ?? name,
      names: use.update.map((n) => `'${n}'`).join(" and "),
    });
  }
}
