/**
 * @file How much memory a recorded program takes at a time, and what takes it: from its tensors with their lifetimes,
 * which the recording of any engine can give. An estimate: engines reuse some buffers earlier, and need room
 * of their own besides.
 */

export interface PlannedTensor {
  /** For people: "[256,64,56,56] of conv2d". */
  readonly name: string;
  /** The layer that it belongs to; "" for none. */
  readonly layer: string;
  readonly bytes: number;
  /** Positions in the order of the program's steps: made with the first, needed up to the last. */
  readonly firstUse: number;
  readonly lastUse: number;
}

export interface MemoryPlan {
  /** The most bytes that are needed at a time. */
  readonly peakBytes: number;
  /** The tensors that are there then, the largest first. */
  readonly atPeak: readonly PlannedTensor[];
}

export function planMemory(tensors: readonly PlannedTensor[]): MemoryPlan {
  const changes = new Map<number, number>();
  const change = (at: number, bytes: number): void => {
    changes.set(at, (changes.get(at) ?? 0) + bytes);
  };
  for (const { bytes, firstUse, lastUse } of tensors) {
    change(firstUse, bytes);
    change(lastUse + 1, -bytes);
  }
  let [alive, peakBytes, peakAt] = [0, 0, 0];
  for (const [at, bytes] of [...changes].sort(([a], [b]) => a - b)) {
    alive += bytes;
    if (alive > peakBytes) [peakBytes, peakAt] = [alive, at];
  }
  const atPeak = tensors
    .filter(({ firstUse, lastUse }) => firstUse <= peakAt && peakAt <= lastUse)
    .sort((a, b) => b.bytes - a.bytes);
  return { peakBytes, atPeak };
}

/** What drivers, kernels' work space and gaps between buffers leave of a device's memory. */
const usable = 0.9;

/**
 * The largest batch up to `batch` whose plan fits into `available` bytes, 0 if not even one example does.
 * Memory is taken to grow evenly from one example to `batch`.
 */
export function largestBatch(
  tensors: (batch: number) => readonly PlannedTensor[],
  batch: number,
  available: number,
): number {
  const peakOf = (n: number): number => planMemory(tensors(n)).peakBytes;
  const whole = peakOf(batch);
  const room = available * usable;
  if (whole <= room) return batch;
  const one = batch === 1 ? whole : peakOf(1);
  if (one > room) return 0;
  const perExample = (whole - one) / (batch - 1);
  return 1 + Math.floor((room - one) / perExample);
}
