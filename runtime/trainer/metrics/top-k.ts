/** @file top_k: share of examples whose true class is among the k most probable ones. */
import { classCount, trueClass } from "./classes.js";
import { defineMetric } from "./define-metric.js";

export const topK = defineMetric({
  kind: "top_k",
  heads: ["category"],
  running: true,
  create: (head, { k }) => {
    const width = classCount(head);
    let hits = 0;
    let count = 0;
    return {
      add: ({ data }, target) => {
        for (let row = 0; row * width < data.length; row++) {
          const actual = trueClass(target, row);
          const score = data[row * width + actual] as number;
          // Ties count against the later class, as in accuracy: k = 1 gives the same number.
          let ahead = 0;
          for (let i = 0; i < width; i++) {
            const other = data[row * width + i] as number;
            if (other > score || (other === score && i < actual)) ahead++;
          }
          if (ahead < k) hits++;
          count++;
        }
      },
      result: () => hits / count,
      save: () => ({ numbers: [hits, count] }),
      restore: ({ numbers }) => {
        [hits = 0, count = 0] = numbers;
      },
    };
  },
});
