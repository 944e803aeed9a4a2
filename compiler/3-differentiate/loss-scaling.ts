/**
 * @file Dynamic loss scaling (Micikevicius et al. 2018, section 3.2; as PyTorch's GradScaler and Keras's
 * LossScaleOptimizer do it). Gradients below 6·10⁻⁸ are zero in float16: the loss is multiplied by a scale
 * before it is differentiated, and the gradients are divided by it, in f32, before anything else is done
 * with them. Where one is not finite then, the step is skipped (weights, the optimiser's memory, averages
 * and running statistics stay) and the scale halves; after so many steps without that it doubles.
 *
 * A skipped step does not count for Adam's bias correction, which has a count of its own; schedules of the
 * learning rate go on with every step. All three numbers are state, so that a run continues exactly.
 */
import type { StateSpec } from "@dlc/runtime";
import type { PrecisionUse } from "../1-load/resolved-spec.js";
import { largestLossScale } from "../1-load/schema/train.js";
import { bug } from "../diagnostics/diagnostic.js";
import type { GraphBuilder } from "../ir/builder.js";
import type { Origin } from "../ir/origin.js";
import { type GraphOutput, shapeOf, type Value } from "../ir/types.js";
import { scalar } from "../layers/shared.js";

/** The largest f32: infinity and NaN are not at most as large. */
const largestFloat = (2 - 2 ** -23) * 2 ** 127;

export interface LossScaling {
  /** The scale: the gradient of the loss that differentiation starts with. */
  seed(b: GraphBuilder): Value;
  /** Gradients of the scaled loss as gradients of the loss itself. */
  unscale(b: GraphBuilder, gradients: readonly Value[]): readonly Value[];
  /** The number of this update, from 1, without those that were skipped. */
  step(b: GraphBuilder): Value;
  /**
   * The results of an update that keep the state as it is unless all gradients are finite, the next scale,
   * and what is told of it: `precision.scale` (that of this step) and `precision.skipped` (0 or 1).
   */
  guard(
    b: GraphBuilder,
    gradients: readonly Value[],
    outputs: readonly GraphOutput[],
  ): readonly GraphOutput[];
}

/** Declares its state in `state`; each phase has a scale of its own. */
export function createLossScaling(
  { scaling, span }: PrecisionUse,
  phase: string | null,
  state: Record<string, StateSpec>,
): LossScaling | null {
  if (scaling === null) return null;
  const { scale: firstScale, growthSteps } = scaling;
  const layer = "train.precision";
  const origin: Origin = { layer, type: "precision", span, phase: "update" };

  const nameOf = (what: string): string => `train:${phase === null ? "" : `${phase}.`}${what}`;
  const declare = (b: GraphBuilder, what: string, value: number): Value => {
    const init = { kind: "constant", value } as const;
    state[nameOf(what)] ??= { dtype: "f32", shape: [], role: "slot", init, layer };
    return b.state(nameOf(what), "f32", []);
  };
  const scaleIn = (b: GraphBuilder): Value => declare(b, "loss_scale", firstScale);
  const updatesIn = (b: GraphBuilder): Value => declare(b, "updates", 0);

  function at<T>(b: GraphBuilder, build: () => T): T {
    const before = b.origin;
    b.origin = origin;
    const result = build();
    b.origin = before;
    return result;
  }

  /** Are all elements of all gradients finite? Squares do not cancel out. */
  function allFinite(b: GraphBuilder, gradients: readonly Value[]): Value {
    const sums = gradients.map((g) =>
      b.sum(b.square(g), { axes: shapeOf(g).map((_, axis) => axis), keepDims: false }),
    );
    const total = sums.reduce((sum, square) => b.add(sum, square));
    return b.lessEqual(total, scalar(b, largestFloat));
  }

  function guarded(b: GraphBuilder, finite: Value, output: GraphOutput): GraphOutput {
    if (output.role !== "state") return output;
    const { dtype, shape } = state[output.name] ?? bug(`no state '${output.name}'`);
    const old = b.state(output.name, dtype, shape);
    return { ...output, value: b.select(finite, output.value, old) };
  }

  /** The next scale and count of steps since it last changed. */
  function nextScale(b: GraphBuilder, finite: Value, scale: Value): readonly GraphOutput[] {
    const quiet = b.add(declare(b, "quiet_steps", 0), scalar(b, 1));
    const isTime = b.greaterEqual(quiet, scalar(b, growthSteps));
    const grown = b.minimum(b.mul(scale, scalar(b, 2)), scalar(b, largestLossScale));
    const shrunk = b.maximum(b.mul(scale, scalar(b, 0.5)), scalar(b, 1));
    const kept = b.select(isTime, scalar(b, 0), quiet);
    const next = b.select(finite, b.select(isTime, grown, scale), shrunk);
    return [
      { name: nameOf("loss_scale"), role: "state", value: next },
      {
        name: nameOf("quiet_steps"),
        role: "state",
        value: b.select(finite, kept, scalar(b, 0)),
      },
    ];
  }

  return {
    seed: (b) => at(b, () => scaleIn(b)),
    unscale: (b, gradients) =>
      at(b, () => {
        const inverse = b.reciprocal(scaleIn(b));
        return gradients.map((gradient) => b.mul(gradient, inverse));
      }),
    step: (b) => at(b, () => b.add(updatesIn(b), scalar(b, 1))),
    guard: (b, gradients, outputs) =>
      at(b, () => {
        const scale = scaleIn(b);
        const finite = allFinite(b, gradients);
        const counted = b.add(updatesIn(b), b.cast(finite, { dtype: "f32" }));
        const skipped = b.cast(b.logicalNot(finite), { dtype: "f32" });
        return [
          ...outputs.map((output) => guarded(b, finite, output)),
          ...nextScale(b, finite, scale),
          { name: nameOf("updates"), role: "state", value: counted },
          { name: "precision.scale", role: "output", value: scale },
          { name: "precision.skipped", role: "output", value: skipped },
        ];
      }),
  };
}
