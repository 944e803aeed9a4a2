/** @file Did-you-mean: the known word nearest to what was written. */

/** Optimal string alignment distance: insertions, deletions, replacements and swaps of neighbours. */
export function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(at(last, j) + 1, at(row, j - 1) + 1, at(last, j - 1) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, at(beforeLast, j - 2) + 1);
      }
      row.push(best);
    }
    beforeLast = last;
    last = row;
  }
  return at(last, b.length);
}

const at = (row: readonly number[], index: number): number =>
  row[index] ?? Number.POSITIVE_INFINITY;

export interface Suggestion {
  readonly word: string;
  /** One edit away, but not in a digit (or only spelling of the same word), and nothing else is as near. */
  readonly sure: boolean;
}

const maximumDistance = 2;
/** Words of a spec or a data file can be anything: the search stays short. */
const longestWord = 100;
const mostWords = 5000;

const digits = (word: string): string => word.replace(/\D/g, "");

/** Letters only, in lower case: `batchNorm`, `batch-norm` and `batch_norm` are the same word. */
const skeleton = (word: string): string => word.toLowerCase().replace(/[\s_-]/g, "");

/**
 * The known word that was probably meant, or null. Short words are near to many others: those of up to
 * two letters are only matched without regard to case, those of three also with the only word that
 * begins alike and is one edit away, which is never sure.
 */
export function suggest(word: string, known: Iterable<string>): Suggestion | null {
  if (word.length > longestWord) return null;
  let best: { word: string; distance: number; ties: number } | null = null;
  let looked = 0;
  for (const candidate of known) {
    if (looked++ === mostWords) break;
    const distance = distanceTo(word, candidate);
    if (distance > maximumDistance) continue;
    if (best === null || distance < best.distance) best = { word: candidate, distance, ties: 0 };
    else if (distance === best.distance) best.ties += 1;
  }
  if (best === null) return null;
  const isShort = best.distance > 0 && isOfThree(word);
  if (isShort && (best.ties > 0 || digits(word) !== digits(best.word))) return null;
  // `width_2` is not a misspelt `width_1`.
  const alike = digits(word) === digits(best.word);
  return { word: best.word, sure: best.distance <= 1 && best.ties === 0 && alike && !isShort };
}

const isOfThree = (word: string): boolean => word.length === 3;

function distanceTo(word: string, candidate: string): number {
  if (skeleton(word) === skeleton(candidate) && word !== candidate) return 0;
  const [a, b] = [word.toLowerCase(), candidate.toLowerCase()];
  if (isOfThree(word) && candidate.length >= 3 && a[0] === b[0]) {
    const distance = editDistance(a, b, 1);
    return distance === 1 ? 1 : maximumDistance + 1;
  }
  if (word.length <= 3 || candidate.length <= 3) return maximumDistance + 1;
  return editDistance(a, b, maximumDistance);
}

/** " Did you mean 'x'?" or nothing, to append to a sentence. */
export function didYouMean(word: string, known: Iterable<string>): string {
  const suggestion = suggest(word, known);
  return suggestion === null ? "" : ` Did you mean '${suggestion.word}'?`;
}
