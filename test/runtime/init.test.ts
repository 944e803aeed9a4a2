/** @file Initial values: the right distribution, the same for the same seed and name, nothing else. */
import { type InitSpec, initialState, type StateSpec } from "@dlc/runtime";
import { describe, expect, it } from "vitest";

const spec = (init: InitSpec, shape: readonly number[] = [100, 200]): StateSpec => ({
  dtype: "f32",
  shape,
  role: "weight",
  init,
  layer: "l",
});
const values = (init: InitSpec, shape?: readonly number[], seed = 7): number[] =>
  Array.from(initialState({ w: spec(init, shape) }, seed).w?.data ?? []);

const mean = (xs: readonly number[]): number => xs.reduce((a, b) => a + b, 0) / xs.length;
const deviation = (xs: readonly number[]): number => {
  const m = mean(xs);
  return Math.sqrt(mean(xs.map((x) => (x - m) ** 2)));
};

const fans = { fanIn: 300, fanOut: 100 };
/** Variance that each kind promises. */
const scaled = {
  glorot_uniform: 2 / 400,
  glorot_normal: 2 / 400,
  he_uniform: 2 / 300,
  he_normal: 2 / 300,
  lecun_uniform: 1 / 300,
  lecun_normal: 1 / 300,
} as const;

describe("initial values", () => {
  it("of unit_forget are ones for the second of four gates, else zeros", () => {
    expect(values({ kind: "unit_forget" }, [8])).toEqual([0, 0, 1, 1, 0, 0, 0, 0]);
  });

  it.each(Object.entries(scaled))(
    "of %s have the variance of the paper and mean 0",
    (kind, variance) => {
      const xs = values({ kind: kind as keyof typeof scaled, ...fans });
      const sigma = Math.sqrt(variance);
      // 20,000 draws: five standard errors.
      expect(Math.abs(mean(xs))).toBeLessThan((5 * sigma) / Math.sqrt(xs.length));
      expect(deviation(xs) / sigma).toBeCloseTo(1, 1);
      expect(Math.abs(deviation(xs) / sigma - 1)).toBeLessThan(0.025);
      const limit = kind.endsWith("uniform")
        ? Math.sqrt(3 * variance)
        : (2 * sigma) / 0.8796256610342398;
      const largest = Math.max(...xs.map(Math.abs));
      expect(largest).toBeLessThanOrEqual(limit * (1 + 1e-6));
      expect(largest).toBeGreaterThan(0.97 * limit);
    },
  );

  it("of uniform and normal have the given width", () => {
    const uniform = values({ kind: "uniform", value: 0.05 });
    expect(Math.max(...uniform.map(Math.abs))).toBeLessThanOrEqual(0.05 * (1 + 1e-6));
    expect(deviation(uniform)).toBeCloseTo(0.05 / Math.sqrt(3), 3);
    const normal = values({ kind: "normal", value: 0.5 });
    expect(deviation(normal)).toBeCloseTo(0.5, 1);
    // Not truncated: of 20,000 draws about 54 lie beyond three deviations.
    expect(normal.filter((x) => Math.abs(x) > 1.5).length).toBeGreaterThan(20);
  });

  it("of zeros, ones and constant are what they say", () => {
    expect(new Set(values({ kind: "zeros" }, [5]))).toEqual(new Set([0]));
    expect(new Set(values({ kind: "ones" }, [5]))).toEqual(new Set([1]));
    expect(new Set(values({ kind: "constant", value: 2.5 }, [5]))).toEqual(new Set([2.5]));
  });

  it.each([[[6, 6]], [[5, 12]], [[12, 5]], [[8, 3, 3, 3]]])(
    "of orthogonal are orthonormal for shape %j",
    (shape) => {
      const gain = 1.5;
      const xs = values({ kind: "orthogonal", value: gain }, shape);
      const rows = shape[0] as number;
      const columns = xs.length / rows;
      const vector = (i: number): number[] =>
        rows <= columns
          ? xs.slice(i * columns, (i + 1) * columns)
          : xs.filter((_, at) => at % columns === i);
      const count = Math.min(rows, columns);
      for (let i = 0; i < count; i++) {
        for (let j = 0; j <= i; j++) {
          const dot = vector(i).reduce((sum, x, k) => sum + x * Number(vector(j)[k]), 0);
          expect(dot).toBeCloseTo(i === j ? gain ** 2 : 0, 5);
        }
      }
    },
  );

  it("of copy equal the other tensor, also one that comes later", () => {
    const state = initialState(
      {
        "w:average": { ...spec({ kind: "copy", of: "w" }), role: "average" },
        w: spec({ kind: "he_normal", ...fans }),
      },
      3,
    );
    expect(state["w:average"]?.data).toEqual(state.w?.data);
    expect(state["w:average"]?.data).not.toBe(state.w?.data);
    const circular = { a: spec({ kind: "copy", of: "b" }), b: spec({ kind: "copy", of: "a" }) };
    expect(() => initialState(circular, 1)).toThrow("copies");
  });

  it("depend on seed and name, not on the other tensors", () => {
    const init: InitSpec = { kind: "glorot_uniform", ...fans };
    const alone = initialState({ a: spec(init) }, 1);
    const together = initialState({ z: spec(init), a: spec(init), b: spec(init) }, 1);
    expect(together.a).toEqual(alone.a);
    expect(together.b?.data).not.toEqual(together.a?.data);
    expect(initialState({ a: spec(init) }, 2).a?.data).not.toEqual(alone.a?.data);
  });

  it("of neighbouring seeds and names are not correlated", () => {
    const init: InitSpec = { kind: "normal", value: 1 };
    const correlation = (a: readonly number[], b: readonly number[]): number =>
      mean(a.map((x, i) => x * Number(b[i])));
    const state = initialState({ "dense_1.kernel": spec(init), "dense_2.kernel": spec(init) }, 1);
    const [a, b] = ["dense_1.kernel", "dense_2.kernel"].map((n) =>
      Array.from(state[n]?.data ?? []),
    );
    expect(Math.abs(correlation(a ?? [], b ?? []))).toBeLessThan(5 / Math.sqrt(20000));
    const seeds = [1, 2].map((seed) => values(init, undefined, seed));
    expect(Math.abs(correlation(seeds[0] ?? [], seeds[1] ?? []))).toBeLessThan(
      5 / Math.sqrt(20000),
    );
  });
});
