/** @file Training in mixed precision: whether the engine can, and what a step tells of its loss scale. */
import type { Engine } from "../engine.js";
import { DlcError } from "../errors.js";
import { type MixedPrecision, mixedPrecisions } from "../half.js";
import { skippedOutput } from "../program.js";
import type { HostTensor } from "../tensor.js";

/**
 * What the user should know of a precision on this engine, as warnings.
 * @throws DlcError `precision-unsupported` where the engine does not have it.
 */
export function precisionNotes(
  precision: MixedPrecision | undefined,
  engine: Engine,
): readonly { readonly code: string; readonly message: string }[] {
  if (precision === undefined) return [];
  const title = `${engine.name}:${engine.device}`;
  const support = engine.half[mixedPrecisions[precision]];
  if (support === "native") return [];
  if (support === "emulated") {
    const message = `${title} computes ${precision} with the numbers of that type, but no faster than float32`;
    return [{ code: "precision-emulated", message }];
  }
  const other = (Object.keys(mixedPrecisions) as MixedPrecision[]).filter(
    (name) => engine.half[mixedPrecisions[name]] !== "none",
  );
  const instead = other.length === 0 ? "" : ` or ${other.join(" or ")}, which it has`;
  throw new DlcError("precision-unsupported", `${title} does not compute ${precision}`, {
    place: "train.precision",
    help: `Use --engine onnx --device cpu, which computes the same numbers (slowly), or another GPU engine (\`dlc doctor\` tells which are there); or set train.precision to float32${instead}.`,
    reason: "environment",
  });
}

/** Of some updates with dynamic loss scaling. */
export interface ScaledSteps {
  /** How many there were, and how many of them were skipped. */
  readonly steps: number;
  readonly skipped: number;
  /** The scale of the last of them; of several phases, the smallest. */
  readonly scale: number;
}

/** What an update tells of itself; null without loss scaling. */
export function scaledStep(outputs: Readonly<Record<string, HostTensor>>): ScaledSteps | null {
  const scale = outputs["precision.scale"]?.data[0];
  const skipped = outputs[skippedOutput]?.data[0];
  return scale === undefined || skipped === undefined ? null : { steps: 1, skipped, scale };
}

/** Updates of one batch together, or (`later`) of batches one after the other. */
export function addSteps(
  a: ScaledSteps | null,
  b: ScaledSteps | null,
  order: "together" | "later",
): ScaledSteps | null {
  if (a === null || b === null) return b ?? a;
  return {
    steps: a.steps + b.steps,
    skipped: a.skipped + b.skipped,
    scale: order === "later" ? b.scale : Math.min(a.scale, b.scale),
  };
}

/** A few skipped steps are how the scale finds its place: more of an epoch than that, and more than this share. */
const fewSkipped = 10;
const normalShare = 0.1;

/** A warning for an epoch of which many steps were skipped; null where there is no need. */
export function skippedWarning(
  { steps, skipped, scale }: ScaledSteps,
  epoch: number,
): string | null {
  if (skipped <= fewSkipped || skipped <= normalShare * steps) return null;
  return `${skipped} of ${steps} steps of epoch ${epoch} were skipped, because gradients went beyond the range of float16 (the loss scale is ${scale}); a lower train.learning_rate, scaled features or train.precision: mixed_bfloat16 may help`;
}
