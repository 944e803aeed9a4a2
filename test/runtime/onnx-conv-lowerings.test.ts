/** @file Every way the onnx engine has to compute a convolution's gradients gives the same result. */
import type { ConvOptions, Pair } from "@dlc/runtime";
import { describe, expect, it } from "vitest";
import type { AnyOpDef, ReferenceTensor } from "../../compiler/ops/define-op.js";
import { ops } from "../../compiler/ops/index.js";
import { createGraph } from "../../runtime/engines/onnx/graph.js";
import {
  chooseInputGrad,
  type InputGradVariant,
  inputGradient,
} from "../../runtime/engines/onnx/lower/conv.js";
import {
  chooseFilterGrad,
  type FilterGradVariant,
  filterGradientBy,
  filterGradVariants,
} from "../../runtime/engines/onnx/lower/conv-filter-grad.js";
import { createPrimitives, windowedSize } from "../../runtime/engines/onnx/primitives.js";
import { cpuTarget } from "../../runtime/engines/onnx/target.js";
import { worstError } from "../support/one-op-program.js";
import { runGraph, someTensor } from "../support/onnx-graph.js";

interface Case {
  readonly what: string;
  readonly batch: number;
  readonly channels: number;
  readonly outputs: number;
  readonly size: Pair;
  readonly kernel: Pair;
  readonly options?: Partial<Omit<ConvOptions, "layout">>;
  readonly filterGrad: FilterGradVariant;
  readonly inputGrad: InputGradVariant;
}

/** Shapes as networks have them; each names the variants that it must select. */
const cases: readonly Case[] = [
  {
    what: "a first layer",
    batch: 3,
    channels: 3,
    outputs: 8,
    size: [10, 9],
    kernel: [3, 3],
    filterGrad: "columns",
    inputGrad: "convTranspose",
  },
  {
    what: "a 1×1 convolution",
    batch: 3,
    channels: 16,
    outputs: 12,
    size: [6, 5],
    kernel: [1, 1],
    filterGrad: "batched",
    inputGrad: "conv",
  },
  {
    what: "a 1×1 convolution with stride 2",
    batch: 2,
    channels: 16,
    outputs: 12,
    size: [6, 7],
    kernel: [1, 1],
    options: { strides: [2, 2] },
    filterGrad: "batched",
    inputGrad: "convTranspose",
  },
  {
    what: "a 3×3 convolution of a small plane",
    batch: 3,
    channels: 16,
    outputs: 9,
    size: [7, 6],
    kernel: [3, 3],
    filterGrad: "pixels",
    inputGrad: "convTranspose",
  },
  {
    what: "a 3×3 convolution with same padding on a large plane",
    batch: 2,
    channels: 12,
    outputs: 10,
    size: [23, 24],
    kernel: [3, 3],
    options: { pads: [1, 1, 1, 1] },
    filterGrad: "shifted",
    inputGrad: "conv",
  },
  {
    what: "a 3×3 convolution with stride 2 and asymmetric padding",
    batch: 2,
    channels: 12,
    outputs: 10,
    size: [12, 13],
    kernel: [3, 3],
    options: { pads: [0, 0, 1, 1], strides: [2, 2] },
    filterGrad: "pixels",
    inputGrad: "convTranspose",
  },
  {
    what: "a dilated convolution with a flat kernel",
    batch: 2,
    channels: 12,
    outputs: 10,
    size: [12, 13],
    kernel: [1, 5],
    options: { pads: [0, 4, 0, 4], dilations: [1, 2] },
    filterGrad: "pixels",
    inputGrad: "conv",
  },
  {
    what: "a convolution padded beyond its kernel",
    batch: 2,
    channels: 9,
    outputs: 4,
    size: [5, 5],
    kernel: [2, 2],
    options: { pads: [2, 0, 2, 0] },
    filterGrad: "pixels",
    inputGrad: "convTranspose",
  },
  {
    what: "a grouped convolution",
    batch: 2,
    channels: 12,
    outputs: 8,
    size: [6, 6],
    kernel: [3, 3],
    options: { pads: [1, 1, 1, 1], groups: 4 },
    filterGrad: "grouped",
    inputGrad: "convTranspose",
  },
  {
    what: "a depthwise convolution",
    batch: 3,
    channels: 10,
    outputs: 10,
    size: [7, 6],
    kernel: [3, 3],
    options: { pads: [1, 1, 1, 1], groups: 10 },
    filterGrad: "depthwise",
    inputGrad: "depthwise",
  },
  {
    what: "a depthwise convolution with stride 2",
    batch: 3,
    channels: 10,
    outputs: 10,
    size: [7, 6],
    kernel: [3, 3],
    options: { pads: [1, 1, 1, 1], strides: [2, 2], groups: 10 },
    filterGrad: "depthwise",
    inputGrad: "convTranspose",
  },
];

function reference(
  op: AnyOpDef,
  inputs: readonly ReferenceTensor[],
  attrs: object,
): ReferenceTensor {
  return op.evaluate(inputs as never, attrs, [])[0] as ReferenceTensor;
}

for (const c of cases) {
  const geometry = {
    strides: [1, 1] as const,
    pads: [0, 0, 0, 0] as const,
    dilations: [1, 1] as const,
    groups: 1,
    ...c.options,
  };
  const attrs: ConvOptions = { ...geometry, layout: "NCHW" };
  const output = windowedSize(c.size, c.kernel, geometry);
  const x = someTensor([c.batch, c.channels, ...c.size], 1);
  const dy = someTensor([c.batch, c.outputs, ...output], 2);
  const filter = someTensor([c.outputs, c.channels / geometry.groups, ...c.kernel], 3);

  describe(c.what, () => {
    it(`selects '${c.filterGrad}' and '${c.inputGrad}'`, () => {
      const shape = {
        outChannels: c.outputs,
        inChannels: c.channels / geometry.groups,
        kernel: c.kernel,
        pixels: output[0] * output[1],
        unitStride: geometry.strides.every((stride) => stride === 1),
        groups: geometry.groups,
      };
      expect(chooseFilterGrad(shape)).toBe(c.filterGrad);
      const p = createPrimitives(createGraph(), cpuTarget());
      const dyHandle = { name: "dy", ...dy };
      expect(chooseInputGrad(p, dyHandle, filter.shape, geometry)).toBe(c.inputGrad);
    });

    const single = geometry.groups === 1;
    const variants = new Set([c.filterGrad, ...filterGradVariants[single ? "single" : "groups"]]);
    it.for([...variants])("has the right filter gradient by '%s'", async (variant) => {
      const expected = reference(ops.conv2dFilterGrad, [x, dy], { ...attrs, kernelSize: c.kernel });
      const actual = await runGraph([x, dy], (p, [hx, hdy]) =>
        filterGradientBy(variant, p, hx as never, hdy as never, c.kernel, geometry),
      );
      expect(actual.shape).toEqual(expected.shape);
      expect(worstError(actual, expected)).toBeLessThan(1e-5);
    });

    it.for([...new Set([c.inputGrad, "convTranspose" as const])])(
      "has the right input gradient by '%s'",
      async (variant) => {
        const expected = reference(ops.conv2dInputGrad, [dy, filter], {
          ...attrs,
          inputSize: c.size,
        });
        const actual = await runGraph([dy, filter], (p, [hdy, hfilter]) =>
          inputGradient(p, variant, hdy as never, hfilter as never, geometry, c.size),
        );
        expect(actual.shape).toEqual(expected.shape);
        expect(worstError(actual, expected)).toBeLessThan(1e-5);
      },
    );
  });
}
