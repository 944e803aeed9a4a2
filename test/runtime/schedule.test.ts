/** @file Learning rates against the formulas of the schedules. */
import type { ScheduleSpec } from "@dlc/runtime";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { initialMonitor, judgeEpoch } from "../../runtime/trainer/monitor.js";
import { learningRateAt, totalSteps } from "../../runtime/trainer/schedule.js";

const length = { epochs: 10, batchesPerEpoch: 20, accumulate: 1 };
const rates = (schedule: ScheduleSpec, warmupSteps = 0, of = length): number[] =>
  Array.from({ length: totalSteps(of) }, (_, i) =>
    learningRateAt({ learningRate: 2, schedule, warmupSteps }, of, i + 1, 1),
  );
const close = (actual: readonly number[], formula: (step: number) => number): void => {
  for (const [i, rate] of actual.entries()) expect(rate).toBeCloseTo(formula(i + 1), 12);
};

describe("a schedule", () => {
  it("constant: stays", () => close(rates({ kind: "constant" }), () => 2));

  it("step: falls by the factor every so many epochs", () =>
    close(
      rates({ kind: "step", every: 3, factor: 0.5 }),
      (step) => 2 * 0.5 ** Math.floor(Math.floor((step - 1) / 20) / 3),
    ));

  it("exponential: falls in every step, by the decay over an epoch", () => {
    const all = rates({ kind: "exponential", decay: 0.9 });
    close(all, (step) => 2 * 0.9 ** ((step - 1) / 20));
    expect(Number(all[20]) / Number(all[0])).toBeCloseTo(0.9, 12);
  });

  it("cosine: half a wave over the run, down to the floor", () => {
    close(
      rates({ kind: "cosine", floor: 0.1 }),
      (step) => 2 * (0.1 + 0.9 * 0.5 * (1 + Math.cos((Math.PI * (step - 1)) / 200))),
    );
  });

  it("one_cycle: from 1/start up to the full rate and down to 1/final", () => {
    const all = rates({ kind: "one_cycle", rise: 0.3, start: 25, final: 1e4 });
    expect(all[0]).toBeCloseTo(2 / 25, 12);
    expect(all.at(-1)).toBeCloseTo(2 / 1e4, 12);
    const peak = all.indexOf(Math.max(...all));
    expect(peak / 199).toBeCloseTo(0.3, 2);
    expect(all[peak]).toBeCloseTo(2, 3);
    for (let i = 1; i < all.length; i++) {
      const rises = i <= peak;
      expect(Number(all[i]) > Number(all[i - 1])).toBe(rises);
    }
  });

  it("reduce_on_plateau: is the rate times the reduction, not below the minimum", () => {
    const schedule = {
      kind: "reduce_on_plateau",
      factor: 0.1,
      patience: 1,
      minimum: 0.05,
    } as const;
    const at = (reduction: number): number =>
      learningRateAt({ learningRate: 2, schedule, warmupSteps: 0 }, length, 7, reduction);
    expect([at(1), at(0.1), at(0.01)]).toEqual([2, 0.2, 0.05]);
  });

  it("warm-up multiplies any schedule by step / warmupSteps up to 1", () => {
    const plain = rates({ kind: "cosine", floor: 0 });
    close(
      rates({ kind: "cosine", floor: 0 }, 8),
      (step) => Number(plain[step - 1]) * Math.min(1, step / 8),
    );
  });

  it("counts epochs in batches when several batches make a step", () => {
    const of = { epochs: 10, batchesPerEpoch: 20, accumulate: 8 };
    // Steps 1 and 2 end in epoch 0, step 3 with batch 24 in epoch 1.
    const all = rates({ kind: "step", every: 1, factor: 0.5 }, 0, of);
    expect(all.slice(0, 4)).toEqual([2, 2, 1, 1]);
    expect(all).toHaveLength(25);
  });

  it("gives a positive rate not above the base one at every step of any run", () => {
    const schedules = fc.constantFrom<ScheduleSpec>(
      { kind: "constant" },
      { kind: "step", every: 1, factor: 0.3 },
      { kind: "exponential", decay: 0.5 },
      { kind: "cosine", floor: 0.01 },
      { kind: "one_cycle", rise: 0.3, start: 25, final: 1e4 },
      { kind: "one_cycle", rise: 0, start: 25, final: 100 },
      { kind: "one_cycle", rise: 1, start: 25, final: 100 },
      { kind: "reduce_on_plateau", factor: 0.1, patience: 1, minimum: 0 },
    );
    const run = fc.record({
      epochs: fc.integer({ min: 1, max: 5 }),
      batchesPerEpoch: fc.integer({ min: 1, max: 9 }),
      accumulate: fc.integer({ min: 1, max: 4 }),
    });
    fc.assert(
      fc.property(schedules, run, fc.nat(5), (schedule, of, warmup) => {
        for (const rate of rates(schedule, warmup, of)) {
          expect(rate).toBeGreaterThan(0);
          expect(rate).toBeLessThanOrEqual(2 * (1 + 1e-12));
        }
      }),
    );
  });
});

describe("the end of an epoch", () => {
  const judge = (
    values: readonly number[],
    train: Partial<Parameters<typeof judgeEpoch>[1]> = {},
  ): ReturnType<typeof judgeEpoch>[] => {
    let state = initialMonitor;
    return values.map((value, i) => {
      const verdict = judgeEpoch(
        state,
        {
          monitor: { metric: "loss", mode: "min" },
          schedule: { kind: "constant" },
          earlyStopping: null,
          ...train,
        },
        value,
        { epoch: i + 1, step: i, checkpoint: `c${i + 1}` },
      );
      state = verdict.state;
      return verdict;
    });
  };

  it("is the best only if it is better than all before, and NaN never is", () => {
    const verdicts = judge([3, 2, 2, Number.NaN, 1, 4]);
    expect(verdicts.map(({ isBest }) => isBest)).toEqual([true, true, false, false, true, false]);
    expect(verdicts.at(-1)?.state.best).toEqual({ value: 1, epoch: 5, step: 4, checkpoint: "c5" });
    const highest = judge([1, 3, 2], { monitor: { metric: "accuracy", mode: "max" } });
    expect(highest.map(({ isBest }) => isBest)).toEqual([true, true, false]);
  });

  it("prefers the smaller loss where values are equal", () => {
    const accuracy = { monitor: { metric: "accuracy", mode: "max" as const } };
    const losses = [3, 2, 2.5, Number.NaN, 1];
    let state = initialMonitor;
    const best = losses.map((loss, i) => {
      const at = { epoch: i + 1, step: i, checkpoint: `c${i + 1}` };
      const train = { ...accuracy, schedule: { kind: "constant" as const }, earlyStopping: null };
      const known = Number.isNaN(loss) ? {} : { loss };
      ({ state } = judgeEpoch(state, train, 1, { ...at, ...known }));
      return state.best?.epoch;
    });
    expect(best).toEqual([1, 2, 2, 2, 5]);
  });

  it("stops after so many epochs in a row without improvement", () => {
    const earlyStopping = { patience: 2, minDelta: 0, restoreBest: false };
    const stops = judge([5, 6, 4, 4, 5], { earlyStopping }).map(({ stop }) => stop);
    expect(stops).toEqual([false, false, false, false, true]);
  });

  it("waits for small improvements to add up to minDelta", () => {
    const earlyStopping = { patience: 2, minDelta: 0.5, restoreBest: false };
    // 4.8 and 4.6 are each too little; 4.4 beats 5 by enough.
    expect(judge([5, 4.8, 4.4, 4.3, 4.2], { earlyStopping }).map(({ stop }) => stop)).toEqual([
      false,
      false,
      false,
      false,
      true,
    ]);
  });

  it("reduces the rate after so many epochs without improvement, again and again", () => {
    const schedule = { kind: "reduce_on_plateau", factor: 0.5, patience: 2, minimum: 0 } as const;
    const reductions = judge([3, 4, 4, 4, 4, 2, 3], { schedule }).map(
      ({ state }) => state.plateau.reduction,
    );
    expect(reductions).toEqual([1, 1, 0.5, 0.5, 0.25, 0.25, 0.25]);
  });
});
