/**
 * @file The counter-based random generator that every use of randomness in dlc is defined by.
 *
 * `hash(index, key)` is a "squares"-type generator (after Widynski, "Squares: a fast counter-based
 * RNG", arXiv:2004.06278) reduced to 32-bit multiply, add and a rotation by 16 bits, so that engines
 * can compute the very same numbers from u32 arithmetic alone. Three rounds pass the mean,
 * lag-1 correlation and χ² checks in `test/runtime/random.test.ts`; there is no state to lose, so a
 * resumed run draws the numbers that an uninterrupted one would have drawn.
 */

/** 2^32 / golden ratio, odd. */
export const stepKey = 0x9e3779b1;
/** MurmurHash3 finaliser constant. */
export const roundKey = 0x85ebca6b;
export const rounds = 3;

/** 32 random bits for a position under a key. */
export function hash(index: number, key: number): number {
  const y = (Math.imul(index, stepKey) + key) >>> 0;
  const z = (y + roundKey) >>> 0;
  let x = y;
  for (let round = 0; round < rounds; round++) {
    x = (Math.imul(x, x) + (round % 2 === 0 ? y : z)) >>> 0;
    x = ((x >>> 16) | (x << 16)) >>> 0;
  }
  return x;
}

/** A key for a purpose, from another key: `derive(derive(seed, epoch), site)`. */
export function derive(key: number, purpose: number): number {
  return hash((purpose + 1) >>> 0, hash(key >>> 0, 0x2545f491));
}

/** A key from text, such as a tensor's name (FNV-1a). */
export function keyOf(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return h;
}

/** Uniform in [0, 1) with 24 bits, exact in float32: what `Ops.randomUniform` returns. */
export function uniform(index: number, key: number): number {
  return (hash(index, key) >>> 8) / 16777216;
}

/** Standard normal (Box & Muller 1958); uses positions 2·index and 2·index + 1. */
export function normal(index: number, key: number): number {
  const radius = Math.sqrt(-2 * Math.log(1 - uniform(2 * index, key)));
  return radius * Math.cos(2 * Math.PI * uniform(2 * index + 1, key));
}

/** The key of `Ops.randomUniform` for one site of a program, from its `random_key` scalar. */
export function siteKey(randomKey: number, site: number): number {
  return (randomKey + Math.imul(site + 1, roundKey)) >>> 0;
}

/** A random permutation of 0 … length−1 (Fisher & Yates). */
export function permutation(length: number, key: number): Uint32Array {
  const order = new Uint32Array(length);
  for (let i = 0; i < length; i++) order[i] = i;
  for (let i = length - 1; i > 0; i--) {
    const j = Math.floor(uniform(i, key) * (i + 1));
    const other = order[j] as number;
    order[j] = order[i] as number;
    order[i] = other;
  }
  return order;
}
