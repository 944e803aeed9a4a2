/** @file The metrics by name, and sets of them for a model. */
import type { HeadSpec, MetricSpec } from "../../spec.js";
import type { HostTensor } from "../../tensor.js";
import { accuracy } from "./accuracy.js";
import { auc } from "./auc.js";
import { confusion } from "./confusion.js";
import type { MetricDefinition, MetricMemory, MetricValue } from "./define-metric.js";
import { exactMatch } from "./exact-match.js";
import { f1 } from "./f1.js";
import { mae } from "./mae.js";
import { mse } from "./mse.js";
import { perplexity } from "./perplexity.js";
import { precision } from "./precision.js";
import { r2 } from "./r2.js";
import { recall } from "./recall.js";
import { topK } from "./top-k.js";

export const metrics: { readonly [K in MetricSpec["kind"]]: MetricDefinition<K> } = {
  accuracy,
  auc,
  confusion,
  exact_match: exactMatch,
  f1,
  mae,
  mse,
  perplexity,
  precision,
  r2,
  recall,
  top_k: topK,
};

type Batch = Readonly<Record<string, HostTensor>>;

/** All metrics of a model, fed together. */
export interface MetricSet {
  /** `outputs` of the evaluate or train program, and the batch's inputs, which hold the targets. */
  add(outputs: Batch, inputs: Batch): void;
  results(): Record<string, MetricValue>;
  /** Those that are cheap enough to ask for after every batch. */
  running(): Record<string, MetricValue>;
  save(): Readonly<Record<string, MetricMemory>>;
  restore(memory: Readonly<Record<string, MetricMemory>>): void;
}

/** A metric of one head, under the name that results carry. */
export interface MetricUse {
  readonly name: string;
  readonly head: HeadSpec;
  readonly spec: MetricSpec;
}

/** `top_k` is called by its k, as people do: `top_5`. */
function baseName(spec: MetricSpec): string {
  return spec.kind === "top_k" ? `top_${spec.k}` : spec.kind;
}

/**
 * Each metric watches every head of a kind that it suits and that has a target. It goes by its own
 * name if that is one head, else by `<head>.<metric>`.
 */
export function metricUses(
  specs: readonly MetricSpec[],
  heads: readonly HeadSpec[],
): readonly MetricUse[] {
  return specs.flatMap((spec) => {
    const suited = heads.filter(
      ({ kind, target }) => target !== null && metrics[spec.kind].heads.includes(kind),
    );
    return suited.map((head) => ({
      name: suited.length === 1 ? baseName(spec) : `${head.name}.${baseName(spec)}`,
      head,
      spec,
    }));
  });
}

/** `isMeasured`: of which heads there are outputs; default all. Names go by all heads. */
export function createMetricSet(
  specs: readonly MetricSpec[],
  heads: readonly HeadSpec[],
  isMeasured: (head: HeadSpec) => boolean = () => true,
): MetricSet {
  const uses = metricUses(specs, heads).filter(({ head }) => isMeasured(head));
  const members = uses.map(({ name, head, spec }) => {
    const { create, running } = metrics[spec.kind] as MetricDefinition;
    const accumulator = create(head, spec);
    return { name, output: head.name, target: head.target ?? "", accumulator, running };
  });
  const resultsOf = (of: typeof members): Record<string, MetricValue> =>
    Object.fromEntries(of.map(({ name, accumulator }) => [name, accumulator.result()]));
  return {
    add(outputs, inputs) {
      for (const { name, output, target, accumulator } of members) {
        const [prediction, truth] = [outputs[output], inputs[target]];
        if (prediction === undefined || truth === undefined) {
          throw new Error(`metric ${name} needs output ${output} and input ${target}`);
        }
        accumulator.add(prediction, truth);
      }
    },
    results: () => resultsOf(members),
    running: () => resultsOf(members.filter(({ running }) => running)),
    save: () =>
      Object.fromEntries(members.map(({ name, accumulator }) => [name, accumulator.save()])),
    restore(memory) {
      for (const { name, accumulator } of members) {
        const saved = memory[name];
        if (saved !== undefined) accumulator.restore(saved);
      }
    },
  };
}
