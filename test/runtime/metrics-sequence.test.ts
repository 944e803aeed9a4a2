/** @file Metrics of texts and sequences: padding counts for nothing. */
import { type HeadSpec, type HostTensor, type MetricSpec, specialTokens } from "@dlc/runtime";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type {
  MetricAccumulator,
  MetricDefinition,
} from "../../runtime/trainer/metrics/define-metric.js";
import { metrics, metricUses } from "../../runtime/trainer/metrics/index.js";

const tokens = 5;
const steps = 3;
const head = {
  ...{ name: "verse", target: "verse", kind: "tokens", classes: null },
  shape: [steps, tokens],
} as const satisfies HeadSpec;

const accumulatorOf = (kind: MetricSpec["kind"], of: HeadSpec = head): MetricAccumulator =>
  (metrics[kind] as MetricDefinition).create(of, { kind } as MetricSpec);

const f32 = (shape: readonly number[], data: readonly number[]): HostTensor => ({
  ...{ dtype: "f32", shape },
  data: Float32Array.from(data),
});

/** Texts by their tokens, padded. */
const targets = (texts: readonly (readonly number[])[]): HostTensor => ({
  ...{ dtype: "i32", shape: [texts.length, steps] },
  data: Int32Array.from(texts.flatMap((t) => [...t, ...Array(steps - t.length).fill(0)])),
});

/** Probabilities that give each of these tokens 0.6 and every other one 0.1. */
const saying = (texts: readonly (readonly number[])[]): HostTensor =>
  f32(
    [texts.length, steps, tokens],
    texts.flatMap((text) =>
      Array.from({ length: steps * tokens }, (_, i) =>
        text[Math.floor(i / tokens)] === i % tokens ? 0.6 : 0.1,
      ),
    ),
  );

const measure = (
  kind: MetricSpec["kind"],
  said: readonly (readonly number[])[],
  meant: readonly (readonly number[])[],
): unknown => {
  const metric = accumulatorOf(kind);
  metric.add(saying(said), targets(meant));
  return metric.result();
};

describe("texts", () => {
  const meant = [[4, 1, 2], [3], [2, 2]];
  const said = [
    [4, 1, 1],
    [3, 4, 4],
    [2, 2, 0],
  ];

  it("have an accuracy per token", () => {
    expect(measure("accuracy", said, meant)).toBe(5 / 6);
  });

  it("match where no token is wrong, whatever stands behind their end", () => {
    expect(measure("exact_match", said, meant)).toBe(2 / 3);
  });

  it("have a perplexity: how many tokens the model hesitates between", () => {
    const surprise = -(5 * Math.log(Math.fround(0.6)) + Math.log(Math.fround(0.1))) / 6;
    expect(measure("perplexity", said, meant)).toBeCloseTo(Math.exp(surprise), 10);
    const even = accumulatorOf("perplexity");
    even.add(f32([1, steps, tokens], Array(steps * tokens).fill(1 / tokens)), targets([[1, 2]]));
    expect(even.result()).toBeCloseTo(tokens, 5);
  });

  it("have a finite perplexity where the right token had no chance", () => {
    const metric = accumulatorOf("perplexity");
    metric.add(f32([1, steps, tokens], Array(steps * tokens).fill(0)), targets([[1]]));
    expect(metric.result()).toBeCloseTo(2 ** 126, -30);
  });

  it("are judged by metrics of texts only", () => {
    const all = Object.keys(metrics) as MetricSpec["kind"][];
    const suited = metricUses(
      all.map((kind) => ({ kind, ...(kind === "top_k" ? { k: 5 } : {}) }) as MetricSpec),
      [head],
    );
    expect(suited.map(({ name }) => name).sort()).toEqual([
      "accuracy",
      "exact_match",
      "perplexity",
    ]);
  });

  const text = fc.array(fc.integer({ min: specialTokens.unknown, max: tokens - 1 }), {
    minLength: 1,
    maxLength: steps,
  });
  const example = fc.record({ said: text, meant: text });

  it.each(["accuracy", "exact_match", "perplexity"] as const)(
    "have the same %s however batches are cut",
    (kind) => {
      fc.assert(
        fc.property(fc.array(example, { minLength: 2, maxLength: 9 }), fc.nat(), (list, at) => {
          const add = (metric: MetricAccumulator, part: typeof list): void =>
            metric.add(saying(part.map((e) => e.said)), targets(part.map((e) => e.meant)));
          const whole = accumulatorOf(kind);
          add(whole, list);
          const cut = at % list.length;
          const first = accumulatorOf(kind);
          if (cut > 0) add(first, list.slice(0, cut));
          const second = accumulatorOf(kind);
          second.restore(JSON.parse(JSON.stringify(first.save())));
          add(second, list.slice(cut));
          expect(second.result()).toEqual(whole.result());
        }),
        { numRuns: 40 },
      );
    },
  );
});

describe("sequences of numbers", () => {
  const path: HeadSpec = { ...head, name: "path", target: "path", kind: "value", shape: [2, 2] };
  // The second example has one step: what is predicted behind it does not count.
  const predicted = f32([2, 2, 2], [1, 2, 3, 4, 5, 6, 100, 100]);
  const actual = f32([2, 2, 3], [1, 1, 1, 3, 2, 1, 5, 3, 1, 0, 0, 0]);

  it("are compared at the steps that are there", () => {
    const result = (kind: MetricSpec["kind"]): unknown => {
      const metric = accumulatorOf(kind, path);
      metric.add(predicted, actual);
      return metric.result();
    };
    expect(result("mae")).toBe((0 + 1 + 0 + 2 + 0 + 3) / 6);
    expect(result("mse")).toBeCloseTo((1 + 4 + 9) / 6, 12);
    // First step: exact, and errors 1 and 9 round a deviation of 2; second: one example, exact and not.
    expect(result("r2")).toBeCloseTo((1 + (1 - 10 / 2) + 1 + 0) / 4, 12);
  });

  it("still have to have the shape of the target", () => {
    expect(() =>
      accumulatorOf("mae", path).add(predicted, f32([2, 3], [1, 2, 3, 4, 5, 6])),
    ).toThrow("do not match targets");
  });
});
