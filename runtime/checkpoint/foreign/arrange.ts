/** @file Brings numbers of a foreign file into the order in which dlc keeps them. */
import type { ArrangeStep } from "../../spec.js";
import { sizeOf } from "../../tensor.js";

/** Float32 numbers with a shape. */
export interface Numbers {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** @throws Error if a step does not fit: plans are made for the shapes that files are checked against. */
export function arrange(from: Numbers, steps: readonly ArrangeStep[]): Numbers {
  return steps.reduce((numbers, step) => apply(numbers, step), from);
}

function apply({ shape, data }: Numbers, step: ArrangeStep): Numbers {
  if (step.kind === "reshape") {
    if (sizeOf(step.shape) !== data.length) misfit(step, shape);
    return { shape: step.shape, data };
  }
  if (step.kind === "transpose") return transposed({ shape, data }, step.perm);
  const size = shape[step.axis] ?? misfit(step, shape);
  const order = step.kind === "take" ? takenOf(step.ranges) : channelsLast(step.pieces);
  if (order.some((index) => index >= size)) misfit(step, shape);
  return picked({ shape, data }, step.axis, order);
}

function misfit(step: ArrangeStep, shape: readonly number[]): never {
  throw new Error(`${JSON.stringify(step)} does not fit [${shape.join(", ")}]`);
}

const takenOf = (ranges: readonly (readonly [number, number])[]): number[] =>
  ranges.flatMap(([from, to]) => Array.from({ length: to - from }, (_, i) => from + i));

/**
 * For each position in channels-last order, the position in channels-first order. A piece [h, w, c]
 * stands for h·w·c places: (C, H, W) there, (H, W, C) here.
 */
function channelsLast(pieces: readonly (readonly number[])[]): number[] {
  const order: number[] = [];
  for (const piece of pieces) {
    const start = order.length;
    const channels = piece.at(-1) ?? 1;
    const positions = sizeOf(piece.slice(0, -1));
    for (let position = 0; position < positions; position++) {
      for (let c = 0; c < channels; c++) order.push(start + c * positions + position);
    }
  }
  return order;
}

/** The elements at these positions of an axis, in this order. */
function picked({ shape, data }: Numbers, axis: number, order: readonly number[]): Numbers {
  const size = shape[axis] ?? 1;
  const outer = sizeOf(shape.slice(0, axis));
  const inner = sizeOf(shape.slice(axis + 1));
  const result = new Float32Array(outer * order.length * inner);
  let at = 0;
  for (let o = 0; o < outer; o++) {
    for (const index of order) {
      const from = (o * size + index) * inner;
      result.set(data.subarray(from, from + inner), at);
      at += inner;
    }
  }
  return { shape: shape.with(axis, order.length), data: result };
}

function transposed({ shape, data }: Numbers, perm: readonly number[]): Numbers {
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  const size = (axis: number): number => shape[axis] ?? 1;
  const result = new Float32Array(data.length);
  const index = perm.map(() => 0);
  let from = 0;
  for (let to = 0; to < result.length; to++) {
    result[to] = data[from] ?? Number.NaN;
    // Counts up the last axis first, as an odometer does.
    for (let i = perm.length - 1; i >= 0; i--) {
      const axis = perm[i] ?? 0;
      const stride = strides[axis] ?? 0;
      const next = (index[i] ?? 0) + 1;
      from += stride;
      index[i] = next;
      if (next < size(axis)) break;
      from -= next * stride;
      index[i] = 0;
    }
  }
  return { shape: perm.map(size), data: result };
}
