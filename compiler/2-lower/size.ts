/** @file The size that no model has: a slip in a setting is told before shapes overflow. */
import { formatShape, product } from "../ir/shape.js";
import type { Shape } from "../ir/types.js";

/** No machine holds so much (1 TB). */
export const mostModelBytes = 1e12;

/** One tensor that is larger than any machine's memory. */
export class TooLarge extends Error {
  constructor(
    readonly part: string,
    readonly bytes: number,
  ) {
    super(part);
  }
}

/** Bytes of a tensor of f32, for one example. */
const bytesOf = (shape: Shape): number => 4 * (Number.parseFloat(String(product(shape))) || 1);

/** @throws TooLarge */
export function requireSize(what: string, shape: Shape): void {
  const bytes = bytesOf(shape);
  if (bytes > mostModelBytes) throw new TooLarge(`${what} ${formatShape(shape)}`, bytes);
}
