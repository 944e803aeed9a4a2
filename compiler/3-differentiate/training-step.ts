/**
 * @file From a lowered model to the programs that train it: gradients, clipping, the optimiser's
 * updates, moving averages of weights and accumulated gradients.
 *
 * One program (`train`) does a whole step. With `accumulate: k` there are two: `train` adds a batch's
 * gradients to `<weight>:gradient` and moves running statistics; `apply`, called after k batches and
 * without any, divides the sums by k, updates the weights and clears the sums.
 *
 * With `precision: mixed_float16` the loss is scaled, and a step whose gradients overflow is skipped: see
 * loss-scaling.ts. With `accumulate`, `train` adds unscaled gradients, and `apply` judges their sums: the
 * scale stays the same from one update to the next.
 *
 * With `ema: d` every update also moves `<weight>:average` ← d·average + (1 − d)·weight, and
 * `infer` and `evaluate` come back reading the averages in place of the weights (`useAverages`).
 */
import type { InitSpec, StateSpec } from "@dlc/runtime";
import type { TrainUse } from "../1-load/resolved-spec.js";
import type { LoweredModel, WeightInfo } from "../2-lower/lowered-model.js";
import { bug } from "../diagnostics/diagnostic.js";
import type { Diagnostics } from "../diagnostics/report.js";
import { createBuilder, type GraphBuilder } from "../ir/builder.js";
import type { Origin, Span } from "../ir/origin.js";
import { concreteShape } from "../ir/shape.js";
import { type Graph, type GraphOutput, shapeOf, type Value } from "../ir/types.js";
import { scalar } from "../layers/shared.js";
import { backward, MissingGradient } from "./backward.js";
import { clip } from "./clip.js";
import { createLossScaling, type LossScaling } from "./loss-scaling.js";
import { reportMissingGradient } from "./missing-gradient.js";
import { optimizerStep } from "./optimizer-step.js";
import { reportUntrained } from "./untrained.js";
import { averageName, useAverages } from "./use-averages.js";

export interface TrainingPrograms {
  /** The model's state and what training adds: slots, averages, accumulators. */
  readonly state: Readonly<Record<string, StateSpec>>;
  readonly train: Graph;
  /** Only with `accumulate` above 1. */
  readonly apply?: Graph;
  /** The lowered programs, reading averages where there are any. */
  readonly infer: Graph;
  readonly evaluate: Graph;
}

/** A weight that the loss depends on. */
interface Trained {
  readonly weight: WeightInfo;
  readonly gradient: Value;
}

/**
 * What stands before the names of a weight's slots: phases that update the same weight each have
 * memory of their own, `<weight>:<phase>.m`.
 */
export type SlotPrefix = (weight: string) => string;

/** Null if there is nothing to train or a gradient is missing, which is reported. */
export function trainingPrograms(
  lowered: LoweredModel,
  train: TrainUse,
  diagnostics: Diagnostics,
  prefix: SlotPrefix = () => "",
  phase: string | null = null,
): TrainingPrograms | null {
  const { training, evaluate, builder } = lowered;
  if (training === null || evaluate === null || builder === null) {
    return bug("the model was lowered without training");
  }
  const state: Record<string, StateSpec> = { ...lowered.state };
  const scaling = train.precision ? createLossScaling(train.precision, phase, state) : null;
  const trained = differentiate(lowered, training, builder, { train, scaling }, diagnostics);
  if (trained === null) return null;

  const declare = (
    b: GraphBuilder,
    name: string,
    of: string,
    role: Role,
    init: InitSpec,
  ): Value => {
    const { shape, layer } = lowered.state[of] ?? bug(`no state '${of}'`);
    state[name] ??= { dtype: "f32", shape, role, init, layer };
    return b.state(name, "f32", shape);
  };

  const how: Updating = { train, declare, prefix, scaling };
  const programs =
    train.settings.accumulate > 1
      ? accumulating(builder, training, trained, how)
      : { train: wholeStep(builder, training, trained, how) };
  return {
    state,
    ...programs,
    infer: useAverages(lowered.infer, state),
    evaluate: useAverages(evaluate, state),
  };
}

/** How weights follow their gradients. */
interface Updating {
  readonly train: TrainUse;
  readonly declare: Declare;
  readonly prefix: SlotPrefix;
  readonly scaling: LossScaling | null;
}

type Role = Exclude<StateSpec["role"], "weight" | "buffer">;
type Declare = (b: GraphBuilder, name: string, of: string, role: Role, init: InitSpec) => Value;

/** Gradients of the loss towards all weights it depends on. */
function differentiate(
  lowered: LoweredModel,
  training: Graph,
  b: GraphBuilder,
  { train, scaling }: Pick<Updating, "train" | "scaling">,
  diagnostics: Diagnostics,
): readonly Trained[] | null {
  const { weights } = lowered;
  const loss = training.outputs.find(({ name }) => name === "loss")?.value ?? bug("no loss");
  let gradients: readonly (Value | null)[];
  try {
    gradients = backward(
      b,
      loss,
      weights.map(({ value }) => value),
      scaling?.seed(b),
    );
  } catch (error) {
    if (!(error instanceof MissingGradient)) throw error;
    reportMissingGradient(error, diagnostics);
    return null;
  }
  const trained = weights.flatMap((weight, i) => {
    const gradient = gradients[i] ?? null;
    return gradient === null ? [] : [{ weight, gradient }];
  });
  if (trained.length === 0) {
    diagnostics.report("nothing-to-train", train.span, {});
    return null;
  }
  const untrained = weights.filter((_, i) => (gradients[i] ?? null) === null);
  reportUntrained(lowered, training, untrained, diagnostics);
  if (scaling === null) return trained;
  const unscaled = scaling.unscale(b, gradientsOf(trained));
  return trained.map(({ weight }, i) => {
    return { weight, gradient: unscaled[i] ?? bug("one gradient per weight") };
  });
}

const originOf = (section: string, span: Span | null): Origin => ({
  layer: `train.${section}`,
  type: section,
  span,
  phase: "update",
});

const stateOutput = (name: string, value: Value): GraphOutput => ({ name, role: "state", value });

const gradientsOf = (trained: readonly Trained[]): readonly Value[] =>
  trained.map(({ gradient }) => gradient);

/** One program that does everything. */
function wholeStep(
  b: GraphBuilder,
  training: Graph,
  trained: readonly Trained[],
  how: Updating,
): Graph {
  const all = [...training.outputs, ...updates(b, trained, how)];
  const outputs = how.scaling?.guard(b, gradientsOf(trained), all) ?? all;
  return { name: "train", outputs };
}

/** Clips, updates every weight and its slots, and moves the averages. */
function updates(
  b: GraphBuilder,
  trained: readonly Trained[],
  { train, declare, prefix, scaling }: Updating,
): readonly GraphOutput[] {
  b.origin = originOf("clip", train.span);
  const clipped = clip(b, gradientsOf(trained), train);
  const { optimizer, ema } = train;
  const outputs: GraphOutput[] = [];
  b.origin = originOf("optimizer", optimizer.span);
  const learningRate = b.input("learning_rate", "scalar", "f32", []);
  /** The learning rate of weights with this factor. */
  const rated = (rate: number): Value =>
    rate === 1 ? learningRate : b.mul(learningRate, scalar(b, rate));
  const next = trained.map(({ weight }, i) => {
    const slotName = (name: string): string => `${weight.name}:${prefix(weight.name)}${name}`;
    const kept: GraphOutput[] = [];
    const value = optimizerStep({
      b,
      weight: weight.value,
      gradient: clipped[i] ?? bug("one gradient per weight"),
      learningRate: rated(weight.rate ?? 1),
      step: () => scaling?.step(b) ?? b.input("step", "scalar", "f32", []),
      decay: weight.decay,
      optimizer,
      slot: (name, init) => declare(b, slotName(name), weight.name, "slot", init),
      keep: (name, slot) => kept.push(stateOutput(slotName(name), slot)),
    });
    outputs.push(stateOutput(weight.name, value), ...kept);
    return value;
  });
  if (ema === null) return outputs;
  b.origin = originOf("ema", train.span);
  trained.forEach(({ weight }, i) => {
    const name = averageName(weight.name);
    const average = declare(b, name, weight.name, "average", { kind: "copy", of: weight.name });
    const updated = next[i] ?? bug("one update per weight");
    const moved = b.add(b.mul(average, scalar(b, ema)), b.mul(updated, scalar(b, 1 - ema)));
    outputs.push(stateOutput(name, moved));
  });
  return outputs;
}

/** Two programs: one gathers gradients, the other applies their mean. */
function accumulating(
  b: GraphBuilder,
  training: Graph,
  trained: readonly Trained[],
  how: Updating,
): { readonly train: Graph; readonly apply: Graph } {
  const { train, declare, scaling } = how;
  const { accumulate } = train.settings;
  const sumName = (weight: WeightInfo): string => `${weight.name}:gradient`;
  const sumOf = (builder: GraphBuilder, weight: WeightInfo): Value =>
    declare(builder, sumName(weight), weight.name, "accumulator", { kind: "zeros" });

  b.origin = originOf("accumulate", train.span);
  const gathered = trained.map(({ weight, gradient }) =>
    stateOutput(sumName(weight), b.add(sumOf(b, weight), gradient)),
  );

  const a = createBuilder();
  a.origin = originOf("accumulate", train.span);
  const means = trained.map(({ weight }) => {
    const shape = concreteShape(shapeOf(weight.value), 1);
    const gradient = a.mul(sumOf(a, weight), scalar(a, 1 / accumulate));
    return { weight: { ...weight, value: a.state(weight.name, "f32", shape) }, gradient };
  });
  const moved = updates(a, means, how);
  const applied = scaling?.guard(a, gradientsOf(means), moved) ?? moved;
  a.origin = originOf("accumulate", train.span);
  const cleared = trained.map(({ weight }) =>
    stateOutput(
      sumName(weight),
      a.constant({ dtype: "f32", shape: shapeOf(weight.value), value: 0 }),
    ),
  );
  return {
    train: { name: "train", outputs: [...training.outputs, ...gathered] },
    apply: { name: "apply", outputs: [...applied, ...cleared] },
  };
}
