/** @file The next token's log-probabilities, by the programs of a package. */
import type { Executable } from "../../engine.js";
import type { Program } from "../../program.js";
import { derive } from "../../random.js";
import { type SequenceSpec, sequenceInputs } from "../../spec.js";
import { allocate, type HostTensor, sizeOf } from "../../tensor.js";
import { scalarsOf } from "../../trainer/scalars.js";
import { chunk, type Generator, purpose } from "./examples.js";
import type { NextScores, Prefix } from "./search/problem.js";

type Tensors = Readonly<Record<string, HostTensor>>;

/** Rows of a tensor, in any order and number. */
function pick({ dtype, shape, data }: HostTensor, rows: readonly number[]): HostTensor {
  const [, ...rest] = shape;
  const size = sizeOf(rest);
  const picked = allocate(dtype, rows.length * size);
  rows.forEach((row, i) => {
    picked.set(data.subarray(row * size, (row + 1) * size), i * size);
  });
  return { dtype, shape: [rows.length, ...rest], data: picked };
}

const pickAll = (tensors: Tensors, rows: readonly number[]): Record<string, HostTensor> =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, pick(tensor, rows)]));

const without = (tensors: Tensors, { inputs }: Program): Tensors =>
  Object.fromEntries(Object.entries(tensors).filter(([name]) => inputs[name] !== undefined));

/** Rows `start … start + chunk − 1` of `count`, the last of all repeated. */
const rowsFrom = (start: number, count: number): readonly number[] =>
  Array.from({ length: chunk }, (_, i) => Math.min(start + i, count - 1));

/** What `encode` makes of all examples at once, `chunk` of them per call. */
async function encoded(
  { definition, engine, state }: Generator,
  given: Tensors,
  count: number,
): Promise<Tensors> {
  const { encode } = definition.programs;
  if (encode === undefined) return {};
  const executable = await engine.prepare(encode, chunk);
  const all: Record<string, HostTensor> = {};
  for (let start = 0; start < count; start += chunk) {
    const outputs = await executable.run({
      inputs: pickAll(without(given, encode), rowsFrom(start, count)),
      scalars: scalarsOf(encode, { learning_rate: 0, step: 0, random_key: derive(0, purpose) }),
      state,
    });
    for (const [name, { dtype, shape, data }] of Object.entries(outputs)) {
      const [, ...rest] = shape;
      const size = sizeOf(rest);
      all[name] ??= { dtype, shape: [count, ...rest], data: allocate(dtype, count * size) };
      const rows = Math.min(chunk, count - start);
      all[name].data.set(data.subarray(0, rows * size), start * size);
    }
  }
  return all;
}

/**
 * Scores for `count` examples, whose inputs are `given`. Every call of the engine has the same number of
 * rows, so that scores do not depend on how many examples are generated together.
 */
export async function nextScores(
  generator: Generator,
  program: Program,
  { steps, start }: SequenceSpec,
  given: Tensors,
  count: number,
): Promise<NextScores> {
  const { engine, state } = generator;
  const executable: Executable = await engine.prepare(program, chunk);
  const constant = without({ ...given, ...(await encoded(generator, given, count)) }, program);

  /** All of the same length, at most `chunk`. */
  async function score(prefixes: readonly Prefix[]): Promise<Float32Array[]> {
    const position = prefixes[0]?.tokens.length ?? 0;
    const data = new Int32Array(chunk * steps);
    const rows = Array.from({ length: chunk }, (_, i) => {
      const { tokens, example } = prefixes[Math.min(i, prefixes.length - 1)] as Prefix;
      data.set([start, ...tokens], i * steps);
      return example;
    });
    const tokens: HostTensor = { dtype: "i32", shape: [chunk, steps], data };
    const random_key = derive(0, purpose);
    const outputs = await executable.run({
      inputs: { ...pickAll(constant, rows), [sequenceInputs.tokens]: tokens },
      scalars: scalarsOf(program, { learning_rate: 0, step: 0, random_key, position }),
      state,
    });
    const [scores] = Object.values(outputs);
    if (scores === undefined) throw new Error("the generate program has no output");
    const size = scores.data.length / chunk;
    return prefixes.map((_, i) => scores.data.slice(i * size, (i + 1) * size) as Float32Array);
  }

  return async (prefixes) => {
    const results: Float32Array[] = new Array(prefixes.length);
    const byLength = new Map<number, number[]>();
    prefixes.forEach(({ tokens }, i) => {
      const group = byLength.get(tokens.length);
      if (group === undefined) byLength.set(tokens.length, [i]);
      else group.push(i);
    });
    for (const group of byLength.values()) {
      for (let from = 0; from < group.length; from += chunk) {
        const part = group.slice(from, from + chunk);
        const scores = await score(part.map((i) => prefixes[i] as Prefix));
        part.forEach((i, k) => {
          results[i] = scores[k] as Float32Array;
        });
      }
    }
    return results;
  };
}
