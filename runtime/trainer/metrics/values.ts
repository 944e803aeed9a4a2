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
    add: (prediction, target) =>
      eachNumber(prediction, target, (predicted, actual) => {
        sum += measure(predicted, actual);
        count++;
      }),
    result: () => sum / count,
    save: () => ({ numbers: [sum, count] }),
    restore: ({ numbers }) => {
      [sum = 0, count = 0] = numbers;
    },
  };
}

/**
 * Calls `visit` with each predicted number, the true one and its position. A target with one number more
 * on its last axis is a sequence: that number is 0 in the padding, which is left out.
 */
export function eachNumber(
  prediction: HostTensor,
  target: HostTensor,
  visit: (predicted: number, actual: number, at: number) => void,
): void {
  const channels = prediction.shape.at(-1) ?? 1;
  const withPresence = [...prediction.shape.slice(0, -1), channels + 1];
  const isSequence = prediction.shape.length === 3 && String(target.shape) === String(withPresence);
  if (!isSequence) requireEqualSize(prediction, target);
  const width = isSequence ? channels + 1 : channels;
  for (let i = 0; i < prediction.data.length; i++) {
    const first = Math.floor(i / channels) * width;
    if (isSequence && target.data[first + channels] === 0) continue;
    const actual = target.data[first + (i % channels)] as number;
    visit(prediction.data[i] as number, actual, i);
  }
}

function requireEqualSize(prediction: HostTensor, target: HostTensor): void {
  if (prediction.data.length !== target.data.length) {
    throw new Error(
      `predictions [${prediction.shape.join(", ")}] do not match targets [${target.shape.join(", ")}]`,
    );
  }
}
