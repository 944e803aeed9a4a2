/** @file A loop over the steps of sequences. */

import { formatType, sameType } from "../../ir/text.js";
import type { Graph, Parameter, TensorType } from "../../ir/types.js";
import { typeOf } from "../../ir/types.js";
import {
  type AttrsOf,
  defineOp,
  type OpSample,
  type ReferenceBody,
  type ReferenceTensor,
  Rejection,
} from "../define-op.js";
import { expectStatic } from "../shared/expect.js";
import { count } from "../shared/walk.js";
import { scanGradient } from "./scan-gradient.js";

type Counts = Pick<AttrsOf<"scan">, "carries" | "sequences">;

/** What each step sees of the inputs, and the number of steps. */
function steps(
  xs: readonly TensorType[],
  { carries, sequences }: Counts,
): {
  readonly seen: readonly TensorType[];
  readonly length: number;
} {
  if (sequences < 1) throw new Rejection("a scan needs at least one sequence");
  if (carries < 0 || xs.length < carries + sequences) {
    throw new Rejection(`${carries} carries and ${sequences} sequences need as many inputs`);
  }
  const first = xs[carries] as TensorType;
  const length = expectStatic(first.shape[0], carries, "the number of steps");
  const seen = xs.map(({ dtype, shape }, i) => {
    if (i < carries || i >= carries + sequences) return { dtype, shape };
    if (shape[0] === length) return { dtype, shape: shape.slice(1) };
    throw new Rejection(`a sequence of ${shape[0]} steps does not go with one of ${length}`, i);
  });
  return { seen, length };
}

function parametersOf(xs: readonly TensorType[], counts: Counts): readonly Parameter[] {
  const { carries, sequences } = counts;
  return steps(xs, counts).seen.map((type, i) => {
    if (i < carries) return { name: `carry${i}`, type };
    if (i < carries + sequences) return { name: `slice${i - carries}`, type };
    return { name: `given${i - carries - sequences}`, type };
  });
}

function checkParameters(body: Graph, seen: readonly TensorType[]): void {
  const declared = body.parameters ?? [];
  if (declared.length !== seen.length) {
    throw new Rejection(`the body takes ${declared.length} tensors, not ${seen.length}`);
  }
  declared.forEach(({ name, type }, i) => {
    const given = seen[i] as TensorType;
    if (sameType(type, given)) return;
    throw new Rejection(
      `'${name}' of the body is ${formatType(type)}, but gets ${formatType(given)}`,
      i,
    );
  });
}

/** Row `step` of a tensor's first axis. */
function rowOf({ dtype, shape, data }: ReferenceTensor, step: number): ReferenceTensor {
  const size = count(shape.slice(1));
  return { dtype, shape: shape.slice(1), data: data.slice(step * size, (step + 1) * size) };
}

function stack(rows: readonly ReferenceTensor[]): ReferenceTensor {
  const { dtype, shape } = rows[0] as ReferenceTensor;
  const size = count(shape);
  const data = new Float64Array(rows.length * size);
  for (const [step, row] of rows.entries()) data.set(row.data, step * size);
  return { dtype, shape: [rows.length, ...shape], data };
}

function run(
  xs: readonly ReferenceTensor[],
  { carries, sequences, reverse, body }: Counts & { reverse: boolean; body: ReferenceBody },
): readonly ReferenceTensor[] {
  const slices = xs.slice(carries, carries + sequences);
  const given = xs.slice(carries + sequences);
  const length = slices[0]?.shape[0] ?? 0;
  let state = xs.slice(0, carries);
  const outputs: ReferenceTensor[][] = [];
  for (let i = 0; i < length; i++) {
    const step = reverse ? length - 1 - i : i;
    const results = body(...state, ...slices.map((x) => rowOf(x, step)), ...given);
    state = results.slice(0, carries);
    for (const [k, result] of results.slice(carries).entries()) {
      outputs[k] ??= [];
      (outputs[k] as ReferenceTensor[])[step] = result;
    }
  }
  return [...state, ...outputs.map(stack)];
}

const plain = { transposeA: false, transposeB: false, activation: "none" } as const;

/** h ← tanh(x + h·w + b): also puts out h, as it was before and after. */
const recurrent: NonNullable<OpSample["body"]> = (o, [h, x, w, bias]) => {
  const next = o.tanh(o.add(o.add(x, o.matmul(h, w, plain)), bias));
  return [next, next, h];
};

/** Two carries, of which one only adds up; an index; a value that no step changes. */
const mixed: NonNullable<OpSample["body"]> = (o, [total, h, x, keep, scale]) => {
  const moved = o.mul(o.sigmoid(o.add(h, x)), scale);
  const next = o.select(keep, moved, h);
  return [o.add(total, o.square(next)), next, o.sub(next, x)];
};

export const scan = defineOp({
  kind: "scan",
  summary: "Runs a body for every step of sequences, handing values from step to step.",
  inputs: ["xs"],
  variadic: true,
  body: parametersOf,
  infer: (xs, { carries, sequences, body }) => {
    const { seen, length } = steps(xs, { carries, sequences });
    checkParameters(body, seen);
    const results = body.outputs.map(({ value }) => typeOf(value));
    if (results.length < Math.max(carries, 1)) {
      throw new Rejection(`the body returns ${results.length} values, but has ${carries} carries`);
    }
    return results.map((type, i): TensorType => {
      if (i >= carries) return { dtype: type.dtype, shape: [length, ...type.shape] };
      const before = xs[i] as TensorType;
      if (sameType(before, type)) return type;
      throw new Rejection(
        `a carry starts as ${formatType(before)} but goes on as ${formatType(type)}`,
        i,
      );
    });
  },
  gradient: { backward: scanGradient },
  evaluate: (xs, attrs) => run(xs, attrs),
  samples: [
    ...[false, true].map((reverse) => ({
      inputs: [{ shape: ["n", 2] }, { shape: [4, "n", 2] }, { shape: [2, 2] }, { shape: [2] }],
      attrs: { carries: 1, sequences: 1, reverse },
      body: recurrent,
    })),
    ...[false, true].map((reverse) => ({
      inputs: [
        { shape: ["n", 3] },
        { shape: ["n", 3] },
        { shape: [3, "n", 3] },
        { shape: [3, "n", 1], dtype: "bool" as const },
        { shape: [3] },
      ],
      attrs: { carries: 2, sequences: 2, reverse },
      body: mixed,
    })),
    // A single step; no carries at all; a carry that passes through.
    {
      inputs: [{ shape: ["n", 2] }, { shape: [1, "n", 2] }, { shape: [2, 2] }, { shape: [2] }],
      attrs: { carries: 1, sequences: 1, reverse: false },
      body: recurrent,
    },
    {
      inputs: [{ shape: [3, "n", 2] }],
      attrs: { carries: 0, sequences: 1, reverse: false },
      body: (o, [x]) => [o.square(x)],
    },
    {
      inputs: [{ shape: ["n", 2] }, { shape: [2, "n", 2] }],
      attrs: { carries: 1, sequences: 1, reverse: true },
      body: (o, [h, x]) => [h, o.mul(h, x)],
    },
  ],
});
