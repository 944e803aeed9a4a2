/** @file How large a bundle is, and how large it may be. */

/** Bytes: 60 MB. */
export const largestBundle = 60_000_000;

/** `files`: {part, bytes}. Gives lines of a table, and whether the sum is small enough. */
export function sizeReport(files) {
  const parts = new Map();
  for (const { part, bytes } of files) parts.set(part, (parts.get(part) ?? 0) + bytes);
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const rows = [...[...parts].toSorted(([, a], [, b]) => b - a), ["together", total]];
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(
    ([name, bytes]) => `${name.padEnd(width)}  ${(bytes / 1e6).toFixed(2).padStart(6)} MB`,
  );
  return { lines, total, fits: total <= largestBundle };
}
