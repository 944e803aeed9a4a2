/** @file Computing on blocked images gives what computing on plain ones gives. */
import type { HostTensor, Ops } from "@dlc/runtime";
import { describe, expect, it } from "vitest";
import type { ReferenceTensor } from "../../compiler/ops/define-op.js";
import { probeBlockSize } from "../../runtime/engines/onnx/block-probe.js";
import { createGraph, type Handle } from "../../runtime/engines/onnx/graph.js";
import { encodeModel } from "../../runtime/engines/onnx/model-proto.js";
import { openSession, toOrt } from "../../runtime/engines/onnx/ort.js";
import { loadOrt } from "../../runtime/engines/onnx/ort-node.js";
import { createRecorder } from "../../runtime/engines/onnx/recorder.js";
import { cpuTarget } from "../../runtime/engines/onnx/target.js";
import { toHost, worstError } from "../support/one-op-program.js";
import { someTensor } from "../support/onnx-graph.js";

const ort = await loadOrt();
const block = await probeBlockSize(ort);

type Compute = <T>(o: Ops<T>, inputs: readonly T[]) => readonly T[];

async function compute(
  size: number,
  inputs: readonly ReferenceTensor[],
  body: Compute,
): Promise<{ values: readonly HostTensor[]; operators: ReadonlySet<string> }> {
  const target = cpuTarget(size);
  const graph = createGraph();
  const handles = inputs.map(({ dtype, shape }, i) => graph.input(`x${i}`, dtype, shape));
  const results: readonly Handle[] = body(createRecorder(graph, target), handles);
  const model = graph.model(results);
  const session = await openSession(ort, encodeModel(model), { target, threads: 1 });
  const outputs = await session.run(
    Object.fromEntries(inputs.map((x, i) => [`x${i}`, toOrt(ort, toHost(x))])),
  );
  await session.release();
  const values = results.map(({ name, shape }) => {
    const data = outputs[name]?.data as Float32Array;
    return { dtype: "f32" as const, shape, data };
  });
  const blocked = model.nodes.filter((node) => node.domain.endsWith("nchwc"));
  return { values, operators: new Set(blocked.map((node) => node.op)) };
}

const plain = { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], groups: 1 } as const;
const pool = { kernel: [2, 2], strides: [2, 2], pads: [0, 0, 0, 0] } as const;

interface Case {
  readonly what: string;
  readonly inputs: readonly (readonly number[])[];
  readonly body: Compute;
  /** Blocked operators that must have been used. */
  readonly uses: readonly string[];
}

const cases: readonly Case[] = [
  ...(["NCHW", "NHWC"] as const).map((layout): Case => {
    const image = (c: number, h: number, w: number): number[] =>
      layout === "NCHW" ? [3, c, h, w] : [3, h, w, c];
    return {
      what: `two convolutions with pooling, forward and backward, ${layout}`,
      inputs: [image(3, 40, 44), [32, 3, 3, 3], [32], [64, 32, 3, 3], image(64, 22, 23)],
      body(o, [x, w1, b1, w2, dy]) {
        if (!x || !w1 || !b1 || !w2 || !dy) throw new Error("inputs");
        const conv = { ...plain, pads: [1, 1, 2, 1], layout } as const;
        const padded = { ...conv, pads: [2, 2, 2, 2] } as const;
        const sum = { axes: layout === "NCHW" ? [0, 2, 3] : [0, 1, 2], keepDims: false };
        const r1 = o.conv2d(x, w1, { ...conv, bias: b1, activation: "relu" });
        const whole = o.maxPool2d(r1, { ...pool, layout });
        const axes = layout === "NCHW" ? [2, 3] : [1, 2];
        const p1 = o.slice(whole, { axes, starts: [0, 1], ends: [20, 22] });
        const r2 = o.conv2d(p1, w2, { ...padded, activation: "none" });
        const y = o.relu(o.add(r2, dy));
        const d2 = o.reluGrad(dy, y);
        const g2 = o.conv2dFilterGrad(p1, d2, { ...padded, kernelSize: [3, 3] });
        const dp = o.conv2dInputGrad(d2, w2, { ...padded, inputSize: [20, 21] });
        const side = layout === "NCHW" ? [0, 0, 0, 1] : [0, 0, 1, 0];
        const dw = o.pad(dp, { before: side, after: [0, 0, 0, 0], value: 0 });
        const m = o.reluGrad(dw, whole);
        const d1 = o.maxPool2dGrad(r1, whole, m, { ...pool, layout });
        const g1 = o.conv2dFilterGrad(x, d1, { ...conv, kernelSize: [3, 3] });
        return [r1, p1, y, d2, g2, o.sum(d2, sum), dp, d1, g1, o.sum(m, sum)];
      },
      uses:
        layout === "NCHW"
          ? ["Conv", "MaxPool", "ReorderInput", "ReorderOutput", "Upsample"]
          : ["Conv", "MaxPool"],
    };
  }),
  {
    what: "rows that a pool ignores, and sums that keep their axes",
    inputs: [
      [1, 32, 35, 37],
      [16, 32, 3, 3],
      [1, 16, 16, 17],
    ],
    body(o, [x, w, dy]) {
      if (!x || !w || !dy) throw new Error("inputs");
      const options = { ...plain, layout: "NCHW" } as const;
      const r = o.conv2d(x, w, { ...options, activation: "none" });
      const y = o.maxPool2d(r, { ...pool, layout: "NCHW" });
      const d = o.maxPool2dGrad(r, y, dy, { ...pool, layout: "NCHW" });
      const dx = o.conv2dInputGrad(d, w, { ...options, inputSize: [35, 37] });
      return [y, d, dx, o.sum(dx, { axes: [0, 2, 3], keepDims: true })];
    },
    uses: ["Conv"],
  },
  {
    what: "a depthwise convolution",
    inputs: [
      [1, 32, 40, 40],
      [32, 1, 3, 3],
    ],
    body(o, [x, w]) {
      if (!x || !w) throw new Error("inputs");
      const options = { ...plain, pads: [1, 1, 1, 1], groups: 32, layout: "NCHW" } as const;
      const y = o.conv2d(x, w, { ...options, activation: "relu" });
      return [y, o.conv2dInputGrad(y, w, { ...options, inputSize: [40, 40] })];
    },
    uses: ["Conv"],
  },
  {
    what: "a dilated convolution",
    inputs: [
      [2, 32, 40, 30],
      [16, 32, 3, 2],
    ],
    body(o, [x, w]) {
      if (!x || !w) throw new Error("inputs");
      const options = { ...plain, pads: [2, 1, 2, 2], dilations: [2, 3], layout: "NCHW" } as const;
      const y = o.conv2d(x, w, { ...options, activation: "none" });
      return [y, o.conv2dInputGrad(y, w, { ...options, inputSize: [40, 30] })];
    },
    uses: ["Conv"],
  },
];

// On a machine without the layout the engine uses none of this, which the other tests cover.
describe.runIf(block > 0)("on blocks of channels", () => {
  it.for(cases)("$what: same results", async ({ inputs, body, uses }) => {
    const tensors = inputs.map((shape, i) => someTensor(shape, i + 1));
    const expected = await compute(0, tensors, body);
    const actual = await compute(block, tensors, body);
    expect(expected.operators.size).toBe(0);
    for (const operator of uses) expect([...actual.operators]).toContain(operator);
    actual.values.forEach((value, i) => {
      const reference = expected.values[i] as HostTensor;
      expect(value.shape).toEqual(reference.shape);
      const size = Array.from(reference.data, Math.abs).reduce((a, b) => Math.max(a, b), 0);
      const scaled = { ...reference, data: Float64Array.from(reference.data, (v) => v / size) };
      const mine = { ...value, data: Float32Array.from(value.data, (v) => v / size) };
      expect(worstError(mine, scaled), `result ${i}`).toBeLessThan(1e-5);
    });
  });
});
