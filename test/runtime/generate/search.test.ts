/** @file Searches over small made-up language models, whose best sequences can be found by trying all. */
import { describe, expect, it } from "vitest";
import { beamSearch, ranked } from "../../../runtime/model/generate/search/beam.js";
import { greedy } from "../../../runtime/model/generate/search/greedy.js";
import type {
  NextScores,
  SearchProblem,
  Sequence,
} from "../../../runtime/model/generate/search/problem.js";
import { candidatesOf, draw, sample } from "../../../runtime/model/generate/search/sample.js";
import { derive, uniform } from "../../../runtime/random.js";

const end = 3;
/** As in texts: padding, unknown and start. */
const never = new Set([0, 1, 2]);
const vocabulary = 7;

/** Log-probabilities that depend on the example and on all tokens so far, in no regular way. */
function scoresOf(key: number, example: number, tokens: readonly number[]): number[] {
  const own = tokens.reduce((sum, token) => derive(sum, token), derive(key, example));
  const logits = Array.from({ length: vocabulary }, (_, token) => 4 * uniform(token, own));
  const total = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
  return logits.map((logit) => logit - total);
}

const model =
  (key: number): NextScores =>
  async (prefixes) =>
    prefixes.map(({ example, tokens }) => scoresOf(key, example, tokens));

const problem = (key: number, further: Partial<SearchProblem> = {}): SearchProblem => ({
  ...{ next: model(key), prompts: [[]], never, end, maxLength: 4 },
  ...further,
});

/** All sequences that the first example can become, with their scores. */
function everySequence(key: number, { prompts, maxLength, end: stop }: SearchProblem): Sequence[] {
  const [prompt = []] = prompts;
  const found: Sequence[] = [];
  const visit = (tokens: readonly number[], score: number): void => {
    scoresOf(key, 0, tokens).forEach((own, token) => {
      if (never.has(token) || (token === end && stop === null)) return;
      const ended = token === end;
      const longer = ended ? tokens : [...tokens, token];
      if (ended || longer.length === maxLength) {
        found.push({ tokens: longer, score: score + own, ended });
      } else visit(longer, score + own);
    });
  };
  visit(prompt, 0);
  return found;
}

const keys = Array.from({ length: 20 }, (_, i) => i);
const texts = (list: readonly Sequence[]): string[] => list.map(({ tokens }) => tokens.join());
const roomy = { beams: 400, lengthPenalty: 0 };

describe("greedy search", () => {
  it("takes the best token at every step, until the end or the greatest length", async () => {
    for (const key of keys) {
      const [found] = await greedy(problem(key));
      const tokens: number[] = [];
      let score = 0;
      for (;;) {
        const scores = scoresOf(key, 0, tokens).map((s, i) => (never.has(i) ? -Infinity : s));
        const best = scores.indexOf(Math.max(...scores));
        score += scores[best] as number;
        if (best === end) break;
        tokens.push(best);
        if (tokens.length === 4) break;
      }
      expect(found).toEqual({ tokens, score, ended: tokens.length < 4 });
    }
  });

  it("takes the smallest of equally probable tokens", async () => {
    const next: NextScores = async (all) => all.map(() => [0, 0, 0, -2, -1, -1, -1]);
    const [found] = await greedy(problem(0, { next }));
    expect(found?.tokens).toEqual([4, 4, 4, 4]);
  });

  it("goes on from a prompt, whose probability does not count", async () => {
    const [found] = await greedy(problem(3, { prompts: [[5, 6]], maxLength: 3 }));
    expect(found?.tokens.slice(0, 2)).toEqual([5, 6]);
    const token = found?.tokens[2] ?? end;
    expect(found?.score).toBe(scoresOf(3, 0, [5, 6])[token]);
  });

  it("asks only about sequences that have not ended", async () => {
    const asked: number[] = [];
    const next: NextScores = async (all) => {
      asked.push(all.length);
      return all.map(({ example, tokens }) =>
        tokens.length === example ? [0, 0, 0, -1, -2, -2, -2] : [0, 0, 0, -2, -1, -2, -2],
      );
    };
    const found = await greedy(problem(0, { next, prompts: [[], [], []] }));
    expect(texts(found)).toEqual(["", "4", "4,4"]);
    expect(asked).toEqual([3, 2, 1]);
  });
});

describe("beam search", () => {
  it("with beams for everything finds the best of all sequences, in order", async () => {
    for (const key of keys) {
      for (const lengthPenalty of [0, 0.6, 2]) {
        const of = problem(key);
        const [found = []] = await beamSearch(of, { ...roomy, lengthPenalty });
        const all = everySequence(key, of);
        const rank = ({ tokens, score, ended }: Sequence): number =>
          ranked(score, tokens.length + (ended ? 1 : 0), lengthPenalty);
        const sorted = all.toSorted((a, b) => rank(b) - rank(a));
        expect(found).toHaveLength(all.length);
        expect(texts(found).slice(0, 50)).toEqual(texts(sorted).slice(0, 50));
      }
    }
  });

  it("with beams for everything finds the best where nothing ends, and after a prompt", async () => {
    for (const key of keys) {
      const open = problem(key, { end: null, never: new Set([...never, end]) });
      const whole = { ...open, prompts: [[4]] };
      for (const of of [open, whole]) {
        const [found = []] = await beamSearch(of, roomy);
        const sorted = everySequence(key, of).toSorted((a, b) => b.score - a.score);
        expect(texts(found)).toEqual(texts(sorted));
        expect(found.every(({ tokens }) => tokens.length === 4)).toBe(true);
      }
    }
  });

  it("with one beam is greedy search, whatever the length penalty", async () => {
    for (const key of keys) {
      const of = problem(key, { prompts: [[], [4], [5, 5], []], maxLength: 9 });
      const alone = await greedy(of);
      for (const lengthPenalty of [0, 1]) {
        const found = await beamSearch(of, { beams: 1, lengthPenalty });
        expect(found.map(([first]) => first)).toEqual(alone);
        expect(found.every(({ length }) => length === 1)).toBe(true);
      }
    }
  });

  it("ends before everything is finished only when nothing can change any more", async () => {
    for (const key of keys) {
      for (const lengthPenalty of [0, 1]) {
        const of = problem(key, { maxLength: 6 });
        const [best] = await beamSearch(of, { beams: 1500, lengthPenalty });
        const [some] = await beamSearch(of, { beams: 300, lengthPenalty });
        expect(some?.[0]).toEqual(best?.[0]);
      }
    }
  });

  it("gives different sequences, the best first, and no more than there are beams", async () => {
    for (const key of keys) {
      const [found = []] = await beamSearch(problem(key), { beams: 5, lengthPenalty: 0 });
      expect(found.length).toBeLessThanOrEqual(5);
      // With and without an end they may spell the same.
      expect(new Set(found.map((s) => `${s.tokens} ${s.ended}`)).size).toBe(found.length);
      const scores = found.map(({ score }) => score);
      expect(scores).toEqual(scores.toSorted((a, b) => b - a));
    }
  });

  it("orders equally good sequences by their tokens", async () => {
    const next: NextScores = async (all) => all.map(() => [0, 0, 0, -9, -1, -1, -1]);
    const [found = []] = await beamSearch(problem(0, { next, maxLength: 2 }), {
      ...{ beams: 4, lengthPenalty: 0 },
    });
    expect(texts(found)).toEqual(["4,4", "4,5", "4,6", "5,4"]);
  });

  it("prefers longer sequences with a length penalty, as Wu et al. 2016 weigh them", async () => {
    expect(ranked(-3, 1, 0.6)).toBe(-3);
    expect(ranked(-3, 7, 1)).toBe(-1.5);
    expect(ranked(-3, 7, 0)).toBe(-3);
    // "end" at once costs 1; "4 4 4 end" costs 1.2.
    const next: NextScores = async (all) =>
      all.map(({ tokens }) => {
        if (tokens.length === 0) return [0, 0, 0, -1, -1.2, -9, -9];
        return tokens.length === 3 ? [0, 0, 0, 0, -9, -9, -9] : [0, 0, 0, -9, 0, -9, -9];
      });
    const search = async (lengthPenalty: number): Promise<string | undefined> => {
      const found = await beamSearch(problem(0, { next, maxLength: 5 }), {
        ...{ beams: 3, lengthPenalty },
      });
      return texts(found[0] ?? [])[0];
    };
    expect(await search(0)).toBe("");
    expect(await search(1)).toBe("4,4,4");
  });
});

describe("sampling", () => {
  const all = { temperature: 1, topK: null, topP: null };
  const scores = [-1, -1, -1, ...[0.1, 0.2, 0.3, 0.4].map(Math.log)];

  /** How often each token is drawn, from `count` points. */
  function shares(settings: typeof all | object, count = 40_000): number[] {
    const drawn = new Array<number>(vocabulary).fill(0);
    const candidates = candidatesOf(scores, never, { ...all, ...settings });
    for (let i = 0; i < count; i++) {
      const token = draw(candidates, uniform(i, 12345)) as number;
      drawn[token] = (drawn[token] ?? 0) + 1 / count;
    }
    return drawn;
  }
  /** Beyond four standard deviations of a share of 0.5 in 40 000. */
  const near = (given: readonly number[], wanted: readonly number[]): void =>
    given.forEach((share, i) => {
      expect(Math.abs(share - (wanted[i] as number))).toBeLessThan(0.01);
    });

  it("draws tokens as often as they are probable, and never forbidden ones", () => {
    const drawn = shares({});
    near(drawn, [0, 0, 0, 0.1, 0.2, 0.3, 0.4]);
    expect(drawn.slice(0, 3)).toEqual([0, 0, 0]);
  });

  it("sharpens with a low temperature and flattens with a high one", () => {
    for (const temperature of [0.5, 2]) {
      const powers = [0.1, 0.2, 0.3, 0.4].map((p) => p ** (1 / temperature));
      const total = powers.reduce((a, b) => a + b);
      near(shares({ temperature }), [0, 0, 0, ...powers.map((p) => p / total)]);
    }
    expect(shares({ temperature: 1e-300 }, 100)[6]).toBeCloseTo(1);
  });

  it("top-k leaves the k most probable, in their proportions", () => {
    near(shares({ topK: 2 }), [0, 0, 0, 0, 0, 3 / 7, 4 / 7]);
    expect(shares({ topK: 1 }, 100)[6]).toBeCloseTo(1);
    expect(candidatesOf(scores, never, { ...all, topK: 99 }).tokens).toEqual([6, 5, 4, 3]);
  });

  it("top-p leaves the fewest that have this probability together", () => {
    near(shares({ topP: 0.69 }), [0, 0, 0, 0, 0, 3 / 7, 4 / 7]);
    near(shares({ topP: 0.75 }), [0, 0, 0, 0, 2 / 9, 3 / 9, 4 / 9]);
    expect(shares({ topP: 0.01 }, 100)[6]).toBeCloseTo(1);
    near(shares({ topP: 1 }), [0, 0, 0, 0.1, 0.2, 0.3, 0.4]);
    // Of what top-k leaves: 4/7 alone is enough for a half.
    expect(candidatesOf(scores, never, { ...all, topK: 2, topP: 0.5 }).tokens).toEqual([6]);
  });

  it("cuts equally probable tokens in the order of their ids", () => {
    const equal = [0, 0, 0, -1, -1, -1, -1];
    expect(candidatesOf(equal, never, { ...all, topK: 2 }).tokens).toEqual([3, 4]);
    expect(candidatesOf(equal, never, { ...all, topP: 0.5 }).tokens).toEqual([3, 4]);
  });

  it("still chooses where the model rules everything out", async () => {
    const next: NextScores = async (rows) => rows.map(() => new Array(vocabulary).fill(-Infinity));
    const [found] = await sample(problem(0, { next }), all, [1]);
    expect(found?.tokens).toEqual([]);
    expect(found?.ended).toBe(true);
  });

  it("draws the same with the same key, something else with another", async () => {
    const of = problem(1, { maxLength: 30, end: null });
    const [first] = await sample(of, all, [5]);
    const [again] = await sample(of, all, [5]);
    const [other] = await sample(of, all, [6]);
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
  });

  it("scores what it drew by the model itself, not by the temperature", async () => {
    const of = problem(2, { maxLength: 6 });
    const [found] = await sample(of, { ...all, temperature: 3 }, [9]);
    const { tokens = [], ended, score } = found ?? {};
    const whole = ended ? [...tokens, end] : tokens;
    const sum = whole.reduce(
      (total, token, i) => total + (scoresOf(2, 0, whole.slice(0, i))[token] as number),
      0,
    );
    expect(score).toBeCloseTo(sum, 10);
  });

  it("follows the model's distribution over whole sequences", async () => {
    const of = problem(4, { maxLength: 2 });
    const count = 20_000;
    const many = { ...of, prompts: new Array(count).fill([]) };
    const same: NextScores = (prefixes) =>
      of.next(prefixes.map((prefix) => ({ ...prefix, example: 0 })));
    const seeds = Array.from({ length: count }, (_, i) => derive(77, i));
    const found = await sample({ ...many, next: same }, all, seeds);
    // Tokens that may not be chosen leave their probability to the others.
    const allowed = (tokens: readonly number[]): number =>
      scoresOf(4, 0, tokens).reduce((sum, s, i) => sum + (never.has(i) ? 0 : Math.exp(s)), 0);
    for (const { tokens, ended, score } of everySequence(4, of)) {
      const share = found.filter((s) => s.ended === ended && `${s.tokens}` === `${tokens}`).length;
      const steps = ended ? tokens.length + 1 : tokens.length;
      const odds = Array.from({ length: steps }, (_, i) => allowed(tokens.slice(0, i)));
      const wanted = Math.exp(score) / odds.reduce((a, b) => a * b, 1);
      expect(Math.abs(share / count - wanted)).toBeLessThan(0.015);
    }
  });
});

describe("all searches", () => {
  const searches: Readonly<Record<string, (of: SearchProblem) => Promise<unknown[]>>> = {
    greedy,
    sample: (of) =>
      sample(
        of,
        { temperature: 1.5, topK: 3, topP: 0.9 },
        of.prompts.map((_, i) => derive(1, i)),
      ),
    beam: (of) => beamSearch(of, { beams: 3, lengthPenalty: 0.6 }),
  };
  const prompts = [[], [4], [5, 6, 4], [], [6]];

  for (const [name, search] of Object.entries(searches)) {
    it(`${name}: an example does not depend on those beside it`, async () => {
      for (const key of keys) {
        const together = await search(problem(key, { prompts, maxLength: 8 }));
        const less = await search(problem(key, { prompts: prompts.slice(0, 2), maxLength: 8 }));
        expect(together.slice(0, 2)).toEqual(less);
      }
    });

    it(`${name}: never chooses what must not be chosen, nor exceeds the length`, async () => {
      for (const key of keys) {
        const found = await search(problem(key, { prompts, maxLength: 8 }));
        for (const { tokens } of found.flat() as Sequence[]) {
          expect(tokens.length).toBeLessThanOrEqual(8);
          expect(tokens.some((token) => token <= end)).toBe(false);
        }
      }
    });
  }
});
