/** @file Overlapping max pools on the onnx engine, where a program has the pool beside its gradient. */
import { createEngine, type Ops, type PoolOptions } from "@dlc/runtime";
import { afterAll, expect, it } from "vitest";
import type { ReferenceTensor } from "../../compiler/ops/define-op.js";
import { ops } from "../../compiler/ops/index.js";
import { noise } from "../support/lowering.js";
import { runOnce, worstError } from "../support/one-op-program.js";

const { engine } = await createEngine({ engine: "onnx", device: "cpu", threads: 1 });
afterAll(() => engine.dispose());

it("computes both, though one needs the indices and the other does not", async () => {
  const options: PoolOptions = {
    kernel: [3, 3],
    strides: [2, 2],
    pads: [1, 1, 1, 1],
    layout: "NCHW",
  };
  const [x, dy] = [noise("x", [2, 3, 8, 8]), noise("dy", [2, 3, 4, 4])].map((tensor) => ({
    ...tensor,
    data: tensor.data.map(Math.fround),
  })) as [ReferenceTensor, ReferenceTensor];
  const [y] = ops.maxPool2d.evaluate([x] as never, options, []) as readonly [ReferenceTensor];
  const [dx] = ops.maxPool2dGrad.evaluate([x, y, dy] as never, options, []) as readonly [
    ReferenceTensor,
  ];
  const compute = <T>(o: Ops<T>, [image, gradient]: readonly T[]): readonly T[] => {
    const pooled = o.maxPool2d(image as T, options);
    return [pooled, o.maxPool2dGrad(image as T, pooled, gradient as T, options)];
  };
  const [pooled, gradient] = await runOnce(engine, [x, dy], [y, dx], compute);
  if (pooled === undefined || gradient === undefined) throw new Error("results are missing");
  expect(worstError(pooled, y)).toBeLessThan(1e-6);
  expect(worstError(gradient, dx)).toBeLessThan(1e-6);
});
