/**
 * @file auc: area under the ROC curve, which is the probability that a random positive scores above a
 * random negative (ties count half): exact, from ranks (Mann & Whitney 1947). Two classes: of the
 * second; more: each class against the rest, mean over those with positives and negatives.
 */
import { trueClass } from "./classes.js";
import { defineMetric } from "./define-metric.js";

export const auc = defineMetric({
  kind: "auc",
  heads: ["category", "binary"],
  running: false,
  create: (head) => {
    const width = head.kind === "binary" ? 1 : (head.shape.at(-1) ?? 1);
    let scores = new Float32Array(0);
    let actual = new Int32Array(0);
    let count = 0;
    const grow = (rows: number): void => {
      if (rows <= actual.length) return;
      const capacity = Math.max(rows, 2 * actual.length);
      scores = extended(new Float32Array(capacity * width), scores);
      actual = extended(new Int32Array(capacity), actual);
    };
    const areaOf = (column: number, positive: number): number => {
      const values = Float32Array.from(
        { length: count },
        (_, i) => scores[i * width + column] ?? 0,
      );
      return areaUnderCurve(values, (i) => actual[i] === positive);
    };
    return {
      add: (prediction, target) => {
        const rows = prediction.data.length / width;
        grow(count + rows);
        scores.set(prediction.data, count * width);
        for (let row = 0; row < rows; row++) actual[count + row] = trueClass(target, row);
        count += rows;
      },
      result: () => {
        if (width === 1) return areaOf(0, 1);
        const areas = Array.from({ length: width }, (_, i) => areaOf(i, i)).filter(
          (area) => !Number.isNaN(area),
        );
        return areas.reduce((sum, area) => sum + area, 0) / areas.length;
      },
      save: () => ({
        numbers: [count],
        tensors: {
          scores: { dtype: "f32", shape: [count, width], data: scores.slice(0, count * width) },
          actual: { dtype: "i32", shape: [count], data: actual.slice(0, count) },
        },
      }),
      restore: ({ numbers, tensors }) => {
        count = numbers[0] ?? 0;
        grow(count);
        if (tensors?.scores !== undefined) scores.set(tensors.scores.data);
        if (tensors?.actual !== undefined) actual.set(tensors.actual.data);
      },
    };
  },
});

function extended<A extends Float32Array | Int32Array>(larger: A, content: A): A {
  larger.set(content);
  return larger;
}

/** NaN without at least one positive and one negative. */
function areaUnderCurve(scores: Float32Array, isPositive: (index: number) => boolean): number {
  const order = Uint32Array.from(scores.keys()).sort(
    (a, b) => (scores[a] as number) - (scores[b] as number),
  );
  let positives = 0;
  let rankSum = 0;
  for (let start = 0; start < order.length; ) {
    const value = scores[order[start] as number];
    let end = start;
    let tied = 0;
    while (end < order.length && scores[order[end] as number] === value) {
      if (isPositive(order[end] as number)) tied++;
      end++;
    }
    // NaN equals nothing: count it as a group of its own, so that the loop goes on.
    if (end === start) return Number.NaN;
    // Ranks count from 1; a tie gets the mean of the ranks start+1 … end.
    rankSum += (tied * (start + 1 + end)) / 2;
    positives += tied;
    start = end;
  }
  const negatives = scores.length - positives;
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
}
