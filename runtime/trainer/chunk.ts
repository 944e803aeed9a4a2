/**
 * @file Chunks: batches that an engine trains on in one call, where it likes that better than one by one
 * (`Engine.stepsPerCall`). Whatever a run keeps and tells is the same with and without them: a chunk never goes
 * beyond a checkpoint or an epoch, its steps are told one by one, and one with a step that may not take
 * effect has none, and is done again batch by batch.
 */
import type { Executable } from "../engine.js";
import type { Program } from "../program.js";
import { bytesPerElement, type HostTensor, sizeOf } from "../tensor.js";
import { inputsOf } from "./evaluate.js";
import { scaledStep } from "./precision.js";
import type { RunProgress } from "./progress-state.js";
import { scalarsOf } from "./scalars.js";
import type { Batch } from "./source.js";
import {
  afterBatch,
  isSound,
  lossOf,
  type StepContext,
  type StepProgram,
  type StepResult,
  scalarsOfCall,
  shownRate,
  trainBatch,
} from "./step.js";

/** Seconds after which a request to stop should be heard at the latest, where a step does not take longer. */
const longestChunk = 1;
/** Bytes of inputs and outputs that wait on the host, and on the device once more. */
const largestChunk = 2 ** 28;

/** The update that batches of this size may be gathered for; null where they are trained on one by one. */
function gatheredUpdate({ engine, updates, apply, settings }: StepContext, batch: Batch) {
  const [update] = updates;
  const isPlain =
    update !== undefined && updates.length === 1 && update.phase === null && update.steps === 1;
  const prefers = (engine.stepsPerCall ?? 1) > 1;
  // The last batch of an epoch, where it is smaller, would need a model of its own for one step.
  return prefers && isPlain && apply === null && batch.rows.length === settings.batch
    ? update
    : null;
}

function bytesOfStep({ inputs, outputs }: Program, n: number): number {
  return [...Object.values(inputs), ...Object.values(outputs)].reduce(
    (sum, { dtype, shape }) =>
      sum + bytesPerElement[dtype] * sizeOf(shape.map((dim) => (dim === "n" ? n : dim))),
    0,
  );
}

/**
 * How many batches like this one, the next, may make a chunk. `secondsPerBatch` is what one takes at best; null
 * while that is not known, and then a batch is tried alone.
 */
export function chunkLength(
  context: StepContext,
  progress: RunProgress,
  batch: Batch,
  secondsPerBatch: number | null,
): number {
  const update = gatheredUpdate(context, batch);
  if (update === null || secondsPerBatch === null) return 1;
  const { everySteps } = context.settings.checkpoint;
  const limits = [
    context.engine.stepsPerCall ?? 1,
    everySteps > 0 ? everySteps - (progress.step % everySteps) : Number.POSITIVE_INFINITY,
    longestChunk / secondsPerBatch,
    largestChunk / bytesOfStep(update.program, batch.rows.length),
  ];
  return Math.max(1, Math.floor(Math.min(...limits)));
}

/** Batches of one size in groups, each as long as `most` says for its first batch at the time. */
export async function* inChunks(
  batches: AsyncIterable<Batch>,
  most: (first: Batch) => number,
): AsyncGenerator<readonly Batch[]> {
  let chunk: Batch[] = [];
  let limit = 0;
  for await (const batch of batches) {
    if (chunk[0] !== undefined && chunk[0].rows.length !== batch.rows.length) {
      yield chunk;
      chunk = [];
    }
    if (chunk.length === 0) limit = most(batch);
    chunk.push(batch);
    if (chunk.length < limit) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

/**
 * Trains on the batches of a chunk and gives their results in order: those that came out of one call together.
 * @throws as `trainBatch`, after the results of the batches before
 */
export async function* trainChunk(
  context: StepContext,
  progress: RunProgress,
  batches: readonly Batch[],
): AsyncGenerator<readonly StepResult[]> {
  const results = await trainTogether(context, progress, batches);
  if (results !== null) {
    yield results;
    return;
  }
  let current = progress;
  for (const batch of batches) {
    const result = await trainBatch(context, current, batch);
    current = result.progress;
    yield [result];
  }
}

/** All batches in one call; null where that is not done or has come to nothing. */
async function trainTogether(
  context: StepContext,
  progress: RunProgress,
  batches: readonly Batch[],
): Promise<readonly StepResult[] | null> {
  const [first] = batches;
  if (first === undefined) return [];
  const update = gatheredUpdate(context, first);
  if (update === null) return null;
  const executable = await context.engine.prepare(update.program, first.rows.length);
  if (executable.runSteps === undefined) return null;
  const before: RunProgress[] = [];
  let current = progress;
  for (const _ of batches) {
    before.push(current);
    current = afterBatch(context, current);
  }
  const outputs = await runTogether(context, update, executable, before, batches);
  if (!outputs.every(isSound)) return null;
  return before.map((at, i) => {
    const own = outputs[i] ?? {};
    return {
      progress: afterBatch(context, at),
      outputs: own,
      loss: lossOf(own),
      scaled: scaledStep(own),
      learningRate: shownRate(context, at, at.step + 1),
    };
  });
}

async function runTogether(
  context: StepContext,
  update: StepProgram,
  executable: Executable,
  before: readonly RunProgress[],
  batches: readonly Batch[],
): Promise<readonly Readonly<Record<string, HostTensor>>[]> {
  const { program } = update;
  const steps = batches.map((batch, i) => ({
    inputs: inputsOf(program, batch.inputs),
    scalars: scalarsOf(program, scalarsOfCall(context, update, before[i] as RunProgress)),
  }));
  const { state } = context;
  const commit = (all: readonly Readonly<Record<string, HostTensor>>[]) => all.every(isSound);
  return (await executable.runSteps?.({ steps, state, commit })) ?? [];
}
