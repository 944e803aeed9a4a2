/** @file One pass over examples with the evaluate program: losses and metrics. */
import type { DeviceState, Engine } from "../engine.js";
import type { Program } from "../program.js";
import type { HeadSpec, MetricSpec } from "../spec.js";
import type { HostTensor } from "../tensor.js";
import type { MetricValues } from "./events.js";
import { addLosses, meanLosses } from "./loss-sums.js";
import { createMetricSet } from "./metrics/index.js";
import type { FailedStep } from "./non-finite.js";
import { noSums } from "./progress-state.js";
import { stillScalars } from "./scalars.js";
import { type BatchSource, batchesPerEpoch } from "./source.js";

/** Examples per batch where no gradients are kept: enough to be fast, little enough to fit. */
export function evaluationBatch(trainingBatch: number): number {
  return Math.max(trainingBatch, Math.min(256, 4 * trainingBatch));
}

/** The tensors of `all` that a program takes. */
export function inputsOf(
  program: Program,
  all: Readonly<Record<string, HostTensor>>,
): Record<string, HostTensor> {
  const inputs: Record<string, HostTensor> = {};
  for (const name of Object.keys(program.inputs)) {
    const tensor = all[name];
    if (tensor === undefined) throw new Error(`program ${program.name} needs input ${name}`);
    inputs[name] = tensor;
  }
  return inputs;
}

export interface EvaluationRequest {
  readonly engine: Engine;
  readonly program: Program;
  readonly state: DeviceState;
  readonly source: BatchSource;
  readonly batch: number;
  readonly heads: readonly HeadSpec[];
  readonly metrics: readonly MetricSpec[];
  /** Settles the random numbers of models that draw some in evaluation. */
  readonly seed: number;
  /** Lets the host do its other work, before each batch. */
  readonly breathe?: (() => Promise<void>) | undefined;
  /** Called before each batch; returning false abandons the pass. */
  readonly onBatch?: (done: number, of: number) => boolean;
  /** The error to throw for a batch whose loss is not finite; default: such a loss is a result. */
  readonly blame?: (failed: FailedBatch) => Promise<Error>;
}

/** A batch whose loss is not finite, and what it was computed with. */
export type FailedBatch = Pick<
  FailedStep,
  "program" | "executable" | "inputs" | "scalars" | "state" | "batch"
>;

export interface Evaluation {
  readonly examples: number;
  /** `loss`, `loss.<name>` when there are several, and the metrics. */
  readonly metrics: MetricValues;
}

/** Evaluates all examples, the last smaller batch included; null if `onBatch` abandoned it. */
export async function evaluate(request: EvaluationRequest): Promise<Evaluation | null> {
  const { engine, program, state, source, batch } = request;
  const metrics = createMetricSet(request.metrics, request.heads);
  const total = batchesPerEpoch(source, batch);
  let { losses, examples } = noSums;
  let done = 0;
  for await (const given of source.batches({ batch, epoch: 0, from: 0, shuffle: null })) {
    const { inputs, rows } = given;
    await request.breathe?.();
    if (request.onBatch?.(done, total) === false) return null;
    const executable = await engine.prepare(program, rows.length);
    const call = {
      inputs: inputsOf(program, inputs),
      scalars: stillScalars(program, "evaluate", request.seed, done),
      state,
    };
    const outputs = await executable.run(call);
    if (request.blame !== undefined && !Number.isFinite(outputs.loss?.data[0])) {
      throw await request.blame({ ...call, program, executable, batch: given });
    }
    metrics.add(outputs, inputs);
    losses = addLosses(losses, outputs, rows.length);
    examples += rows.length;
    done++;
  }
  return { examples, metrics: { ...meanLosses(losses, examples), ...metrics.results() } };
}
