/** @file How fast a run goes and how long it will take; measured, so never part of any result. */

/** Recent batches that the speed is estimated from. */
const memory = 50;

export interface Pace {
  /** Marks the end of training batches of so many examples, which were done together. */
  batchesDone(examples: readonly number[]): void;
  /** Marks the start of something that is not a training batch. */
  pause(): void;
  validationDone(seconds: number): void;
  readonly examplesPerSecond: number;
  /** Seconds of the fastest of the recent batches; null while nothing was measured. */
  readonly secondsPerBatch: number | null;
  /** Seconds for so many batches and validations; null while nothing was measured. */
  remaining(batches: number, validations: number): number | null;
}

export function createPace(now: () => number = () => performance.now() / 1000): Pace {
  const recent: { readonly seconds: number; readonly examples: number }[] = [];
  let last = now();
  let validation = 0;
  const median = (): number | null => {
    const sorted = recent.map(({ seconds }) => seconds).sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? null;
  };
  return {
    batchesDone(list) {
      const time = now();
      const seconds = (time - last) / list.length;
      for (const examples of list) recent.push({ seconds, examples });
      recent.splice(0, Math.max(0, recent.length - memory));
      last = time;
    },
    pause() {
      last = now();
    },
    validationDone(seconds) {
      validation = seconds;
    },
    get examplesPerSecond() {
      const seconds = recent.reduce((sum, batch) => sum + batch.seconds, 0);
      const examples = recent.reduce((sum, batch) => sum + batch.examples, 0);
      return seconds > 0 ? examples / seconds : 0;
    },
    get secondsPerBatch() {
      return recent.length === 0 ? null : Math.min(...recent.map(({ seconds }) => seconds));
    },
    remaining(batches, validations) {
      // The median: one slow batch (a checkpoint, a first recording) must not shake the estimate.
      const perBatch = median();
      return perBatch === null ? null : batches * perBatch + validations * validation;
    },
  };
}
