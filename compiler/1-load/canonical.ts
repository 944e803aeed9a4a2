/** @file The meaning of a resolved spec as text: what the package's hash is made from. */
import type { ResolvedSpec } from "./resolved-spec.js";

type Meaning = Pick<ResolvedSpec, "name" | "data" | "layers" | "train">;

/**
 * JSON with sorted keys and without places: a spec keeps its hash when it is only laid out anew. How
 * long to train and how often to save are left out too: a run may be continued with more epochs.
 */
export function canonicalJson({ name, data, layers, train }: Meaning): string {
  const meaning = {
    name,
    data: data && {
      ...data,
      features: Object.entries(data.features),
      targets: Object.entries(data.targets),
    },
    layers: layers.map(({ type, name: layer, from, fields }) => ({
      type,
      name: layer,
      from,
      fields,
    })),
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
    },
  };
  return JSON.stringify(meaning, (_key, value: unknown) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
