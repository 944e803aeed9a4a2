/** @file A hash of the data that a run learns from: continued with other data, it would belong to none. */
import { createSha256 } from "../sha256.js";
import type { Dataset, Split } from "./dataset.js";

/** So much of a column is hashed as a whole; of a larger one, evenly spaced blocks of this total. */
const mostBytes = 2 ** 28;
const block = 2 ** 16;

/** SHA-256 over the encoded rows of the training and validation splits, and which rows these are. */
export function fingerprint({ splits }: Dataset): string {
  const hash = createSha256();
  const seen = new Set<unknown>();
  const add = (bytes: Uint8Array): void => {
    hash.update(`${bytes.length};`);
    const step = bytes.length <= mostBytes ? block : Math.ceil(bytes.length / (mostBytes / block));
    if (step === block) hash.update(bytes);
    else {
      for (let at = 0; at < bytes.length; at += step) hash.update(bytes.subarray(at, at + block));
    }
  };
  const addSplit = ({ name, rows, table, indices }: Split): void => {
    hash.update(`${name} ${rows};`);
    if (indices !== null) add(bytesOf(indices));
    // Splits of one source share its table.
    if (seen.has(table)) return;
    seen.add(table);
    for (const [column, { dtype, shape, data }] of Object.entries(table.columns)) {
      hash.update(`${JSON.stringify(column)} ${dtype} ${shape.join()};`);
      add(bytesOf(data));
    }
  };
  for (const split of [splits.train, splits.validation]) if (split !== null) addSplit(split);
  return hash.digest();
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);
