/** @file Measures peers in turn: noise that comes and goes hits all of them alike. */

export const median = (values) => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

/**
 * Peers have `name` and `step()` (one training step, gives the loss), or `run(steps)` (milliseconds
 * of that many steps, measured by a process of its own). Each round measures every peer once.
 */
export async function measure(peers, { rounds, steps, warmup = 3 }) {
  const times = peers.map(() => []);
  const losses = peers.map(() => []);
  async function once(k, count) {
    const peer = peers[k];
    if (peer.run) return (await peer.run(count)) / count;
    const start = performance.now();
    for (let i = 0; i < count; i++) losses[k].push(await peer.step());
    return (performance.now() - start) / count;
  }
  for (let k = 0; k < peers.length; k++) await once(k, warmup);
  for (let round = 0; round < rounds; round++) {
    for (let k = 0; k < peers.length; k++) {
      // Whoever comes after a peer that uses other buffers starts with cold caches: one step free.
      await once(k, 1);
      times[k].push(await once(k, steps));
    }
  }
  return peers.map((peer, k) => ({
    name: peer.name,
    min: Math.min(...times[k]),
    median: median(times[k]),
    firstLoss: losses[k][0] ?? null,
    lastLoss: losses[k].at(-1) ?? null,
  }));
}
