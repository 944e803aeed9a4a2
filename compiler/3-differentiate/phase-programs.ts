/** @file The programs of a model that is trained in phases: one for each. */
import type { StateSpec } from "@dlc/runtime";
import type { PhaseUse, TrainUse } from "../1-load/resolved-spec.js";
import type { LoweredModel } from "../2-lower/lowered-model.js";
import type { LoweredPhase } from "../2-lower/phases.js";
import { bug } from "../diagnostics/diagnostic.js";
import type { Diagnostics } from "../diagnostics/report.js";
import type { Graph } from "../ir/types.js";
import { type TrainingPrograms, trainingPrograms } from "./training-step.js";
import { useAverages } from "./use-averages.js";

export interface PhaseProgram {
  readonly use: PhaseUse;
  /** A step of this phase: it moves the weights that the phase updates. */
  readonly train: Graph;
}

export interface PhasePrograms extends Omit<TrainingPrograms, "train" | "apply"> {
  readonly phases: readonly PhaseProgram[];
}

/**
 * `prepare` is what runs before differentiation. The weights of other networks are constants to a
 * phase: gradients are asked for towards its own only, and no node is made that leads elsewhere.
 */
export function phasePrograms(
  lowered: LoweredModel,
  train: TrainUse,
  prepare: (lowered: LoweredModel) => LoweredModel,
  diagnostics: Diagnostics,
): PhasePrograms | null {
  const { phases = [], evaluate } = lowered;
  let state: Record<string, StateSpec> = { ...lowered.state };
  const programs: PhaseProgram[] = [];
  for (const phase of phases) {
    const { use, training, weights } = phase;
    const others = phases.filter((other) => other !== phase);
    const made = trainingPrograms(
      prepare({ ...lowered, training, weights }),
      { ...train, optimizer: use.optimizer },
      diagnostics,
      (weight) => (isMoved(weight, others) ? `${use.name}.` : ""),
      use.name,
    );
    if (made === null) return null;
    state = { ...state, ...made.state };
    programs.push({ use, train: { ...made.train, name: use.name } });
  }
  return {
    state,
    phases: programs,
    infer: useAverages(lowered.infer, state),
    evaluate: useAverages(evaluate ?? bug("the model was lowered without training"), state),
  };
}

const isMoved = (weight: string, phases: readonly LoweredPhase[]): boolean =>
  phases.some(({ weights }) => weights.some(({ name }) => name === weight));
