/**
 * @file The textbook lowering of the training step: what one writes without measuring anything.
 * Weight gradients as convolutions of transposed tensors, pooling with indices, one update per tensor.
 */
import { adam, initialWeights, names, weights } from "../network.mjs";
import { graphPeer } from "./onnx-graph.mjs";

export function naive({ batch, threads }) {
  const first = initialWeights();
  const state = {};
  for (const name of names) {
    state[name] = { shape: weights[name], first: first[name] };
    for (const slot of ["m", "v"]) state[name + slot] = { shape: weights[name] };
  }
  const pool = { kernel_shape: [2, 2], strides: [2, 2] };
  const plain = { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], groups: 1 };

  return graphPeer({
    name: "onnx naive",
    batch,
    threads,
    state,
    options: { graphOptimizationLevel: "all", extra: { session: { force_spinning_stop: "1" } } },
    build(p, i) {
      const relu = (x) => p.unary("Relu", x);
      const sum = (x, axes) => p.reduce("ReduceSum", x, axes, false);
      const swap = (x) => p.transpose(x, [1, 0, 2, 3]);
      const maxPool = (x, size) =>
        p.graph.node("MaxPool", [x], pool, [
          { dtype: "f32", shape: [batch, x.shape[1], size, size] },
          { dtype: "i64", shape: [batch, x.shape[1], size, size] },
        ]);
      const unpool = (dy, indices, shape) =>
        p.node("MaxUnpool", [dy, indices, p.ints(shape)], shape, pool);
      const masked = (dy, y) => p.mul(dy, p.unary("Sign", y));

      const r1 = relu(p.conv(i.x, i.w1, i.b1, plain));
      const [p1, i1] = maxPool(r1, 15);
      const r2 = relu(p.conv(p1, i.w2, i.b2, plain));
      const [p2, i2] = maxPool(r2, 6);
      const r3 = relu(p.conv(p2, i.w3, i.b3, plain));
      const flat = p.reshape(r3, [batch, 1024]);
      const r4 = relu(p.gemm(flat, i.w4, i.b4, false, false));
      const logits = p.gemm(r4, i.w5, i.b5, false, false);
      const log = p.node("LogSoftmax", [logits], logits.shape, { axis: 1 });
      const loss = p.unary("Neg", p.reduce("ReduceMean", sum(p.mul(log, i.y), [1]), [0], false));

      const g = {};
      const softmax = p.node("Softmax", [logits], logits.shape, { axis: 1 });
      const dl = p.scale(p.sub(softmax, i.y), 1 / batch);
      g.w5 = p.gemm(r4, dl, null, true, false);
      g.b5 = sum(dl, [0]);
      const d4 = masked(p.gemm(dl, i.w5, null, false, true), r4);
      g.w4 = p.gemm(flat, d4, null, true, false);
      g.b4 = sum(d4, [0]);
      const d3 = masked(p.reshape(p.gemm(d4, i.w4, null, false, true), [batch, 64, 4, 4]), r3);
      const filter = (x, dy) => swap(p.conv(swap(x), swap(dy), null, plain));
      g.w3 = filter(p2, d3);
      g.b3 = sum(d3, [0, 2, 3]);
      const dp2 = masked(p.convTranspose(d3, i.w3, plain, [6, 6]), p2);
      const d2 = unpool(dp2, i2, [batch, 64, 13, 13]);
      g.w2 = filter(p1, d2);
      g.b2 = sum(d2, [0, 2, 3]);
      const dp1 = masked(p.convTranspose(d2, i.w2, plain, [15, 15]), p1);
      const d1 = unpool(dp1, i1, [batch, 32, 30, 30]);
      g.w1 = filter(i.x, d1);
      g.b1 = sum(d1, [0, 2, 3]);

      const next = {};
      for (const name of names) {
        const m = p.add(p.scale(i[`${name}m`], adam.beta1), p.scale(g[name], 1 - adam.beta1));
        const v = p.add(
          p.scale(i[`${name}v`], adam.beta2),
          p.scale(p.mul(g[name], g[name]), 1 - adam.beta2),
        );
        const root = p.add(p.unary("Sqrt", v), i.floor);
        next[`${name}m`] = m;
        next[`${name}v`] = v;
        next[name] = p.sub(i[name], p.mul(i.rate, p.div(m, root)));
      }
      return { loss, state: next };
    },
  });
}
