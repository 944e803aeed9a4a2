/**
 * @file What the hand-written ONNX graphs share: a session on a graph whose state is fed and fetched
 * in two sets of buffers that swap after each step.
 */
import { createRequire } from "node:module";
import { createGraph } from "../../runtime/dist/engines/onnx/graph.js";
import { encodeModel } from "../../runtime/dist/engines/onnx/model-proto.js";
import { createPrimitives } from "../../runtime/dist/engines/onnx/primitives.js";
import { cpuTarget } from "../../runtime/dist/engines/onnx/target.js";
import { adam, plainBatch, sizeOf } from "../network.mjs";

const ort = createRequire(new URL("../../runtime/package.json", import.meta.url))(
  "onnxruntime-node",
);

/**
 * `build(p, inputs)` returns `{ loss, state }`; `state` maps names to `{ shape, first }`, and
 * `inputs` holds x, y, the state tensors, and Adam's step size
 * and epsilon with their bias corrections: `rate` and `floor`.
 */
export async function graphPeer({ name, batch, threads, state, options, build }) {
  const graph = createGraph();
  const p = createPrimitives(graph, cpuTarget());
  const inputs = {
    x: graph.input("x", "f32", [batch, 3, 32, 32]),
    y: graph.input("y", "f32", [batch, 10]),
    rate: graph.input("rate", "f32", []),
    floor: graph.input("floor", "f32", []),
  };
  for (const [key, { shape }] of Object.entries(state))
    inputs[key] = graph.input(key, "f32", shape);
  const results = build(p, inputs);
  const fetched = { loss: results.loss, ...results.state };
  const session = await ort.InferenceSession.create(
    encodeModel(graph.model(Object.values(fetched))),
    { executionProviders: ["cpu"], intraOpNumThreads: threads, ...options },
  );
  const tensor = (data, shape) => new ort.Tensor("float32", data, shape);
  const data = plainBatch(batch);
  const fixed = {
    x: tensor(data.x, [batch, 3, 32, 32]),
    y: tensor(data.y, [batch, 10]),
    rate: tensor(new Float32Array(1), []),
    floor: tensor(new Float32Array(1), []),
  };
  const lossTensor = tensor(new Float32Array(1), []);
  const buffers = Object.entries(state).map(([key, { shape, first }]) => ({
    key,
    result: results.state[key].name,
    current: tensor(first ? first.slice() : new Float32Array(sizeOf(shape)), shape),
    next: tensor(new Float32Array(sizeOf(shape)), shape),
  }));
  let updates = 0;
  async function step() {
    updates++;
    const root = Math.sqrt(1 - adam.beta2 ** updates);
    fixed.rate.data[0] = (adam.rate * root) / (1 - adam.beta1 ** updates);
    fixed.floor.data[0] = adam.epsilon * root;
    const feeds = { ...fixed };
    const fetches = { [results.loss.name]: lossTensor };
    for (const { key, result, current, next } of buffers) {
      feeds[key] = current;
      fetches[result] = next;
    }
    await session.run(feeds, fetches);
    for (const buffer of buffers) {
      [buffer.current, buffer.next] = [buffer.next, buffer.current];
    }
    return lossTensor.data[0];
  }
  return { name, step, close: () => session.release() };
}
