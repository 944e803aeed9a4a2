/** @file MNIST, whose files data.mjs puts beside the page, as far as it is needed. */
import type { Label } from "../generated/mnist-cnn/index.js";

/** Bytes before the numbers of an IDX file: magic number and sizes, four bytes each. */
const headers = { images: 16, labels: 8 } as const;
const pixels = 28 * 28;

export interface Digits {
  readonly image: { readonly shape: [number, number, number, number]; readonly data: Uint8Array };
  readonly digit: readonly Label[];
}

/** The first bytes of a file; what follows is not fetched. */
async function firstBytes(name: string, count: number): Promise<Uint8Array> {
  const url = new URL(`mnist/${name}.ubyte`, document.baseURI);
  const response = await fetch(url);
  if (!response.ok || response.body === null) throw new Error(`${url}: ${response.status}`);
  const bytes = new Uint8Array(count);
  const reader = response.body.getReader();
  for (let filled = 0; filled < count; ) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`${url} ends after ${filled} of ${count} bytes`);
    const part = value.subarray(0, count - filled);
    bytes.set(part, filled);
    filled += part.length;
  }
  await reader.cancel();
  return bytes;
}

async function read(set: "train" | "t10k", count: number): Promise<Digits> {
  const [imageBytes, labelBytes] = await Promise.all([
    firstBytes(`${set}-images-idx3`, headers.images + count * pixels),
    firstBytes(`${set}-labels-idx1`, headers.labels + count),
  ]);
  return {
    image: { shape: [count, 28, 28, 1], data: imageBytes.slice(headers.images) },
    digit: Array.from(labelBytes.subarray(headers.labels), (digit) => String(digit) as Label),
  };
}

/** The first `count` digits to train on, and a fifth as many (at most 5,000) of the test set to check with. */
export async function loadDigits(count: number): Promise<{ train: Digits; validation: Digits }> {
  const [train, validation] = await Promise.all([
    read("train", count),
    read("t10k", Math.min(5000, Math.ceil(count / 5))),
  ]);
  return { train, validation };
}
