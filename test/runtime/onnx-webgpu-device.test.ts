/**
 * @file State on a WebGPU device, and its operators. Runs where DLC_TEST_ENGINES names onnx:webgpu, with a GPU or
 * with a software device (VK_ICD_FILENAMES).
 */
import {
  createEngine,
  type Engine,
  type HostTensor,
  initialState,
  type ModelDefinition,
  type Ops,
  type Program,
  type StateSpec,
} from "@dlc/runtime";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { emitPackage } from "../../compiler/5-emit/emit-package.js";
import { compile } from "../../compiler/pipeline.js";
import { createGraph } from "../../runtime/engines/onnx/graph.js";
import { encodeModel, type GraphDType } from "../../runtime/engines/onnx/model-proto.js";
import { type Ort, openSession, type Tensor } from "../../runtime/engines/onnx/ort.js";
import { loadOrt } from "../../runtime/engines/onnx/ort-node.js";
import type { OnnxState } from "../../runtime/engines/onnx/state.js";
import { cpuTarget, type OnnxTarget } from "../../runtime/engines/onnx/target.js";
import { webgpuTarget } from "../../runtime/engines/onnx/target-webgpu.js";
import { operatorCases, operatorInput } from "../support/device-operators.js";
import { createWorkspace } from "../support/emitted.js";
import { startTestEngine, testEngines } from "../support/engines.js";
import { worstError } from "../support/one-op-program.js";
import { takeSteps } from "../support/training-steps.js";

const named = testEngines.includes("onnx:webgpu");
const operators = Object.entries(webgpuTarget.operators ?? {});

it("has a case for every operator of the list", () => {
  expect(Object.keys(operatorCases).sort()).toEqual(operators.map(([name]) => name).sort());
});

const arrays = {
  f32: ["float32", Float32Array],
  i32: ["int32", Int32Array],
  u32: ["uint32", Uint32Array],
  u8: ["uint8", Uint8Array],
  bool: ["bool", Uint8Array],
} as const;

function ortTensor(
  ort: Ort,
  dtype: GraphDType,
  shape: readonly number[],
  values: readonly number[],
) {
  if (dtype === "i64") return new ort.Tensor("int64", BigInt64Array.from(values, BigInt), shape);
  if (dtype === "f64" || dtype === "f16" || dtype === "bf16") {
    throw new Error(`no operator of the list takes ${dtype}`);
  }
  const [type, array] = arrays[dtype];
  return new ort.Tensor(type, array.from(values) as Float32Array, shape);
}

/** The results of one node by itself; the session refuses nodes that are not the target's own. */
async function runNode(
  ort: Ort,
  name: string,
  dtype: GraphDType,
  target: OnnxTarget,
): Promise<readonly number[]> {
  const made = operatorCases[name]?.(dtype);
  if (made === undefined) throw new Error(`no case for ${name}`);
  const graph = createGraph();
  const inputs = made.inputs.map((type, i) => graph.input(`x${i}`, type.dtype, type.shape));
  const results = graph.node(
    name,
    [...inputs, ...made.constants(graph)],
    made.attributes,
    made.results,
  );
  const session = await openSession(ort, encodeModel(graph.model(results)), { target, threads: 1 });
  const feeds = Object.fromEntries(
    made.inputs.map((type, i) => [
      `x${i}`,
      ortTensor(ort, type.dtype, type.shape, operatorInput(type, i)),
    ]),
  );
  const outputs = await session.run(feeds);
  await session.release();
  return results.flatMap((result) =>
    Array.from(outputs[result.name]?.data as Float32Array, Number),
  );
}

const tensor = (values: readonly number[], shape = [values.length]): HostTensor => ({
  dtype: "f32",
  shape,
  data: Float32Array.from(values),
});

const spec = (shape: readonly number[], role: StateSpec["role"] = "weight"): StateSpec => ({
  dtype: "f32",
  shape,
  role,
  init: { kind: "zeros" },
  layer: "layer",
});

/** Four small weights, which share an arena, and one that is too large for it. */
const specs = {
  a: spec([2]),
  b: spec([1, 3]),
  c: spec([1]),
  d: spec([2]),
  large: spec([600, 600]),
};
const first = {
  a: tensor([1, 2]),
  b: tensor([3, 4, 5], [1, 3]),
  c: tensor([6]),
  d: tensor([7, 8]),
  large: tensor(new Array(360_000).fill(0.5), [600, 600]),
};

/** Adds x to some of the state, and gives the sum of `a`. */
function adding(names: readonly (keyof typeof specs)[]): Program {
  return {
    name: "adding",
    inputs: { x: { dtype: "f32", shape: [] } },
    scalars: {},
    reads: ["a", ...names.filter((name) => name !== "a")],
    updates: names,
    outputs: { total: { dtype: "f32", shape: [] } },
    run<T>(o: Ops<T>, { inputs, state }: { inputs: Record<string, T>; state: Record<string, T> }) {
      o.scope("adder_1");
      const x = inputs.x as T;
      const next = names.map((name) => [name, o.add(state[name] as T, x)] as const);
      const total = o.sum(state.a as T, { axes: [0], keepDims: false });
      return { outputs: { total }, state: Object.fromEntries(next) };
    },
  };
}

describe.runIf(named)("onnx on webgpu", { timeout: 120_000 }, () => {
  let engine: Engine;
  let ort: Ort;
  beforeAll(async () => {
    engine = await startTestEngine("onnx:webgpu");
    ort = await loadOrt();
  });
  afterAll(() => engine.dispose());

  it.for(operators)("runs %s by itself for all of its types", async ([name, dtypes]) => {
    for (const dtype of dtypes) {
      const found = await runNode(ort, name, dtype, webgpuTarget);
      // A few are on the GPU only.
      const wanted = await runNode(ort, name, dtype, cpuTarget()).catch(() => null);
      wanted?.forEach((value, i) => {
        expect(Math.abs((found[i] ?? Number.NaN) - value), `${dtype} ${i}`).toBeLessThan(1e-5);
      });
      expect(found.every(Number.isFinite), dtype).toBe(true);
    }
  });

  const run = async (
    state: ReturnType<Engine["createState"]>,
    program: Program,
    x: number,
    accept = true,
  ) =>
    (await engine.prepare(program, 1)).run({
      inputs: { x: tensor([x], []) },
      scalars: {},
      state,
      commit: () => accept,
    });
  const valuesOf = async (state: ReturnType<Engine["createState"]>, names: readonly string[]) =>
    Object.fromEntries(
      Object.entries(await state.read(names)).map(([name, { data }]) => [
        name,
        [...data.slice(0, 3)],
      ]),
    );
  const whole = adding(["a", "b", "c", "d", "large"]);
  const single = adding(["b"]);

  it("keeps state on the device between runs, and frees it in the end", async () => {
    const state = engine.createState(specs, first) as OnnxState;
    await run(state, whole, 1);
    const places: Tensor[] = ["[weights]", "large"].map((name) => state.current(name));
    expect(places.map(({ location }) => location)).toEqual(["gpu-buffer", "gpu-buffer"]);
    await run(state, whole, 1);
    // The first run's tensors were given back when the second's took their place.
    expect(places.map(({ location }) => location)).toEqual(["none", "none"]);
    const last = state.current("large");
    state.dispose();
    await state.exclusively(async () => {});
    expect(last.location).toBe("none");
    await expect(state.read()).rejects.toThrow("disposed");
  });

  it("leaves state as it was where the commit says no", async () => {
    const state = engine.createState(specs, first);
    await run(state, whole, 10, false);
    expect(await valuesOf(state, ["a", "large"])).toEqual({ a: [1, 2], large: [0.5, 0.5, 0.5] });
    const { total } = await run(state, whole, 10);
    expect(total?.data[0]).toBe(3);
    expect(await valuesOf(state, ["a", "c"])).toEqual({ a: [11, 12], c: [16] });
    state.dispose();
  });

  it("shares state between programs that read and write parts of it", async () => {
    const state = engine.createState(specs, first);
    await run(state, whole, 1);
    await run(state, single, 100);
    await state.write({ c: tensor([-1]), a: tensor([20, 30]) });
    const { total } = await run(state, single, 0);
    expect(total?.data[0]).toBe(50);
    expect(await valuesOf(state, ["a", "b", "c", "d"])).toEqual({
      a: [20, 30],
      b: [104, 105, 106],
      c: [-1],
      d: [8, 9],
    });
    state.dispose();
  });

  it("takes runs on several states at once", async () => {
    const states = [engine.createState(specs, first), engine.createState(specs, first)];
    await Promise.all(
      [1, 2, 3, 4].map((x) => run(states[x % 2] as (typeof states)[number], whole, x)),
    );
    expect(await Promise.all(states.map((state) => valuesOf(state, ["a"])))).toEqual([
      { a: [7, 8] },
      { a: [5, 6] },
    ]);
    for (const state of states) state.dispose();
  });

  it("traces every tensor without changing state", async () => {
    const state = engine.createState(specs, first);
    const executable = await engine.prepare(whole, 1);
    const call = { inputs: { x: tensor([2], []) }, scalars: {}, state };
    const traced = await executable.trace(call);
    expect(traced.map(({ scope, op }) => `${op} ${scope}`)).toContain("add adder_1");
    expect([...(traced[0]?.value.data ?? [])]).toEqual([3, 4]);
    expect(await valuesOf(state, ["a"])).toEqual({ a: [1, 2] });
    state.dispose();
  });

  it("names the layer of a tensor that the device cannot hold", async () => {
    const side = 2 ** 16;
    const program: Program = {
      ...adding([]),
      outputs: { y: { dtype: "f32", shape: [] } },
      run<T>(o: Ops<T>, { inputs }: { inputs: Record<string, T> }) {
        o.scope("outer_product");
        // 16 GiB.
        const wide = o.broadcastTo(inputs.x as T, { shape: [side, side] });
        const y = o.sum(o.exp(wide), { axes: [0, 1], keepDims: false });
        return { outputs: { y }, state: {} };
      },
    };
    const state = engine.createState(specs, first);
    await expect(run(state, program, 1)).rejects.toThrow("layer 'outer_product'");
    // The device is still there.
    await run(state, whole, 1);
    expect(await valuesOf(state, ["a"])).toEqual({ a: [2, 3] });
    state.dispose();
  });

  it("continues what the CPU began, and the other way round", async () => {
    const { model } = await compile("models/digits-mlp/spec.yaml", { checkData: false });
    if (model === null) throw new Error("the model does not compile");
    const workspace = createWorkspace();
    workspace.add(await emitPackage(model));
    const module = await workspace.load(`generated/${model.spec.name}/index.js`);
    const { definition } = module as { definition: ModelDefinition };
    const { engine: cpu } = await createEngine({ engine: "onnx", device: "cpu", threads: 1 });
    const begins = initialState(definition.state, 1);
    const found: Record<string, HostTensor>[] = [];
    for (const [before, after] of [
      [cpu, cpu],
      [engine, cpu],
      [cpu, engine],
    ] as const) {
      const middle = await takeSteps(before, definition, begins, [1, 2]);
      found.push(await takeSteps(after, definition, middle, [3, 4]));
    }
    const [wanted = {}, ...others] = found;
    for (const other of others) {
      for (const [name, tensor] of Object.entries(wanted)) {
        expect(worstError(other[name] as HostTensor, tensor), name).toBeLessThan(1e-4);
      }
    }
    await cpu.dispose();
  });
});
