/** @file Halves on a device with kernels for them: tensors are f16, and nothing is rounded by hand. */
import { expect, it } from "vitest";
import type { ReferenceTensor } from "../../compiler/ops/define-op.js";
import { createGraph, type Handle } from "../../runtime/engines/onnx/graph.js";
import { encodeModel } from "../../runtime/engines/onnx/model-proto.js";
import { openSession, toOrt } from "../../runtime/engines/onnx/ort.js";
import { loadOrt } from "../../runtime/engines/onnx/ort-node.js";
import { createRecorder } from "../../runtime/engines/onnx/recorder.js";
import { cpuTarget, type OnnxTarget } from "../../runtime/engines/onnx/target.js";
import { roundToHalf } from "../../runtime/half.js";
import { halfOps } from "../../runtime/ops.js";
import { toHost } from "../support/one-op-program.js";
import { callSample, drawInputs, type SampleCase, samplesOf } from "../support/op-samples.js";
import { createReferenceOps } from "../support/reference-ops.js";

const ort = await loadOrt();
/** The CPU provider computes f16 by casts that ONNX Runtime inserts. */
const target: OnnxTarget = { ...cpuTarget(), half: { f16: "native", bf16: "none" } };

const samples = halfOps
  .filter((kind) => kind !== "cast" && kind !== "constant")
  .flatMap(samplesOf)
  .filter(({ inputs }) => inputs.some(({ sample }) => (sample.dtype ?? "f32") === "f32"));

it.each(samples.map((c) => [c.title, c] as const))("%s", async (_, c: SampleCase) => {
  // Numbers that f16 has: ONNX Runtime leaves out some of the casts that it inserted, with their rounding.
  const inputs = Object.values(drawInputs(c)).map((tensor) =>
    tensor.dtype === "f32"
      ? { ...tensor, data: tensor.data.map((v) => roundToHalf("f16", v)) }
      : tensor,
  );
  const o = createReferenceOps();
  const narrow = (x: ReferenceTensor) => (x.dtype === "f32" ? o.cast(x, { dtype: "f16" }) : x);
  const expected = callSample(c, o, inputs.map(narrow));

  const graph = createGraph();
  const recorder = createRecorder(graph, target);
  const given = inputs.map(({ dtype, shape }, i) => graph.input(`x${i}`, dtype, shape));
  const halves = given.map((x) => (x.dtype === "f32" ? recorder.cast(x, { dtype: "f16" }) : x));
  const results = callSample(c, recorder, halves);
  expect(results.map(({ dtype }) => dtype)).toEqual(expected.map(({ dtype }) => dtype));
  const wide: readonly Handle[] = results.map((x) => recorder.cast(x, { dtype: "f32" }));
  const session = await openSession(ort, encodeModel(graph.model(wide)), { target, threads: 1 });
  const outputs = await session.run(
    Object.fromEntries(inputs.map((x, i) => [`x${i}`, toOrt(ort, toHost(x))])),
  );
  await session.release();
  expected.forEach(({ data }, i) => {
    const found = outputs[(wide[i] as Handle).name]?.data as Float32Array;
    // Lowerings of several kernels round in between; the device may add up in f16.
    const largest = Math.max(1, ...data.map(Math.abs));
    const worst = Math.max(0, ...data.map((value, k) => Math.abs(value - (found[k] as number))));
    expect(worst / largest).toBeLessThan(4 * 2 ** -10);
  });
});
