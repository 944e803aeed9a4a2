/** @file What all searches for sequences share: the problem, and its results. */

/** The beginning of a sequence. */
export interface Prefix {
  /** Index of the example that it belongs to. */
  readonly example: number;
  /** Without the start token. */
  readonly tokens: readonly number[];
}

/** Log-probabilities of the token that follows, one row of all tokens for each prefix. */
export type NextScores = (prefixes: readonly Prefix[]) => Promise<readonly ArrayLike<number>[]>;

export interface SearchProblem {
  readonly next: NextScores;
  /** What each example begins with; one entry per example, each shorter than `maxLength`. */
  readonly prompts: readonly (readonly number[])[];
  /** Tokens that are never chosen. */
  readonly never: ReadonlySet<number>;
  /** The token that ends a sequence; null: every sequence is as long as it may be. */
  readonly end: number | null;
  /** The most tokens of a sequence, its prompt and the end token included. */
  readonly maxLength: number;
}

export interface Sequence {
  /** With the prompt, without the end token. */
  readonly tokens: readonly number[];
  /**
   * Natural logarithm of the probability that the model gives to what follows the prompt, the end token
   * included where there is one.
   */
  readonly score: number;
  /** Did it end by itself? Otherwise it was cut at the greatest length. */
  readonly ended: boolean;
}

/** A score that cannot be compared comes last. */
export const comparable = (score: number | undefined): number =>
  score === undefined || Number.isNaN(score) ? -Infinity : score;

/** How one token is chosen: by its scores, for an example, at a position (0 is the first of the sequence). */
export type Choose = (scores: ArrayLike<number>, example: number, position: number) => number;

/**
 * One sequence per example, token by token. Each step asks for the scores of all that have not ended.
 */
export async function followOne(problem: SearchProblem, choose: Choose): Promise<Sequence[]> {
  const { next, prompts, end, maxLength } = problem;
  const found = prompts.map((prompt) => ({ tokens: [...prompt], score: 0, ended: false }));
  for (;;) {
    const open = found.flatMap((sequence, example) =>
      sequence.ended || sequence.tokens.length >= maxLength ? [] : [{ sequence, example }],
    );
    if (open.length === 0) return found;
    const rows = await next(open.map(({ sequence, example }) => ({ ...sequence, example })));
    open.forEach(({ sequence, example }, i) => {
      const scores = rows[i] ?? [];
      const token = choose(scores, example, sequence.tokens.length);
      sequence.score += scores[token] ?? 0;
      if (token === end) sequence.ended = true;
      else sequence.tokens.push(token);
    });
  }
}
