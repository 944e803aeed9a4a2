/** @file Tokens drawn by their probability. */
import { uniform } from "../../../random.js";
import { mostProbable } from "./greedy.js";
import { comparable, followOne, type SearchProblem, type Sequence } from "./problem.js";

export interface Sampling {
  /** Scores are divided by it: below 1 the probable becomes more probable, above 1 less. */
  readonly temperature: number;
  /** Only the so many most probable tokens; null: all. */
  readonly topK: number | null;
  /**
   * Only the most probable tokens that together have at least this probability, after the temperature
   * and top-k (nucleus sampling, Holtzman et al. 2020); null: all.
   */
  readonly topP: number | null;
}

/** Tokens that may be drawn, the most probable first, and what they weigh (not normalised). */
export interface Candidates {
  readonly tokens: readonly number[];
  readonly weights: readonly number[];
}

/** Equally probable tokens are in the order of their ids, so that cuts between them are always the same. */
export function candidatesOf(
  scores: ArrayLike<number>,
  never: ReadonlySet<number>,
  { temperature, topK, topP }: Sampling,
): Candidates {
  const allowed = Array.from(scores, (_, token) => token).filter(
    (token) => !never.has(token) && comparable(scores[token]) > -Infinity,
  );
  if (topK !== null || topP !== null) {
    allowed.sort((a, b) => comparable(scores[b]) - comparable(scores[a]) || a - b);
  }
  const tokens = allowed.slice(0, topK ?? allowed.length);
  // In units of the greatest, so that no temperature, however low, makes all of them 0.
  const top = tokens.reduce((most, token) => Math.max(most, comparable(scores[token])), -Infinity);
  const weights = tokens.map((token) => Math.exp((comparable(scores[token]) - top) / temperature));
  if (topP === null) return { tokens, weights };
  const wanted = topP * weights.reduce((sum, weight) => sum + weight, 0);
  let kept = 0;
  for (let sum = 0; kept < tokens.length && sum < wanted; kept++) sum += weights[kept] ?? 0;
  const count = Math.max(1, kept);
  return { tokens: tokens.slice(0, count), weights: weights.slice(0, count) };
}

/** The candidate in whose part of the line from 0 to 1 the point lies. */
export function draw({ tokens, weights }: Candidates, point: number): number | undefined {
  let rest = point * weights.reduce((sum, weight) => sum + weight, 0);
  const index = weights.findIndex((weight) => {
    rest -= weight;
    return rest < 0;
  });
  // Sums of floating-point numbers may leave a little beyond the last.
  return tokens[index === -1 ? tokens.length - 1 : index];
}

/** `keys`: of each example, for its random numbers: equal keys draw equally. */
export const sample = (
  problem: SearchProblem,
  sampling: Sampling,
  keys: readonly number[],
): Promise<Sequence[]> =>
  followOne(problem, (scores, example, position) => {
    const candidates = candidatesOf(scores, problem.never, sampling);
    const token = draw(candidates, uniform(position, keys[example] ?? 0));
    return token ?? mostProbable(scores, problem.never);
  });
