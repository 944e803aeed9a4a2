/** @file Shared by the metrics of predicted numbers. */
import type { HostTensor } from "../../tensor.js";
import type { MetricAccumulator } from "./define-metric.js";

/** The mean over all elements of a function of prediction and truth. */
export function meanAccumulator(
  measure: (predicted: number, actual: number) => number,
): MetricAccumulator {
  let sum = 0;
  let count = 0;
  return {
    add: (prediction, target) => {
      requireEqualSize(prediction, target);
      for (let i = 0; i < prediction.data.length; i++) {
        sum += measure(prediction.data[i] as number, target.data[i] as number);
      }
      count += prediction.data.length;
    },
    result: () => sum / count,
    save: () => ({ numbers: [sum, count] }),
    restore: ({ numbers }) => {
      [sum = 0, count = 0] = numbers;
    },
  };
}

export function requireEqualSize(prediction: HostTensor, target: HostTensor): void {
  if (prediction.data.length !== target.data.length) {
    throw new Error(
      `predictions [${prediction.shape.join(", ")}] do not match targets [${target.shape.join(", ")}]`,
    );
  }
}
