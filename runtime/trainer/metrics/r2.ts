/**
 * @file r2: coefficient of determination, 1 − Σ(error²) / Σ(deviation from the mean²), per element of
 * the target and then averaged. A constant target gives 1 if it is hit exactly, else 0 (as in
 * scikit-learn). The mean and the sum of squares are updated together (Welford 1962): subtracting two
 * large sums would lose the digits that matter.
 */
import { sizeOf } from "../../tensor.js";
import { defineMetric } from "./define-metric.js";
import { eachNumber } from "./values.js";

export const r2 = defineMetric({
  kind: "r2",
  heads: ["value"],
  running: false,
  create: (head) => {
    const width = sizeOf(head.shape);
    const count = new Float64Array(width);
    const mean = new Float64Array(width);
    const deviation = new Float64Array(width);
    const error = new Float64Array(width);
    const addElement = (column: number, predicted: number, actual: number): void => {
      const delta = actual - (mean[column] as number);
      count[column] = (count[column] as number) + 1;
      mean[column] = (mean[column] as number) + delta / (count[column] as number);
      deviation[column] =
        (deviation[column] as number) + delta * (actual - (mean[column] as number));
      error[column] = (error[column] as number) + (predicted - actual) ** 2;
    };
    return {
      add: (prediction, target) => {
        eachNumber(prediction, target, (predicted, actual, at) =>
          addElement(at % width, predicted, actual),
        );
      },
      result: () => {
        let sum = 0;
        let columns = 0;
        for (let i = 0; i < width; i++) {
          // Steps that no sequence has say nothing.
          if (count[i] === 0) continue;
          columns++;
          const [total, rest] = [deviation[i] as number, error[i] as number];
          sum += total === 0 ? Number(rest === 0) : 1 - rest / total;
        }
        return sum / columns;
      },
      save: () => ({ numbers: [...count, ...mean, ...deviation, ...error] }),
      restore: ({ numbers }) => {
        for (const [part, sums] of [count, mean, deviation, error].entries()) {
          sums.set(numbers.slice(part * width, (part + 1) * width));
        }
      },
    };
  },
});
