/** @file Metrics against numbers worked out by hand, and properties that hold for any data. */
import type { HeadSpec, HostTensor, MetricSpec } from "@dlc/runtime";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type {
  MetricAccumulator,
  MetricDefinition,
} from "../../runtime/trainer/metrics/define-metric.js";
import { createMetricSet, metrics, metricUses } from "../../runtime/trainer/metrics/index.js";

const category = (classes: number): HeadSpec => ({
  name: "h",
  target: "t",
  kind: "category",
  classes: Array.from({ length: classes }, (_, i) => `c${i}`),
  shape: [classes],
});
const binary: HeadSpec = { name: "h", target: "t", kind: "binary", classes: null, shape: [1] };
const value = (...shape: number[]): HeadSpec => ({
  name: "h",
  target: "t",
  kind: "value",
  classes: null,
  shape,
});

const f32 = (shape: readonly number[], data: readonly number[]): HostTensor => ({
  dtype: "f32",
  shape,
  data: Float32Array.from(data),
});
const i32 = (data: readonly number[]): HostTensor => ({
  dtype: "i32",
  shape: [data.length],
  data: Int32Array.from(data),
});

function accumulatorOf(spec: MetricSpec, head: HeadSpec): MetricAccumulator {
  return (metrics[spec.kind] as MetricDefinition).create(head, spec);
}
function measure(
  spec: MetricSpec | MetricSpec["kind"],
  head: HeadSpec,
  predicted: readonly number[],
  actual: readonly number[],
): unknown {
  const full = (typeof spec === "string" ? { kind: spec } : spec) as MetricSpec;
  const accumulator = accumulatorOf(full, head);
  const n =
    head.kind === "value" ? actual.length / head.shape.reduce((a, b) => a * b, 1) : actual.length;
  const target = head.kind === "value" ? f32([n, ...head.shape], actual) : i32(actual);
  accumulator.add(f32([n, ...head.shape], predicted), target);
  return accumulator.result();
}

/** Probabilities that say each class clearly. */
const saying = (classes: readonly number[], of: number): number[] =>
  classes.flatMap((c) => Array.from({ length: of }, (_, i) => (i === c ? 0.9 : 0.1 / (of - 1))));

// Predicted 0 0 1 1 2 0, actual 0 1 1 1 2 2: hits 1, 2, 1; actual 1, 3, 2; predicted 3, 2, 1.
const predicted = saying([0, 0, 1, 1, 2, 0], 3);
const actual = [0, 1, 1, 1, 2, 2];

describe("by hand", () => {
  it("counts classes", () => {
    expect(measure("accuracy", category(3), predicted, actual)).toBeCloseTo(4 / 6, 12);
    expect(measure("confusion", category(3), predicted, actual)).toEqual([
      [1, 0, 0],
      [1, 2, 0],
      [1, 0, 1],
    ]);
    expect(measure("precision", category(3), predicted, actual)).toBeCloseTo(
      (1 / 3 + 1 + 1) / 3,
      12,
    );
    expect(measure("recall", category(3), predicted, actual)).toBeCloseTo(
      (1 + 2 / 3 + 1 / 2) / 3,
      12,
    );
    expect(measure("f1", category(3), predicted, actual)).toBeCloseTo(
      (2 / 4 + 4 / 5 + 2 / 3) / 3,
      12,
    );
  });

  it("scores the second class where there are two", () => {
    const scores = [0.9, 0.5, 0.2, 0.7, 0.1];
    const truth = [1, 1, 1, 0, 0];
    // Taken for the second class: 0.9, 0.5, 0.7, of which two are.
    expect(measure("precision", binary, scores, truth)).toBeCloseTo(2 / 3, 12);
    expect(measure("recall", binary, scores, truth)).toBeCloseTo(2 / 3, 12);
    expect(measure("f1", binary, scores, truth)).toBeCloseTo(2 / 3, 12);
    expect(measure("accuracy", binary, scores, truth)).toBeCloseTo(3 / 5, 12);
    const pairs = scores.flatMap((p) => [1 - p, p]);
    // A tie of 0.5 : 0.5 goes to the first of two categories.
    expect(measure("confusion", category(2), pairs, truth)).toEqual([
      [1, 1],
      [2, 1],
    ]);
  });

  it("gives 0 where nothing was predicted, and leaves out classes that do not occur", () => {
    expect(measure("precision", binary, [0.1, 0.2], [1, 0])).toBe(0);
    expect(measure("recall", binary, [0.9], [0])).toBe(0);
    expect(measure("f1", category(9), saying([0, 1], 9), [0, 1])).toBe(1);
  });

  it("finds the true class among the k most probable", () => {
    const scores = [0.5, 0.3, 0.2, 0.5, 0.3, 0.2, 0.5, 0.3, 0.2];
    const at = (k: number): unknown =>
      measure({ kind: "top_k", k }, category(3), scores, [0, 1, 2]);
    expect([at(1), at(2), at(3)]).toEqual([1 / 3, 2 / 3, 1]);
  });

  it("measures the area under the curve, ties counting half", () => {
    expect(measure("auc", binary, [0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])).toBe(0.75);
    expect(measure("auc", binary, [0.5, 0.5, 0.5], [0, 1, 1])).toBe(0.5);
    expect(measure("auc", binary, [0.2, 0.5, 0.5, 0.9], [0, 0, 1, 1])).toBe(0.875);
    expect(measure("auc", binary, [0.2, 0.5], [1, 1])).toBeNaN();
    expect(measure("auc", binary, [], [])).toBeNaN();
    // Against the rest: class 0 is separated, 1 has one pair of four wrong, 2 does not occur.
    const scores = [0.8, 0.2, 0, 0.6, 0.4, 0, 0.3, 0.3, 0.4, 0.1, 0.5, 0.4];
    expect(measure("auc", category(3), scores, [0, 0, 1, 1])).toBeCloseTo((1 + 0.75) / 2, 12);
  });

  it("measures errors of numbers in their units", () => {
    expect(measure("mae", value(1), [1, 2, 3], [2, 2, 1])).toBe(1);
    expect(measure("mse", value(1), [1, 2, 3], [2, 2, 1])).toBeCloseTo(5 / 3, 12);
    // Mean 2, deviations 1 0 1, errors 0.25 0 0.25.
    expect(measure("r2", value(1), [1.5, 2, 2.5], [1, 2, 3])).toBeCloseTo(1 - 0.5 / 2, 12);
    // Two outputs: the first is exact, the second no better than its mean.
    expect(measure("r2", value(2), [1, 5, 2, 5], [1, 4, 2, 6])).toBeCloseTo(0.5, 12);
    expect(measure("r2", value(1), [3, 3], [3, 3])).toBe(1);
    expect(measure("r2", value(1), [3, 4], [3, 3])).toBe(0);
  });

  it("keeps the digits of r2 for values far from zero", () => {
    const truth = [1e6, 1e6 + 1, 1e6 + 2, 1e6 + 3];
    const off = truth.map((v) => v + 0.5);
    expect(measure("r2", value(1), off, truth)).toBeCloseTo(1 - 1 / 5, 9);
  });
});

describe("for any data", () => {
  const classes = 4;
  const example = fc.record({
    scores: fc.array(
      fc.integer({ min: 0, max: 6 }).map((i) => i / 6),
      {
        minLength: classes,
        maxLength: classes,
      },
    ),
    actual: fc.nat(classes - 1),
  });
  const examples = fc.array(example, { minLength: 1, maxLength: 30 });
  const specs: readonly MetricSpec[] = [
    { kind: "accuracy" },
    { kind: "precision" },
    { kind: "recall" },
    { kind: "f1" },
    { kind: "auc" },
    { kind: "confusion" },
    { kind: "top_k", k: 2 },
  ];
  const regression: readonly MetricSpec[] = [{ kind: "mae" }, { kind: "mse" }, { kind: "r2" }];
  const all = [
    ...specs.map((spec) => ({ spec, head: category(classes) })),
    ...specs.filter(({ kind }) => kind !== "top_k").map((spec) => ({ spec, head: binary })),
    ...regression.map((spec) => ({ spec, head: value(classes) })),
  ];
  type Example = { readonly scores: readonly number[]; readonly actual: number };
  const batchOf = (head: HeadSpec, list: readonly Example[]): [HostTensor, HostTensor] => {
    const width = head.kind === "binary" ? 1 : classes;
    const scores = f32(
      [list.length, width],
      list.flatMap((e) => e.scores.slice(0, width)),
    );
    if (head.kind === "value") {
      const targets = list.flatMap((e) => e.scores.map((s) => s * 3 - e.actual));
      return [scores, f32([list.length, width], targets)];
    }
    return [scores, i32(list.map((e) => (head.kind === "binary" ? e.actual % 2 : e.actual)))];
  };

  it.each(all)(
    "$spec.kind of a $head.kind does not depend on how batches are cut",
    ({ spec, head }) => {
      const property = fc.property(
        examples,
        fc.array(fc.nat(30)),
        fc.nat(30),
        (list, cuts, pause) => {
          const whole = accumulatorOf(spec, head);
          whole.add(...batchOf(head, list));
          let parts = accumulatorOf(spec, head);
          const bounds = [
            0,
            ...cuts.filter((c) => c < list.length).sort((a, b) => a - b),
            list.length,
          ];
          bounds.slice(1).forEach((end, i) => {
            parts.add(...batchOf(head, list.slice(bounds[i], end)));
            if (i !== pause % bounds.length) return;
            // Saved and restored in the middle, through JSON as a checkpoint does it.
            const saved = parts.save();
            parts = accumulatorOf(spec, head);
            const numbers = JSON.parse(JSON.stringify(saved.numbers)) as number[];
            parts.restore({ ...saved, numbers });
          });
          expect(parts.result()).toEqual(whole.result());
        },
      );
      fc.assert(property, { numRuns: 60 });
    },
  );

  it("counts every example once in the confusion matrix, whose diagonal is the accuracy", () => {
    fc.assert(
      fc.property(examples, (list) => {
        const [scores, truth] = batchOf(category(classes), list);
        const confusion = accumulatorOf({ kind: "confusion" }, category(classes));
        const accuracy = accumulatorOf({ kind: "accuracy" }, category(classes));
        const first = accumulatorOf({ kind: "top_k", k: 1 }, category(classes));
        for (const metric of [confusion, accuracy, first]) metric.add(scores, truth);
        const rows = confusion.result() as number[][];
        expect(rows.flat().reduce((a, b) => a + b)).toBe(list.length);
        const hits = rows.reduce((sum, row, i) => sum + Number(row[i]), 0);
        expect(accuracy.result()).toBe(hits / list.length);
        expect(first.result()).toBe(accuracy.result());
      }),
    );
  });

  it("gives the share of pairs in order as the area under the curve", () => {
    fc.assert(
      fc.property(examples, (list) => {
        const [scores, truth] = batchOf(binary, list);
        const auc = accumulatorOf({ kind: "auc" }, binary);
        auc.add(scores, truth);
        let pairs = 0;
        let inOrder = 0;
        list.forEach((_, i) => {
          list.forEach((__, j) => {
            if (truth.data[i] !== 1 || truth.data[j] !== 0) return;
            pairs++;
            const difference = Number(scores.data[i]) - Number(scores.data[j]);
            inOrder += difference > 0 ? 1 : difference === 0 ? 0.5 : 0;
          });
        });
        if (pairs === 0) expect(auc.result()).toBeNaN();
        else expect(auc.result()).toBeCloseTo(inOrder / pairs, 10);
      }),
    );
  });
});

describe("a set of metrics", () => {
  it("calls a metric by its name, with several heads by the head's too", () => {
    const specs: MetricSpec[] = [{ kind: "accuracy" }, { kind: "top_k", k: 3 }, { kind: "mae" }];
    const digit = { ...category(10), name: "digit", target: "digit" };
    const parity = { ...binary, name: "parity", target: "parity" };
    const size = { ...value(1), name: "size", target: "size" };
    const untargeted = { ...category(3), name: "free", target: null };
    const names = metricUses(specs, [digit, parity, size, untargeted]).map(({ name }) => name);
    expect(names).toEqual(["digit.accuracy", "parity.accuracy", "top_3", "mae"]);
  });

  it("takes predictions from the outputs and truth from the inputs", () => {
    const set = createMetricSet([{ kind: "accuracy" }], [category(2)]);
    set.add({ h: f32([2, 2], [0.9, 0.1, 0.2, 0.8]) }, { t: i32([0, 0]) });
    expect(set.results()).toEqual({ accuracy: 0.5 });
    expect(() => set.add({}, {})).toThrow("needs output h");
  });
});
