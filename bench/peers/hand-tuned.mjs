/**
 * @file The training step as tuned by hand for this one network: every choice that was measured to
 * be fastest with portable operators. Weights and slots lie in three flat arrays; rows that the
 * second pool ignores are never computed; bias gradients are summed from the pooled gradients.
 */
import { adam, initialWeights, names, sizeOf, weights } from "../network.mjs";
import { graphPeer } from "./onnx-graph.mjs";

export function handTuned({ batch, threads }) {
  const first = initialWeights();
  const total = names.reduce((sum, name) => sum + sizeOf(weights[name]), 0);
  const flatWeights = new Float32Array(total);
  let offset = 0;
  for (const name of names) {
    flatWeights.set(first[name], offset);
    offset += first[name].length;
  }
  const plain = { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], groups: 1 };

  return graphPeer({
    name: "onnx hand-tuned",
    batch,
    threads,
    state: {
      p: { shape: [total], first: flatWeights },
      m: { shape: [total] },
      v: { shape: [total] },
    },
    options: {
      graphOptimizationLevel: "extended",
      extra: {
        optimization: { disable_specified_optimizers: "ReshapeFusion" },
        session: { force_spinning_stop: "1" },
      },
    },
    build(p, i) {
      const sizes = names.map((name) => sizeOf(weights[name]));
      const parts = p.graph.node(
        "Split",
        [i.p, p.ints(sizes)],
        { axis: 0 },
        sizes.map((size) => ({ dtype: "f32", shape: [size] })),
      );
      const w = Object.fromEntries(
        names.map((name, k) => [name, p.reshape(parts[k], weights[name])]),
      );
      const relu = (x) => p.unary("Relu", x);
      const sum = (x, axes) => p.reduce("ReduceSum", x, axes, false);
      const maxPool = (x, size) =>
        p.node("MaxPool", [x], [batch, x.shape[1], size, size], {
          kernel_shape: [2, 2],
          strides: [2, 2],
        });
      const crop = (x, size) =>
        p.slice(x, [
          { axis: 2, start: 0, end: size },
          { axis: 3, start: 0, end: size },
        ]);
      const masked = (dy, y) =>
        p.mul(dy, p.cast(p.binary("Greater", y, p.scalar(0), "bool"), "f32"));

      const r1 = relu(p.conv(i.x, w.w1, w.b1, plain));
      const p1 = maxPool(r1, 15);
      const r2 = relu(p.conv(crop(p1, 14), w.w2, w.b2, plain));
      const p2 = maxPool(r2, 6);
      const r3 = relu(p.conv(p2, w.w3, w.b3, plain));
      const flat = p.reshape(r3, [batch, 1024]);
      const r4 = relu(p.gemm(flat, w.w4, w.b4, false, false));
      const logits = p.gemm(r4, w.w5, w.b5, false, false);
      const log = p.node("LogSoftmax", [logits], logits.shape, { axis: 1 });
      const loss = p.unary("Neg", p.reduce("ReduceMean", sum(p.mul(log, i.y), [1]), [0], false));

      const g = {};
      const dl = p.scale(p.sub(p.unary("Exp", log), i.y), 1 / batch);
      g.w5 = p.gemm(r4, dl, null, true, false);
      g.b5 = sum(dl, [0]);
      const d4 = masked(p.gemm(dl, w.w5, null, false, true), r4);
      g.w4 = p.gemm(flat, d4, null, true, false);
      g.b4 = sum(d4, [0]);
      const d3 = masked(p.reshape(p.gemm(d4, w.w4, null, false, true), [batch, 64, 4, 4]), r3);
      const channels = (d) => sum(sum(d, [0]), [1, 2]);
      const taps = [0, 1, 2].flatMap((a) => [0, 1, 2].map((b) => [a, b]));
      // dyᵀ [O, N·P] times shifted pixels [N·P, C].
      const byPixels = (x, dy, size) => {
        const [o, c] = [dy.shape[1], x.shape[1]];
        const left = p.reshape(p.transpose(dy, [1, 0, 2, 3]), [o, batch * size * size]);
        const last = p.transpose(x, [0, 2, 3, 1]);
        const columns = taps.map(([a, b]) => {
          const part = p.slice(last, [
            { axis: 1, start: a, end: a + size },
            { axis: 2, start: b, end: b + size },
          ]);
          return p.reshape(p.matmul(left, p.reshape(part, [batch * size * size, c])), [o, c, 1]);
        });
        return p.reshape(p.concat(columns, 2), [o, c, 3, 3]);
      };
      // Taps side by side as channels, one batched product.
      const byColumns = (x, dy, size) => {
        const [o, c] = [dy.shape[1], x.shape[1]];
        const planes = taps.map(([a, b]) =>
          p.reshape(
            p.slice(x, [
              { axis: 2, start: a, end: a + size },
              { axis: 3, start: b, end: b + size },
            ]),
            [batch, c, size * size],
          ),
        );
        const rows = p.reshape(dy, [batch, o, size * size]);
        const product = sum(p.matmul(rows, p.concat(planes, 1), false, true), [0]);
        return p.reshape(p.transpose(p.reshape(product, [o, 9, c]), [0, 2, 1]), [o, c, 3, 3]);
      };
      const unpool = (x, y, dy) =>
        p.mul(
          p.cast(p.binary("Equal", x, p.upsample(y, [2, 2]), "bool"), "f32"),
          p.upsample(dy, [2, 2]),
        );
      g.w3 = byPixels(p2, d3, 4);
      g.b3 = channels(d3);
      const dp2 = masked(p.convTranspose(d3, w.w3, plain, [6, 6]), p2);
      const d2 = unpool(r2, p2, dp2);
      g.b2 = channels(dp2);
      g.w2 = byPixels(p1, d2, 12);
      const dc = p.pad(p.convTranspose(d2, w.w2, plain, [14, 14]), [0, 0, 0, 0], [0, 0, 1, 1]);
      const dp1 = masked(dc, p1);
      const d1 = unpool(r1, p1, dp1);
      g.b1 = channels(dp1);
      g.w1 = byColumns(i.x, d1, 30);

      const all = p.concat(
        names.map((name) => p.reshape(g[name], [sizeOf(weights[name])])),
        0,
      );
      const m = p.add(p.scale(i.m, adam.beta1), p.scale(all, 1 - adam.beta1));
      const v = p.add(p.scale(i.v, adam.beta2), p.scale(p.mul(all, all), 1 - adam.beta2));
      const root = p.add(p.unary("Sqrt", v), i.floor);
      return { loss, state: { p: p.sub(i.p, p.mul(i.rate, p.div(m, root))), m, v } };
    },
  });
}
