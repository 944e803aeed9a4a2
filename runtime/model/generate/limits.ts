/** @file What the settings of a search may be at most, in specs as in calls. */

export const searchLimits = {
  /** Beyond it a step takes seconds, and better sequences are not found by it. */
  beams: 1024,
  /** Of numbers of tokens. */
  tokens: 0xffffffff,
} as const;
