/**
 * @file SHA-256, at once and in pieces. Node's own where the process has one; elsewhere written out
 * (FIPS 180-4), as browsers have only one that answers later and on secure pages alone.
 */

export interface Sha256 {
  update(part: Uint8Array | string): void;
  /** 64 hexadecimal digits. Nothing can be added afterwards. */
  digest(): string;
}

/** SHA-256 of bytes, or of a text's UTF-8, as 64 hexadecimal digits. */
export function sha256(content: Uint8Array | string): string {
  const hash = createSha256();
  hash.update(content);
  return hash.digest();
}

interface NativeCrypto {
  createHash(name: "sha256"): {
    update(part: Uint8Array | string): unknown;
    digest(encoding: "hex"): string;
  };
}

const { process: host } = globalThis as {
  readonly process?: { getBuiltinModule?(name: string): unknown };
};
const native = host?.getBuiltinModule?.("node:crypto") as NativeCrypto | undefined;

export function createSha256(): Sha256 {
  if (native === undefined) return createPortableSha256();
  const hash = native.createHash("sha256");
  return {
    update(part) {
      hash.update(part);
    },
    digest: () => hash.digest("hex"),
  };
}

const blockBytes = 64;

/** The first 32 bits of the fractional part of `root(p)` for the first primes p (FIPS 180-4, 4.2.2 and 5.3.3). */
function fractions(count: number, root: (p: number) => number): Uint32Array {
  const values = new Uint32Array(count);
  for (let p = 2, found = 0; found < count; p++) {
    let isPrime = true;
    for (let d = 2; d * d <= p; d++) isPrime &&= p % d !== 0;
    if (isPrime) values[found++] = (root(p) % 1) * 2 ** 32;
  }
  return values;
}
const roundConstants = fractions(64, Math.cbrt);
const firstState = fractions(8, Math.sqrt);

const rotate = (x: number, by: number): number => (x >>> by) | (x << (32 - by));

/** FIPS 180-4, 6.2.2: `state` after one more block of 64 bytes. */
function addBlock(state: Uint32Array, words: Uint32Array, block: DataView, at: number): void {
  for (let t = 0; t < 16; t++) words[t] = block.getUint32(at + 4 * t);
  for (let t = 16; t < 64; t++) {
    const [near, far] = [words[t - 2] as number, words[t - 15] as number];
    const s1 = rotate(near, 17) ^ rotate(near, 19) ^ (near >>> 10);
    const s0 = rotate(far, 7) ^ rotate(far, 18) ^ (far >>> 3);
    words[t] = s1 + (words[t - 7] as number) + s0 + (words[t - 16] as number);
  }
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  for (let t = 0; t < 64; t++) {
    const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const choice = (e & f) ^ (~e & g);
    const t1 = (h + s1 + choice + (roundConstants[t] as number) + (words[t] as number)) | 0;
    const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const majority = (a & b) ^ (a & c) ^ (b & c);
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + s0 + majority) | 0;
  }
  [a, b, c, d, e, f, g, h].forEach((value, i) => {
    state[i] = (state[i] as number) + value;
  });
}

/** Without anything of the platform; exported for its test. */
export function createPortableSha256(): Sha256 {
  const state = firstState.slice();
  const words = new Uint32Array(64);
  /** What is left of the parts so far, less than a block. */
  const rest = new Uint8Array(2 * blockBytes);
  const restView = new DataView(rest.buffer);
  let filled = 0;
  let length = 0;

  function update(part: Uint8Array | string): void {
    const bytes = typeof part === "string" ? new TextEncoder().encode(part) : part;
    length += bytes.length;
    let at = 0;
    if (filled > 0) {
      at = Math.min(blockBytes - filled, bytes.length);
      rest.set(bytes.subarray(0, at), filled);
      filled += at;
      if (filled < blockBytes) return;
      addBlock(state, words, restView, 0);
      filled = 0;
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (; at + blockBytes <= bytes.length; at += blockBytes) addBlock(state, words, view, at);
    rest.set(bytes.subarray(at));
    filled = bytes.length - at;
  }

  return {
    update,
    digest() {
      // A one, zeros, and the length in bits as 64 of them fill up the last block (5.1.1).
      const padded = filled + 9 <= blockBytes ? blockBytes : 2 * blockBytes;
      rest.fill(0, filled);
      rest[filled] = 0x80;
      restView.setBigUint64(padded - 8, BigInt(length) * 8n);
      for (let at = 0; at < padded; at += blockBytes) addBlock(state, words, restView, at);
      return [...state].map((word) => word.toString(16).padStart(8, "0")).join("");
    },
  };
}
