/**
 * @file Bounds on spec files. A 1,000-layer spec is about 75 KB, 35,000 tokens and 10,000 nodes; past
 * these bounds a document could keep the YAML parser busy for seconds or overflow its stack.
 */
export const limits = {
  /** Of the file, in bytes. */
  bytes: 1 << 20,
  /** Of nested lists and maps. */
  depth: 64,
  tokens: 80_000,
  /** Nodes after aliases are replaced by what they stand for. */
  nodes: 30_000,
  aliases: 100,
  /** Keys followed by ":" on one line outside of { }: more is never a map, and the parser nests for each. */
  colonsPerLine: 16,
} as const;
