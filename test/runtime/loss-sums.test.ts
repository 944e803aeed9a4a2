/** @file Losses over batches: as if all examples had been one batch. */
import { describe, expect, it } from "vitest";
import { type HostTensor, scalar } from "../../runtime/tensor.js";
import { addLosses, type LossSums, meanLosses } from "../../runtime/trainer/loss-sums.js";

const pair = (first: number, second: number): HostTensor => ({
  dtype: "f32",
  shape: [2],
  data: Float32Array.of(first, second),
});

/** What a program puts out for a batch: means, and of token losses how many and what they add. */
type Outputs = Readonly<Record<string, HostTensor>>;

const over = (batches: readonly (readonly [Outputs, number])[]): Record<string, number> => {
  const sums = batches.reduce<LossSums>(
    (all, [outputs, examples]) => addLosses(all, outputs, examples),
    {},
  );
  // As a checkpoint in the middle of an epoch would have it.
  const restored = JSON.parse(JSON.stringify(sums)) as LossSums;
  return meanLosses(
    restored,
    batches.reduce((all, [, examples]) => all + examples, 0),
  );
};

describe("losses over batches", () => {
  it("weight means over examples by examples", () => {
    const means = over([
      [{ loss: scalar("f32", 2), y: scalar("f32", 9) }, 3],
      [{ loss: scalar("f32", 6) }, 1],
    ]);
    expect(means).toEqual({ loss: 3 });
  });

  it("weight means over tokens by tokens, however many examples have them", () => {
    const means = over([
      [{ loss: scalar("f32", 2), "steps.cross_entropy": pair(10, 2) }, 1],
      [{ loss: scalar("f32", 8), "steps.cross_entropy": pair(2, 8) }, 5],
    ]);
    expect(means).toEqual({ loss: 3 });
  });

  it("add up losses of both kinds by what each is the mean of", () => {
    // 2·tokens + numbers: 2·3 + 5.5 over all.
    const batch = (tokens: number, count: number, number: number): Outputs => ({
      loss: scalar("f32", 2 * tokens + number),
      "loss.cross_entropy": scalar("f32", tokens),
      "loss.mse": scalar("f32", number),
      "steps.cross_entropy": pair(count, 2 * tokens),
    });
    const means = over([
      [batch(2, 10, 4), 1],
      [batch(8, 2, 6), 3],
    ]);
    expect(means["loss.cross_entropy"]).toBe(3);
    expect(means["loss.mse"]).toBe(5.5);
    expect(means.loss).toBe(11.5);
  });

  it("add up phases, whose losses may be of both kinds", () => {
    const batch = (tokens: number, count: number, number: number): Outputs => ({
      loss: scalar("f32", tokens + number),
      "loss.talk": scalar("f32", tokens),
      "loss.paint": scalar("f32", number),
      "steps.talk.cross_entropy": pair(count, tokens),
    });
    const means = over([
      [batch(2, 10, 4), 1],
      [batch(8, 2, 6), 3],
    ]);
    expect(means).toEqual({ "loss.talk": 3, "loss.paint": 5.5, loss: 8.5 });
  });

  it("are 0 where there were no tokens at all", () => {
    const nothing = { loss: scalar("f32", 0), "steps.cross_entropy": pair(0, 0) };
    expect(over([[nothing, 2]])).toEqual({ loss: 0 });
  });
});
