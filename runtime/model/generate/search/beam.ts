/**
 * @file Beam search: of all continuations of the best beginnings, the best go on. What ends among them
 * is kept apart, so that every example searches with as many beginnings as it can use.
 */
import { comparable, type SearchProblem, type Sequence } from "./problem.js";

export interface BeamSettings {
  /** How many continuations are followed per step. */
  readonly beams: number;
  /**
   * α of Wu et al. 2016, equation 14: sequences are ranked by score / ((5 + length) / 6)^α, so that with
   * α > 0 longer ones are preferred. 0: by their probability.
   */
  readonly lengthPenalty: number;
}

interface Live {
  readonly tokens: readonly number[];
  readonly score: number;
}

/** A live sequence and the token that follows. */
interface Continuation {
  readonly of: Live;
  readonly token: number;
  readonly score: number;
}

/** `length` counts the tokens after the prompt, the end token included. */
export const ranked = (score: number, length: number, penalty: number): number =>
  score / ((5 + length) / 6) ** penalty;

/**
 * The best first. Among equal scores, the continuation of the better sequence comes first, then the
 * smaller token: the order in which they are looked at.
 */
function bestContinuations(
  live: readonly Live[],
  rows: readonly ArrayLike<number>[],
  never: ReadonlySet<number>,
  count: number,
): Continuation[] {
  const best: Continuation[] = [];
  for (const [i, of] of live.entries()) {
    const scores = rows[i] ?? [];
    for (let token = 0; token < scores.length; token++) {
      if (never.has(token)) continue;
      keep(best, { of, token, score: comparable(of.score + (scores[token] ?? 0)) }, count);
    }
  }
  return best;
}

/** Adds to the `count` best if it is one, behind its equals. */
function keep(best: Continuation[], candidate: Continuation, count: number): void {
  const { score } = candidate;
  if (best.length === count && score <= (best[count - 1]?.score ?? 0)) return;
  let at = best.length;
  while (at > 0 && score > (best[at - 1]?.score ?? 0)) at--;
  best.splice(at, 0, candidate);
  if (best.length > count) best.pop();
}

/** The search of one example. */
class Beam {
  live: readonly Live[];
  readonly #prompt: number;
  readonly #finished: { readonly sequence: Sequence; readonly rank: number }[] = [];
  readonly #problem: SearchProblem;
  readonly #settings: BeamSettings;

  constructor(prompt: readonly number[], problem: SearchProblem, settings: BeamSettings) {
    this.#prompt = prompt.length;
    this.#problem = problem;
    this.#settings = settings;
    this.live = [{ tokens: prompt, score: 0 }];
  }

  advance(rows: readonly ArrayLike<number>[]): void {
    const { never, end, maxLength } = this.#problem;
    const chosen = bestContinuations(this.live, rows, never, this.#settings.beams);
    const live: Live[] = [];
    for (const { of, token, score } of chosen) {
      const tokens = token === end ? of.tokens : [...of.tokens, token];
      const length = of.tokens.length + 1;
      if (token === end || length >= maxLength) {
        const rank = ranked(score, length - this.#prompt, this.#settings.lengthPenalty);
        this.#finished.push({ sequence: { tokens, score, ended: token === end }, rank });
      } else live.push({ tokens, score });
    }
    // Stable: of equals, the one that was found first.
    this.#finished.sort((a, b) => b.rank - a.rank);
    this.#finished.splice(this.#settings.beams);
    this.live = this.#isSettled(live) ? [] : live;
  }

  /** Can nothing that is still going on come before the last of the finished? Scores only fall. */
  #isSettled([best]: readonly Live[]): boolean {
    const { beams, lengthPenalty } = this.#settings;
    const last = this.#finished[beams - 1];
    if (best === undefined || last === undefined) return best === undefined;
    const longest = this.#problem.maxLength - this.#prompt;
    return ranked(best.score, longest, lengthPenalty) <= last.rank;
  }

  get results(): readonly Sequence[] {
    return this.#finished.map(({ sequence }) => sequence);
  }
}

/** For each example at most `beams` different sequences, the best first. */
export async function beamSearch(
  problem: SearchProblem,
  settings: BeamSettings,
): Promise<(readonly Sequence[])[]> {
  const searches = problem.prompts.map((prompt) => new Beam(prompt, problem, settings));
  for (;;) {
    const open = searches.flatMap(({ live }, example) =>
      live.map(({ tokens }) => ({ example, tokens })),
    );
    if (open.length === 0) return searches.map(({ results }) => results);
    const rows = await problem.next(open);
    let from = 0;
    for (const search of searches) {
      const count = search.live.length;
      if (count > 0) search.advance(rows.slice(from, from + count));
      from += count;
    }
  }
}
