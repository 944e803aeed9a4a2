/**
 * @file Programs recorded for WebGPU, without a device: they keep to the operators that run there, and ONNX
 * Runtime's CPU kernels make of those graphs what the ops mean. On a device: onnx-webgpu-device.test.ts.
 */
import {
  type Engine,
  type HostTensor,
  type OpKind,
  type Program,
  random,
  sizeOf,
} from "@dlc/runtime";
import { afterAll, describe, expect, it } from "vitest";
import { opKinds } from "../../compiler/ops/index.js";
import { planArenas } from "../../runtime/engines/onnx/arena.js";
import { createTargetEngine } from "../../runtime/engines/onnx/engine.js";
import { locate } from "../../runtime/engines/onnx/locate.js";
import { loadOrt } from "../../runtime/engines/onnx/ort-node.js";
import { recordProgram } from "../../runtime/engines/onnx/record.js";
import { cpuTarget } from "../../runtime/engines/onnx/target.js";
import { webgpuTarget } from "../../runtime/engines/onnx/target-webgpu.js";
import { weight } from "../support/hand-state.js";
import { runOnce, worstError } from "../support/one-op-program.js";
import { computesAsReference } from "../support/op-on-engine.js";
import { samplesOf } from "../support/op-samples.js";

const { session } = cpuTarget();
/** Graphs as for WebGPU, computed by the CPU. Recording throws for an operator that does not run on the device. */
const engine: Engine = createTargetEngine(
  await loadOrt(),
  { ...webgpuTarget, session, state: "host" },
  1,
);
afterAll(() => engine.dispose());

const noState = { tensors: {}, arenas: [] };

describe("ops recorded for WebGPU", () => {
  it.for(opKinds)(
    "%s keeps to operators of the device and computes its reference",
    async (kind) => {
      for (const c of samplesOf(kind)) await computesAsReference(engine, c);
    },
  );

  it("draws the very numbers of the host", async () => {
    const size = 5000;
    const key = random.derive(3, 4);
    const [drawn] = await runOnce(
      engine,
      [{ dtype: "u32", shape: [], data: Float64Array.of(key) }],
      [{ dtype: "f32", shape: [size] }],
      (o, [k]) => [o.randomUniform(k as never, { shape: [size], site: 5 })],
    );
    const site = random.siteKey(key, 5);
    expect(drawn?.data).toEqual(
      Float32Array.from({ length: size }, (_, i) => random.uniform(i, site)),
    );
  });

  it.for(["sin", "cos"] as const)("%s is exact to 1e-6 far from zero", async (kind) => {
    const data = Float64Array.from({ length: 4001 }, (_, i) => Math.fround((i - 2000) * 2.7));
    const [found] = await runOnce(
      engine,
      [{ dtype: "f32", shape: [data.length], data }],
      [{ dtype: "f32", shape: [data.length] }],
      (o, [x]) => [o[kind](x as never)],
    );
    const wrong = Array.from(data, (x, i) => Math.abs((found?.data[i] ?? 0) - Math[kind](x)));
    expect(Math.max(...wrong)).toBeLessThan(1e-6);
  });

  it.for([1, 2, 3, 10, 96, 97, 1000, 100_000])("corrects Adam's bias at step %d", async (step) => {
    const options = { beta1: 0.9, beta2: 0.999, epsilon: 0, weightDecay: 0 };
    const one = { dtype: "f32" as const, shape: [], data: Float64Array.of(1) };
    const [moved] = await runOnce(
      engine,
      [0, 0, 0, 1, 1, step].map((value) => ({ ...one, data: Float64Array.of(value) })),
      [{ dtype: "f32", shape: [] }],
      (o, [p, m, v, g, rate, t]) => [
        o.applyAdam(
          p as never,
          m as never,
          v as never,
          g as never,
          rate as never,
          t as never,
          options,
        )[0],
      ],
    );
    const size = Math.sqrt(1 - 0.999 ** step) / (1 - 0.9 ** step);
    const wanted = (-size * (1 - 0.9)) / Math.sqrt(1 - 0.999);
    expect((moved?.data[0] ?? 0) / wanted).toBeCloseTo(1, 5);
  });

  // Parts of one image; of three; tap by tap, because the pixels of all taps would be too large.
  it.for([
    { images: 12, channels: 5, filters: 6, size: 9 },
    { images: 12, channels: 112, filters: 128, size: 5 },
    { images: 4, channels: 8, filters: 2, size: 260 },
  ])("takes the gradient of filters in parts: %j", async ({ images, channels, filters, size }) => {
    const tensor = (shape: readonly number[], seed: number) => ({
      dtype: "f32" as const,
      shape,
      data: Float64Array.from({ length: sizeOf(shape) }, (_, i) =>
        Math.fround(random.uniform(i, seed) - 0.5),
      ),
    });
    const inputs = [
      tensor([images, channels, size, size], 1),
      tensor([images, filters, size - 2, size - 2], 2),
    ];
    const options = {
      strides: [1, 1],
      pads: [0, 0, 0, 0],
      dilations: [1, 1],
      groups: 1,
      layout: "NCHW",
      kernelSize: [3, 3],
    } as const;
    const gradient = async (one: Engine): Promise<HostTensor> => {
      const results = await runOnce(
        one,
        inputs,
        [{ dtype: "f32", shape: [filters, channels, 3, 3] }],
        (o, [x, dy]) => [o.conv2dFilterGrad(x as never, dy as never, options)],
      );
      return results[0] as HostTensor;
    };
    const plain = createTargetEngine(await loadOrt(), cpuTarget(), 1);
    const [found, wanted] = [await gradient(engine), await gradient(plain)];
    await plain.dispose();
    expect(worstError(found, wanted)).toBeLessThan(1e-4);
    expect(wanted.data.some((value) => Math.abs(value) > 1)).toBe(true);
  });
});

/** One layer of one op. */
function programOf(op: OpKind, layer: string): Program {
  return {
    name: "single",
    inputs: { x: { dtype: "f32", shape: [4, 1024] } },
    scalars: {},
    reads: [],
    updates: [],
    outputs: { y: { dtype: "f32", shape: [4, 1024] } },
    run(o, { inputs }) {
      o.scope(layer);
      const method = o[op] as unknown as (x: unknown) => never;
      return { outputs: { y: method(inputs.x) }, state: {} };
    },
  };
}

describe("recording for a device", () => {
  it("refuses an operator that is not on the device's list, with its layer", () => {
    const { Erf: _, ...operators } = webgpuTarget.operators ?? {};
    const target = { ...webgpuTarget, operators };
    expect(() => recordProgram(programOf("erf", "gelu_3"), 1, noState, { target })).toThrow(
      "Erf of f32 in erf of layer 'gelu_3' does not run on the device",
    );
    expect(() => recordProgram(programOf("exp", "gelu_3"), 1, noState, { target })).not.toThrow();
  });

  it("reads and makes arenas whole, and other weights by themselves", () => {
    const specs = {
      a: weight([3]),
      b: weight([4]),
      c: weight([5]),
      d: weight([2, 2]),
      e: weight([300, 300]),
    };
    const program: Program = {
      name: "one",
      inputs: {},
      scalars: {},
      reads: ["a", "e"],
      updates: ["a", "e"],
      outputs: {},
      run: (o, { state }) => ({
        outputs: {},
        state: { a: o.neg(state.a as never), e: o.neg(state.e as never) },
      }),
    };
    const state = { tensors: specs, arenas: planArenas(specs) };
    const names = (target: typeof webgpuTarget) => {
      const { reads, updates } = recordProgram(program, 1, state, { target });
      return [reads, updates].map((list) => list.map(({ name }) => name));
    };
    expect(names(webgpuTarget)).toEqual([
      ["e", "[weights]"],
      ["e", "[weights]"],
    ]);
    expect(names(cpuTarget())).toEqual([
      ["a", "e"],
      ["a", "e"],
    ]);
  });
});

describe("a failed run", () => {
  const program = programOf("exp", "wide_1");
  const record = (batch: number) =>
    recordProgram(program, batch, noState, { target: webgpuTarget });
  const recording = record(4);
  const failure = async (message: string) => {
    const failed = { recording, program, batch: 4, device: "webgpu", record };
    return (await locate(new Error(message), failed)).message;
  };

  it("tells which tensor is larger than the device's buffers", async () => {
    const text = await failure("Buffer size (16384) exceeds the max buffer size limit (8192).");
    expect(text).toContain("[4,1024] of exp of layer 'wide_1'");
    expect(text).toContain("its buffers hold 8.2 kB at most");
  });

  it("tells what takes the memory where it is used up", async () => {
    const text = await failure("[Invalid Buffer (unlabeled)] is invalid due to a previous error.");
    expect(text).toContain("memory used up");
    expect(text).toContain("layer 'wide_1'");
  });

  it("tells the layer of the node that ONNX Runtime names", async () => {
    const [node] = recording.graph.nodeNames();
    expect(await failure(`running Exp node. Name:'${node}'`)).toContain("in exp of layer 'wide_1'");
  });
});
