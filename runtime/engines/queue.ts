/** @file Work that must not overlap. */

/** Runs what it is given one after the other; a failure is that of its caller, not of the next. */
export type Queue = <R>(work: () => Promise<R>) => Promise<R>;

export function createQueue(): Queue {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = last.then(work);
    last = result.catch(() => {});
    return result;
  };
}
