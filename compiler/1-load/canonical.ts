/** @file The meaning of a resolved spec as text: what the package's hash is made from. */
import type { LayerUse, ResolvedSpec } from "./resolved-spec.js";

type Meaning = Pick<ResolvedSpec, "name" | "data" | "layers" | "train" | "generate" | "init">;

const meaningOf = ({ type, name, from, roles, fields, shared, cell }: LayerUse): unknown => ({
  type,
  name,
  from,
  roles,
  fields,
  weights: shared && [shared.network, shared.layer],
  cell: cell && {
    layers: cell.layers.map(meaningOf),
    states: cell.states.map(({ span: _, next, ...state }) => ({ ...state, next: next.name })),
    output: cell.output,
  },
});

/**
 * JSON with sorted keys and without places: a spec keeps its hash when it is only laid out anew. How
 * long to train and how often to save are left out too: a run may be continued with more epochs.
 */
export function canonicalJson({ name, data, layers, train, generate, init }: Meaning): string {
  const meaning = {
    name,
    data: data && {
      ...data,
      features: Object.entries(data.features),
      targets: Object.entries(data.targets),
    },
    layers: layers.map(meaningOf),
    train: train && {
      ...train,
      span: undefined,
      settings: { ...train.settings, epochs: undefined, checkpoint: undefined },
      losses: train.losses.map((loss) => ({
        ...loss,
        span: undefined,
        nameSpan: undefined,
        classWeightSpans: undefined,
      })),
      optimizer: { ...train.optimizer, span: undefined },
      precision: train.precision && { ...train.precision, span: undefined },
      freeze: train.freeze?.map(({ pattern }) => pattern),
      // Their order tells which of several counts.
      rates: train.rates?.map(({ pattern, factor }) => [pattern, factor]),
      phases: train.phases?.map((phase) => ({
        ...phase,
        span: undefined,
        losses: phase.losses.map(({ name }) => name),
        optimizer: { ...phase.optimizer, span: undefined },
      })),
    },
    generate: generate ? { ...generate, span: undefined, spans: undefined } : undefined,
    init: init
      ? {
          ...init,
          span: undefined,
          map: init.map.map(({ from, to }) => [from, to]),
          only: init.only?.map(({ pattern }) => pattern) ?? null,
        }
      : undefined,
  };
  return JSON.stringify(meaning, (_key, value: unknown) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
