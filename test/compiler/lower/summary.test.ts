/** @file Parameter counts, sizes and work of layers, and the names of state tensors. */
import { expect, it } from "vitest";
import { lowered } from "../../support/lowering.js";
import { image, specOf, vector } from "../../support/spec.js";

const rows = (layers: string, features = { x: image(28, 28, 3) as never }) =>
  lowered(specOf({ features, layers })).layers;

it("counts the parameters that Keras counts", () => {
  const count = (layer: string, features?: never): number =>
    rows(`- ${layer}`, features)[0]?.weights ?? -1;
  expect(count("dense: 10", { x: vector(784) } as never)).toBe(7850);
  expect(count("conv2d: { filters: 32, kernel: [3, 5] }")).toBe(3 * 5 * 3 * 32 + 32);
  expect(count("conv2d: { filters: 6, groups: 3, bias: false }")).toBe(3 * 3 * 1 * 6);
  expect(count("depthwise_conv2d: { multiplier: 2 }")).toBe(3 * 3 * 3 * 2 + 6);
  expect(count("separable_conv2d: 16")).toBe(3 * 3 * 3 + 3 * 16 + 16);
  expect(count("transposed_conv2d: 16")).toBe(3 * 3 * 3 * 16 + 16);
  expect(count("conv1d: 4", { x: vector(9, 2) } as never)).toBe(3 * 2 * 4 + 4);
  expect(count("batch_norm")).toBe(6);
  expect(count("layer_norm: { offset: false }")).toBe(3);
  expect(rows("- batch_norm")[0]?.buffers).toBe(6);
});

it("counts two operations per multiply-add of one example", () => {
  const [conv, flat, dense] = rows(`
- conv2d: { filters: 8, kernel: 3, bias: false }
- flatten
- dense: { units: 10, bias: false }`);
  expect(conv).toMatchObject({ output: ["n", 26, 26, 8], flops: 2 * 26 * 26 * 8 * 27 });
  expect(flat?.flops).toBe(0);
  expect(dense?.flops).toBe(2 * 26 * 26 * 8 * 10);
});

it("lists each layer's inputs and place", () => {
  const [a, , c] = rows("- { relu: {}, as: a }\n- tanh\n- add: [a, tanh_1]");
  expect(a).toMatchObject({ name: "a", type: "relu", inputs: ["x"] });
  expect(c).toMatchObject({ name: "add_1", inputs: ["a", "tanh_1"] });
  expect(c?.span.start).toBeGreaterThan(a?.span.end ?? 0);
});

it("gives weights the fans of their layer", () => {
  const { state } = lowered(
    specOf({
      features: { x: image(8, 8, 4) },
      layers: `
- conv2d: { filters: 6, kernel: 3, kernel_initializer: he_normal }
- conv2d: { filters: 6, kernel: 3, groups: 2, kernel_initializer: he_uniform }
- conv2d: { filters: 6, kernel_initializer: { normal: 0.02 }, bias_initializer: uniform }
- flatten
- dense: 5`,
    }),
  );
  expect(state["conv2d_1.kernel"]).toEqual({
    dtype: "f32",
    shape: [6, 4, 3, 3],
    role: "weight",
    init: { kind: "he_normal", fanIn: 36, fanOut: 54 },
    layer: "conv2d_1",
  });
  expect(state["conv2d_2.kernel"]?.init).toEqual({ kind: "he_uniform", fanIn: 27, fanOut: 27 });
  expect(state["conv2d_3.kernel"]?.init).toEqual({ kind: "normal", value: 0.02 });
  expect(state["conv2d_3.bias"]?.init).toEqual({ kind: "uniform", value: 0.05 });
  expect(state["dense_1.kernel"]?.init).toMatchObject({ kind: "glorot_uniform", fanOut: 5 });
  expect(Object.keys(state)[0]).toBe("conv2d_1.kernel");
});
