/** @file The most probable token, step by step. */
import { comparable, followOne, type SearchProblem, type Sequence } from "./problem.js";

/** The first of the tokens with the highest score that may be chosen. */
export function mostProbable(scores: ArrayLike<number>, never: ReadonlySet<number>): number {
  let best = -1;
  for (let token = 0; token < scores.length; token++) {
    if (never.has(token)) continue;
    if (best === -1 || comparable(scores[token]) > comparable(scores[best])) best = token;
  }
  return best;
}

/** Of equally probable tokens the one with the smallest id is taken. */
export const greedy = (problem: SearchProblem): Promise<Sequence[]> =>
  followOne(problem, (scores) => mostProbable(scores, problem.never));
