/** @file The scalars of a call, cut to those that its program asks for, and the keys of randomness. */
import type { Program, Scalars } from "../program.js";
import { derive, keyOf } from "../random.js";

export function scalarsOf(program: Program, all: Scalars): Partial<Scalars> {
  return Object.fromEntries(
    (Object.keys(all) as (keyof Scalars)[])
      .filter((name) => program.scalars[name] !== undefined)
      .map((name) => [name, all[name]]),
  );
}

/** Separate evaluation and prediction from training and from each other. */
const purposes = { evaluate: keyOf("evaluate"), predict: keyOf("predict") };

/**
 * Scalars outside training: models that draw random numbers there, too, draw the same ones for the
 * same seed and batch.
 */
export function stillScalars(
  program: Program,
  purpose: keyof typeof purposes,
  seed: number,
  batch: number,
): Partial<Scalars> {
  const random_key = derive(derive(seed, purposes[purpose]), batch);
  return scalarsOf(program, { learning_rate: 0, step: 0, random_key });
}
