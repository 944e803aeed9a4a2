/** @file Shared by the classification metrics: predicted and true classes, and their counts. */
import type { HeadSpec } from "../../spec.js";
import type { HostTensor } from "../../tensor.js";
import type { MetricAccumulator, MetricMemory, MetricValue } from "./define-metric.js";

/** How many classes a head tells apart. */
export function classCount(head: HeadSpec): number {
  return head.kind === "binary" ? 2 : (head.shape.at(-1) ?? 1);
}

/**
 * Calls `visit` with the predicted and the true class of each example. A category is the first of the
 * most probable classes; a binary head predicts its second class from a probability of 0.5 on.
 */
export function eachClass(
  head: HeadSpec,
  prediction: HostTensor,
  target: HostTensor,
  visit: (predicted: number, actual: number) => void,
): void {
  const { data } = prediction;
  const width = head.kind === "binary" ? 1 : classCount(head);
  const rows = data.length / width;
  for (let row = 0; row < rows; row++) {
    const predicted =
      head.kind === "binary"
        ? Number((data[row] as number) >= 0.5)
        : largest(data, row * width, width);
    visit(predicted, trueClass(target, row));
  }
}

/** The class index of an example; a binary target may also be stored as the numbers 0 and 1. */
export function trueClass(target: HostTensor, row: number): number {
  return Math.round(target.data[row] as number);
}

/** The position of the first of the largest numbers among `width` from `start`, from 0. */
export function largest(data: HostTensor["data"], start: number, width: number): number {
  let best = 0;
  for (let i = 1; i < width; i++) {
    if ((data[start + i] as number) > (data[start + best] as number)) best = i;
  }
  return best;
}

/** Counts of a confusion matrix. */
export interface ClassCounts {
  readonly classes: number;
  /** Examples of class `actual` that were taken for `predicted`. */
  at(actual: number, predicted: number): number;
  /** Examples that are of a class. */
  actual(index: number): number;
  /** Examples that were taken for a class. */
  predicted(index: number): number;
}

/** An accumulator over the confusion matrix, whose result is computed from the counts. */
export function countingAccumulator(
  head: HeadSpec,
  result: (counts: ClassCounts) => MetricValue,
): MetricAccumulator {
  const classes = classCount(head);
  const cells = new Float64Array(classes * classes);
  const total = (start: number, stride: number): number => {
    let sum = 0;
    for (let i = 0; i < classes; i++) sum += cells[start + i * stride] as number;
    return sum;
  };
  const counts: ClassCounts = {
    classes,
    at: (actual, predicted) => cells[actual * classes + predicted] as number,
    actual: (index) => total(index * classes, 1),
    predicted: (index) => total(index, classes),
  };
  return {
    add: (prediction, target) =>
      eachClass(head, prediction, target, (predicted, actual) => {
        const cell = actual * classes + predicted;
        cells[cell] = (cells[cell] as number) + 1;
      }),
    result: () => result(counts),
    save: (): MetricMemory => ({ numbers: [...cells] }),
    restore: ({ numbers }) => cells.set(numbers),
  };
}

/**
 * For two classes the score of the second (the "positive") class. For more the plain mean over the
 * classes that occur as truth or prediction ("macro", as in scikit-learn).
 */
export function binaryOrMacro(
  counts: ClassCounts,
  score: (counts: ClassCounts, index: number) => number,
): number {
  if (counts.classes === 2) return score(counts, 1);
  const occurring = Array.from({ length: counts.classes }, (_, i) => i).filter(
    (i) => counts.actual(i) + counts.predicted(i) > 0,
  );
  return occurring.reduce((sum, i) => sum + score(counts, i), 0) / occurring.length;
}

/** 0 where nothing was counted, as in scikit-learn. */
export function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
