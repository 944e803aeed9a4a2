/**
 * @file Finds the block size of this machine's blocked image layout (16 on AVX-512, 8 on AVX2, …) and
 * tries the operators on it before they are trusted: they are internal to ONNX Runtime and check
 * nothing themselves.
 */
import { sizeOf } from "../../tensor.js";
import { createGraph, type Handle } from "./graph.js";
import {
  blockedConv,
  blockedInputGrad,
  blockedMaxPool,
  blockedUpsample,
  channelsLast,
  fromBlocked,
  toBlocked,
} from "./lower/blocked.js";
import { encodeModel } from "./model-proto.js";
import { type Ort, openSession, type Tensor } from "./ort.js";
import { createPrimitives, type Primitives } from "./primitives.js";
import { cpuTarget } from "./target.js";

type Shapes = Readonly<Record<string, readonly number[]>>;

/** Runs a graph on whole numbers that `value` gives by position: their sums are exact in float32. */
async function evaluate(
  ort: Ort,
  block: number,
  shapes: Shapes,
  value: (index: number) => number,
  build: (p: Primitives, input: (name: string) => Handle) => readonly Handle[],
): Promise<readonly Float32Array[]> {
  const graph = createGraph();
  for (const [name, shape] of Object.entries(shapes)) graph.input(name, "f32", shape);
  const target = cpuTarget(block);
  const outputs = build(createPrimitives(graph, target), graph.handle);
  const model = encodeModel(graph.model(outputs));
  const session = await openSession(ort, model, { target, threads: 1 });
  try {
    const feeds = Object.entries(shapes).map(([name, shape]) => {
      const data = Float32Array.from({ length: sizeOf(shape) }, (_, i) => value(i));
      return [name, new ort.Tensor("float32", data, shape)] as const;
    });
    const results = await session.run(Object.fromEntries(feeds));
    return outputs.map(({ name }) => (results[name] as Tensor).data as Float32Array);
  } finally {
    await session.release();
  }
}

/** Channels that lie side by side: a ramp of channels keeps its steps as far as the block reaches. */
async function detect(ort: Ort): Promise<number> {
  const channels = 64;
  const [ramp] = await evaluate(
    ort,
    1,
    { x: [1, channels, 1, 2] },
    (i) => i,
    (p, input) => [toBlocked(p, input("x"))],
  );
  const end = ramp?.findIndex((element, i) => element !== 2 * i) ?? 0;
  return end > 1 && channels % end === 0 ? end : 0;
}

/** Every blocked operator beside the plain one; true if all results are the same. */
async function agrees(ort: Ort, block: number): Promise<boolean> {
  const c = 2 * block;
  const shapes: Shapes = {
    x: [1, c, 6, 8],
    first: [1, 3, 6, 8],
    filter: [c, c, 3, 3],
    firstFilter: [c, 3, 3, 3],
    depthFilter: [c, 1, 3, 3],
    bias: [c],
  };
  const plain = { strides: [1, 1], pads: [1, 0, 2, 1], dilations: [1, 1], groups: 1 } as const;
  const turnedPads = { ...plain, pads: [1, 2, 0, 1] } as const;
  const depth = { groups: c } as const;
  const window = { kernel_shape: [2, 2], strides: [2, 2], pads: [0, 0, 0, 0] } as const;
  const results = await evaluate(
    ort,
    block,
    shapes,
    (i) => ((i * 7919) % 31) - 15,
    (p, input) => {
      const [x, first, filter, bias] = [input("x"), input("first"), input("filter"), input("bias")];
      const [firstFilter, depthFilter] = [input("firstFilter"), input("depthFilter")];
      const blocks = toBlocked(p, x);
      const pooled = [1, c, 3, 4];
      return [
        blockedConv(p, x, filter, bias, plain, true),
        p.unary("Relu", p.conv(x, filter, bias, plain)),
        blockedConv(p, first, firstFilter, bias, plain, false),
        p.conv(first, firstFilter, bias, plain),
        blockedConv(p, x, depthFilter, null, { ...plain, ...depth }, false),
        p.conv(x, depthFilter, null, { ...plain, ...depth }),
        blockedInputGrad(p, x, filter, turnedPads),
        p.convTranspose(x, filter, plain, [5, 9]),
        blockedInputGrad(p, x, depthFilter, { ...turnedPads, ...depth }),
        p.convTranspose(x, depthFilter, { ...plain, ...depth }, [5, 9]),
        blockedMaxPool(p, blocks, pooled, window),
        p.node("MaxPool", [x], pooled, window),
        fromBlocked(p, blockedUpsample(p, blocks, [2, 2])),
        p.upsample(x, [2, 2]),
        channelsLast(p, fromBlocked(p, blocks)),
        p.transpose(x, [0, 2, 3, 1]),
      ];
    },
  );
  return results.every((result, i) => {
    const other = results[i ^ 1];
    return result.length === other?.length && result.every((value, k) => value === other[k]);
  });
}

/** The block size that lowerings may use; 0 where the operators are missing or not as expected. */
export async function probeBlockSize(ort: Ort): Promise<number> {
  try {
    const block = await detect(ort);
    return block > 0 && (await agrees(ort, block)) ? block : 0;
  } catch {
    // An ONNX Runtime without these operators refuses the graph: the plain ones do the work.
    return 0;
  }
}
