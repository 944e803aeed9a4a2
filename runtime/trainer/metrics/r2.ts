/**
 * @file r2: coefficient of determination, 1 − Σ(error²) / Σ(deviation from the mean²), per element of
 * the target and then averaged. A constant target gives 1 if it is hit exactly, else 0 (as in
 * scikit-learn). The mean and the sum of squares are updated together (Welford 1962): subtracting two
 * large sums would lose the digits that matter.
 */
import { sizeOf } from "../../tensor.js";
import { defineMetric } from "./define-metric.js";
import { requireEqualSize } from "./values.js";

export const r2 = defineMetric({
  kind: "r2",
  heads: ["value"],
  running: false,
  create: (head) => {
    const width = sizeOf(head.shape);
    let count = 0;
    const mean = new Float64Array(width);
    const deviation = new Float64Array(width);
    const error = new Float64Array(width);
    const addElement = (column: number, predicted: number, actual: number): void => {
      const delta = actual - (mean[column] as number);
      mean[column] = (mean[column] as number) + delta / count;
      deviation[column] =
        (deviation[column] as number) + delta * (actual - (mean[column] as number));
      error[column] = (error[column] as number) + (predicted - actual) ** 2;
    };
    return {
      add: (prediction, target) => {
        requireEqualSize(prediction, target);
        for (let i = 0; i < prediction.data.length; i++) {
          if (i % width === 0) count++;
          addElement(i % width, prediction.data[i] as number, target.data[i] as number);
        }
      },
      result: () => {
        if (count === 0) return Number.NaN;
        let sum = 0;
        for (let i = 0; i < width; i++) {
          const [total, rest] = [deviation[i] as number, error[i] as number];
          sum += total === 0 ? Number(rest === 0) : 1 - rest / total;
        }
        return sum / width;
      },
      save: () => ({ numbers: [count, ...mean, ...deviation, ...error] }),
      restore: ({ numbers }) => {
        count = numbers[0] ?? 0;
        mean.set(numbers.slice(1, 1 + width));
        deviation.set(numbers.slice(1 + width, 1 + 2 * width));
        error.set(numbers.slice(1 + 2 * width, 1 + 3 * width));
      },
    };
  },
});
