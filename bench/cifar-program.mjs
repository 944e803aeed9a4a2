/**
 * @file The training step as a program over the op contract, written by hand. `rewrites` switches on
 * graph rewrites one by one, to measure what each is worth.
 */
import { adam, names, weights } from "./network.mjs";

const slots = names.flatMap((name) => [name, `${name}:m`, `${name}:v`]);
export const stateSpecs = Object.fromEntries(
  slots.map((name) => [
    name,
    {
      dtype: "f32",
      shape: weights[name.split(":")[0]],
      role: name.includes(":") ? "slot" : "weight",
      init: { kind: "zeros" },
      layer: name,
    },
  ]),
);

/**
 * `crop`: rows that a pool ignores are not computed; `pooledMask`: the relu's mask is applied to the
 * pooled gradient; `pooledBias`: bias gradients are summed from the pooled gradient.
 */
export function trainingProgram({ crop = false, pooledMask = false, pooledBias = false } = {}) {
  const layout = "NCHW";
  const conv = { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], groups: 1, layout };
  const pool = { kernel: [2, 2], strides: [2, 2], pads: [0, 0, 0, 0], layout };
  const product = { transposeA: false, transposeB: false, activation: "none" };
  return {
    name: "train",
    inputs: {
      image: { dtype: "u8", shape: ["n", 32, 32, 3] },
      label: { dtype: "i32", shape: ["n"] },
    },
    scalars: { learning_rate: "f32", step: "f32" },
    reads: slots,
    updates: slots,
    outputs: { loss: { dtype: "f32", shape: [] } },
    run(o, { inputs, scalars, state: s, n }) {
      const number = (value) => o.constant({ dtype: "f32", shape: [], value });
      const sum = (x, axes) => o.sum(x, { axes, keepDims: false });
      const cast = o.cast(inputs.image, { dtype: "f32" });
      const x = o.transpose(o.mul(cast, number(1 / 255)), { perm: [0, 3, 1, 2] });
      const y = o.oneHot(inputs.label, { depth: 10, on: 1, off: 0 });
      const relu = { activation: "relu" };
      const r1 = o.conv2d(x, s.w1, { ...conv, ...relu, bias: s.b1 });
      const p1 = o.maxPool2d(r1, pool);
      const used = crop ? o.slice(p1, { axes: [2, 3], starts: [0, 0], ends: [14, 14] }) : p1;
      const r2 = o.conv2d(used, s.w2, { ...conv, ...relu, bias: s.b2 });
      const p2 = o.maxPool2d(r2, pool);
      const r3 = o.conv2d(p2, s.w3, { ...conv, ...relu, bias: s.b3 });
      const flat = o.reshape(r3, { shape: [n, 1024] });
      const r4 = o.matmul(flat, s.w4, { ...product, ...relu, bias: s.b4 });
      const logits = o.matmul(r4, s.w5, { ...product, bias: s.b5 });
      const loss = o.mean(o.softmaxCrossEntropy(logits, y), { axes: [0], keepDims: false });

      const g = {};
      const dl = o.mul(o.sub(o.softmax(logits, { axis: 1 }), y), number(1 / n));
      g.w5 = o.matmul(r4, dl, { ...product, transposeA: true });
      g.b5 = sum(dl, [0]);
      const d4 = o.reluGrad(o.matmul(dl, s.w5, { ...product, transposeB: true }), r4);
      g.w4 = o.matmul(flat, d4, { ...product, transposeA: true });
      g.b4 = sum(d4, [0]);
      const df = o.matmul(d4, s.w4, { ...product, transposeB: true });
      const d3 = o.reluGrad(o.reshape(df, { shape: [n, 64, 4, 4] }), r3);
      g.w3 = o.conv2dFilterGrad(p2, d3, { ...conv, kernelSize: [3, 3] });
      g.b3 = sum(d3, [0, 2, 3]);

      /** Gradients of pool, relu and bias: towards the convolution's result, and its bias. */
      const through = (dy, r, pooled) => {
        if (!pooledMask) {
          const d = o.reluGrad(o.maxPool2dGrad(r, pooled, dy, pool), r);
          return [d, sum(d, [0, 2, 3])];
        }
        const masked = o.reluGrad(dy, pooled);
        const d = o.maxPool2dGrad(r, pooled, masked, pool);
        return [d, sum(pooledBias ? masked : d, [0, 2, 3])];
      };
      const dp2 = o.conv2dInputGrad(d3, s.w3, { ...conv, inputSize: [6, 6] });
      const [d2, b2] = through(dp2, r2, p2);
      g.b2 = b2;
      g.w2 = o.conv2dFilterGrad(used, d2, { ...conv, kernelSize: [3, 3] });
      const size = crop ? 14 : 15;
      const dc = o.conv2dInputGrad(d2, s.w2, { ...conv, inputSize: [size, size] });
      const dp1 = crop ? o.pad(dc, { before: [0, 0, 0, 0], after: [0, 0, 1, 1], value: 0 }) : dc;
      const [d1, b1] = through(dp1, r1, p1);
      g.b1 = b1;
      g.w1 = o.conv2dFilterGrad(x, d1, { ...conv, kernelSize: [3, 3] });

      const options = { ...adam, weightDecay: 0 };
      const state = {};
      for (const name of names) {
        [state[name], state[`${name}:m`], state[`${name}:v`]] = o.applyAdam(
          s[name],
          s[`${name}:m`],
          s[`${name}:v`],
          g[name],
          scalars.learning_rate,
          scalars.step,
          options,
        );
      }
      return { outputs: { loss }, state };
    },
  };
}
