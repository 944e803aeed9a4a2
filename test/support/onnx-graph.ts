/** @file Runs a hand-made ONNX graph: for tests of single lowerings. */
import { type HostTensor, sizeOf } from "@dlc/runtime";
import type { ReferenceTensor } from "../../compiler/ops/define-op.js";
import { createGraph, type Handle } from "../../runtime/engines/onnx/graph.js";
import { encodeModel } from "../../runtime/engines/onnx/model-proto.js";
import { allocateShared, openSession, toOrt } from "../../runtime/engines/onnx/ort.js";
import { loadOrt } from "../../runtime/engines/onnx/ort-node.js";
import { createPrimitives, type Primitives } from "../../runtime/engines/onnx/primitives.js";
import { cpuTarget } from "../../runtime/engines/onnx/target.js";
import { toHost } from "./one-op-program.js";

export async function runGraph(
  inputs: readonly ReferenceTensor[],
  build: (p: Primitives, inputs: readonly Handle[]) => Handle,
): Promise<HostTensor> {
  const ort = await loadOrt();
  const target = cpuTarget();
  const graph = createGraph();
  const handles = inputs.map(({ dtype, shape }, i) => graph.input(`x${i}`, dtype, shape));
  const result = build(createPrimitives(graph, target), handles);
  const session = await openSession(ort, encodeModel(graph.model([result])), {
    target,
    threads: 1,
  });
  const { host, tensor } = allocateShared(ort, "f32", result.shape);
  const feeds = Object.fromEntries(inputs.map((x, i) => [`x${i}`, toOrt(ort, toHost(x))]));
  await session.run(feeds, { [result.name]: tensor });
  await session.release();
  return host;
}

/** A float32 tensor of reproducible values in −1 … 1. */
export function someTensor(shape: readonly number[], seed: number): ReferenceTensor {
  let state = seed * 2654435761 + 1;
  const data = Float64Array.from({ length: sizeOf(shape) }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.fround(state / 2 ** 31 - 1);
  });
  return { dtype: "f32", shape, data };
}
