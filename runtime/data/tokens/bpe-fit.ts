/**
 * @file Which byte pairs are merged (Sennrich, Haddow & Birch 2016, algorithm 1): again and again the
 * most frequent pair. Counts are kept up to date instead of being made anew for every merge.
 */
import { firstByte, firstMerge, type Merge, mergePair } from "./bpe.js";
import { utf8 } from "./bytes.js";

interface Piece {
  readonly ids: number[];
  readonly count: number;
}

/**
 * The merges in order, until the vocabulary has `size` entries or no pair occurs twice. Of equally
 * frequent pairs that with the lower ids comes first.
 */
export function fitMerges(counts: ReadonlyMap<string, number>, size: number): Merge[] {
  const pieces: Piece[] = Array.from(counts, ([text, count]) => ({
    ids: Array.from(utf8(text), (byte) => firstByte + byte),
    count,
  }));
  const pairs = new PairCounts(size);
  for (const [i, { ids, count }] of pieces.entries()) {
    for (let at = 1; at < ids.length; at++) pairs.add(ids, at, count, i);
  }
  pairs.queueChanged();
  const merges: Merge[] = [];
  while (firstMerge + merges.length < size) {
    const best = pairs.takeBest();
    if (best === null) break;
    const id = firstMerge + merges.length;
    merges.push(best.pair);
    for (const i of best.pieces) mergeIn(pieces[i] as Piece, i, best.pair, id, pairs);
    pairs.queueChanged();
  }
  return merges;
}

/** Merges a pair in one piece. Only pairs with a part in what is merged change their counts. */
function mergeIn(
  { ids, count }: Piece,
  piece: number,
  [left, right]: Merge,
  id: number,
  pairs: PairCounts,
): void {
  /** End of the last pair that was taken out: neighbours in a row share one. */
  let gone = 0;
  for (let at = 1; at < ids.length; at++) {
    if (ids[at - 1] !== left || ids[at] !== right) continue;
    for (let end = Math.max(gone + 1, at - 1); end <= at + 1; end++) {
      pairs.add(ids, end, -count, piece);
    }
    gone = at + 1;
    at++;
  }
  mergePair(ids, left, right, id);
  for (let at = 1; at < ids.length; at++) {
    if (ids[at - 1] === id || ids[at] === id) pairs.add(ids, at, count, piece);
  }
}

/** How often each pair occurs, and in which pieces; the most frequent one at hand. */
class PairCounts {
  readonly #size: number;
  readonly #counts = new Map<number, number>();
  /** A piece stays listed when its last such pair is gone: merging it again changes nothing. */
  readonly #pieces = new Map<number, Set<number>>();
  readonly #changed = new Set<number>();
  readonly #queue = new PairQueue();

  /** `size`: above every id, so that two ids make one key. */
  constructor(size: number) {
    this.#size = Math.max(size, firstMerge);
  }

  /** Counts the pair that ends at `at`, if there is one, in a piece of so many places in the texts. */
  add(ids: readonly number[], at: number, count: number, piece: number): void {
    const left = ids[at - 1];
    const right = ids[at];
    if (left === undefined || right === undefined) return;
    const key = left * this.#size + right;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + count);
    if (count < 0) return;
    this.#changed.add(key);
    const known = this.#pieces.get(key);
    if (known === undefined) this.#pieces.set(key, new Set([piece]));
    else known.add(piece);
  }

  /** Puts what has grown in line; what has shrunk is found out when its turn comes. */
  queueChanged(): void {
    for (const key of this.#changed) this.#queue.push(key, this.#counts.get(key) ?? 0);
    this.#changed.clear();
  }

  /** null: no pair occurs twice. */
  takeBest(): { readonly pair: Merge; readonly pieces: ReadonlySet<number> } | null {
    for (;;) {
      const first = this.#queue.pop();
      if (first === null) return null;
      const count = this.#counts.get(first.key) ?? 0;
      if (count < 2) continue;
      if (count !== first.count) {
        // Every change that raised the count has put the pair in line again.
        if (count < first.count) this.#queue.push(first.key, count);
        continue;
      }
      const pieces = this.#pieces.get(first.key) ?? new Set<number>();
      this.#pieces.delete(first.key);
      return { pair: [Math.floor(first.key / this.#size), first.key % this.#size], pieces };
    }
  }
}

/** A heap of pairs: the highest count first, then the lowest key. */
class PairQueue {
  readonly #keys: number[] = [];
  readonly #counts: number[] = [];

  push(key: number, count: number): void {
    let at = this.#keys.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(key, count, this.#keys[parent] as number, this.#counts[parent] as number)) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#keys[at] = key;
    this.#counts[at] = count;
  }

  pop(): { readonly key: number; readonly count: number } | null {
    const [key] = this.#keys;
    const [count] = this.#counts;
    const lastKey = this.#keys.pop();
    const lastCount = this.#counts.pop();
    if (key === undefined || count === undefined) return null;
    if (lastKey !== undefined && lastCount !== undefined && this.#keys.length > 0) {
      this.#sink(lastKey, lastCount);
    }
    return { key, count };
  }

  /** Puts a pair in the place of the first, and lets it sink. */
  #sink(key: number, count: number): void {
    const { length } = this.#keys;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= length) break;
      if (child + 1 < length && this.#before(child + 1, child)) child++;
      if (before(key, count, this.#keys[child] as number, this.#counts[child] as number)) break;
      this.#move(child, at);
      at = child;
    }
    this.#keys[at] = key;
    this.#counts[at] = count;
  }

  #before(a: number, b: number): boolean {
    const keys = this.#keys;
    const counts = this.#counts;
    return before(keys[a] as number, counts[a] as number, keys[b] as number, counts[b] as number);
  }

  #move(from: number, to: number): void {
    this.#keys[to] = this.#keys[from] as number;
    this.#counts[to] = this.#counts[from] as number;
  }
}

const before = (key: number, count: number, otherKey: number, otherCount: number): boolean =>
  count > otherCount || (count === otherCount && key < otherKey);
