/**
 * @file Lowers a resolved spec to graphs: the layers are walked once as they run in inference and
 * evaluation and once as they run in training.
 */
import type { FittedFacts } from "@dlc/runtime";
import type { ResolvedSpec } from "../1-load/resolved-spec.js";
import type { Diagnostics } from "../diagnostics/report.js";
import { createBuilder } from "../ir/builder.js";
import type { Graph, GraphOutput, Value } from "../ir/types.js";
import { warnOfSingleValues } from "./batch-of-one.js";
import { checkPredictable, knowable, soleDecoder } from "./decoders.js";
import { generation } from "./generation.js";
import type { LoweredModel } from "./lowered-model.js";
import { type Objective, objective, partsOf } from "./objective.js";
import { withPenalties } from "./penalties.js";
import { lowerPhases, phaseOutputs } from "./phases.js";
import { sequenceGeneration } from "./sequence-generation.js";
import { summarise } from "./summary.js";
import { checkTuning, movable, weightInfo } from "./tuning.js";
import { type Walk, walk } from "./walk.js";

/**
 * The graphs, state and heads of a spec. All mistakes are reported, one diagnostic each: a layer that
 * reads from a rejected one stays silent. Null if there was any. `facts` must hold what `data` asks
 * for (classes, scales, class counts).
 */
export function lowerModel(
  spec: ResolvedSpec,
  facts: FittedFacts,
  diagnostics: Diagnostics,
): LoweredModel | null {
  const before = diagnostics.all.length;
  const failed = (): boolean =>
    diagnostics.all.slice(before).some(({ severity }) => severity === "error");
  const pass = (training: boolean): { walked: Walk; goal: Objective } => {
    const walked = walk({ b: createBuilder(), training, spec, facts, diagnostics });
    return { walked, goal: objective({ spec, facts, walk: walked, diagnostics }) };
  };

  const { walked: still, goal } = pass(false);
  if (failed()) return null;
  const heads = goal.heads.map(({ spec: head }) => head);
  const use = spec.generate ?? soleDecoder(spec);
  checkPredictable(use, goal.heads, spec, diagnostics);
  const generate =
    use?.kind === "sequence"
      ? sequenceGeneration(use, { spec, facts, still, heads, diagnostics })
      : use && generation(spec, use, facts, still, diagnostics);
  if (failed()) return null;
  const common = {
    state: still.state,
    tokenWeights: still.tokenWeights,
    heads,
    infer: graph("infer", headOutputs({ heads: knowable(goal.heads, spec) })),
    layers: summarise(spec.layers, still),
    ...(generate === null ? {} : { generate }),
  };
  if (spec.train === null || goal.loss === null) {
    return { ...common, evaluate: null, training: null, weights: [], builder: null };
  }

  const { walked: moving, goal: trained } = pass(true);
  if (failed() || trained.loss === null) return null;
  checkTuning(moving.weights, trained, spec.train, diagnostics);
  if (failed()) return null;
  warnOfSingleValues(spec.layers, moving, spec.train, diagnostics);
  const learning = movable(moving.weights, spec.train);
  const weights = learning.map((weight) => weightInfo(weight, spec.train));
  if (spec.train.phases !== undefined) {
    const phases = lowerPhases(moving, trained, spec.train, diagnostics);
    if (failed()) return null;
    const lossesOf = [output("loss", goal.loss), ...phaseOutputs(goal)];
    const evaluate = graph("evaluate", [...lossesOf, ...headOutputs(goal)]);
    return { ...common, evaluate, training: null, phases, weights, builder: moving.b };
  }
  const loss = withPenalties(moving.b, trained.loss, learning, spec.train);
  const updates = moving.updates.map(({ name, value }) => ({
    name,
    role: "state" as const,
    value,
  }));
  return {
    ...common,
    evaluate: graph("evaluate", [...lossOutputs(goal, goal.loss), ...headOutputs(goal)]),
    training: graph("train", [...lossOutputs(trained, loss), ...headOutputs(trained), ...updates]),
    weights,
    builder: moving.b,
  };
}

const output = (name: string, value: Value): GraphOutput => ({ name, role: "output", value });

const graph = (name: string, outputs: readonly GraphOutput[]): Graph => ({ name, outputs });

const headOutputs = ({ heads }: Pick<Objective, "heads">): GraphOutput[] =>
  heads.map(({ spec, value }) => ({ name: spec.name, role: "output", value }));

/** `loss`, and each of several losses by name, before its weight. */
const lossOutputs = ({ losses }: Objective, total: Value): GraphOutput[] => [
  { name: "loss", role: "output", value: total },
  ...partsOf(losses),
];
