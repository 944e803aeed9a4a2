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
import { generation } from "./generation.js";
import type { LoweredModel } from "./lowered-model.js";
import { type Objective, objective } from "./objective.js";
import { withPenalties } from "./penalties.js";
import { lowerPhases, phaseOutputs } from "./phases.js";
import { summarise } from "./summary.js";
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
  const generate = spec.generate
    ? generation(spec, spec.generate, facts, still, diagnostics)
    : null;
  if (failed()) return null;
  const common = {
    state: still.state,
    heads: goal.heads.map(({ spec: head }) => head),
    infer: graph("infer", headOutputs(goal)),
    layers: summarise(spec.layers, still),
    ...(generate === null ? {} : { generate }),
  };
  if (spec.train === null || goal.loss === null) {
    return { ...common, evaluate: null, training: null, weights: [], builder: null };
  }

  const { walked: moving, goal: trained } = pass(true);
  if (failed() || trained.loss === null) return null;
  warnOfSingleValues(spec.layers, moving, spec.train, diagnostics);
  const weights = moving.weights.map(({ name, value, decay }) => ({ name, value, decay }));
  if (spec.train.phases !== undefined) {
    const phases = lowerPhases(moving, trained, spec.train, diagnostics);
    if (failed()) return null;
    const lossesOf = [output("loss", goal.loss), ...phaseOutputs(goal)];
    const evaluate = graph("evaluate", [...lossesOf, ...headOutputs(goal)]);
    return { ...common, evaluate, training: null, phases, weights, builder: moving.b };
  }
  const loss = withPenalties(moving.b, trained.loss, moving.weights, spec.train);
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

const headOutputs = ({ heads }: Objective): GraphOutput[] =>
  heads.map(({ spec, value }) => ({ name: spec.name, role: "output", value }));

/** `loss`, and each of several losses by name, before its weight. */
function lossOutputs({ losses }: Objective, total: Value): GraphOutput[] {
  const parts = losses.length > 1 ? losses : [];
  return [
    { name: "loss", role: "output", value: total },
    ...parts.map(({ name, value }) => ({
      name: `loss.${name}`,
      role: "output" as const,
      value,
    })),
  ];
}
