/** @file Which weights have a row or a column for each token of a text: embeddings of ids, scores of tokens. */
import type { FeatureSpec, FittedFacts } from "@dlc/runtime";
import type { LayerUse } from "../1-load/resolved-spec.js";
import type { Shape } from "../ir/types.js";
import { layers as registry } from "../layers/index.js";
import { vocabularyOf } from "./features.js";
import type { Given } from "./padded.js";

export class TokenWeights {
  /** By weight: the text whose tokens these are. */
  readonly texts = new Map<string, string>();
  readonly #columns: Readonly<Record<string, FeatureSpec>>;
  readonly #facts: FittedFacts;

  constructor(columns: Readonly<Record<string, FeatureSpec>>, facts: FittedFacts) {
    this.#columns = columns;
    this.#facts = facts;
  }

  /** A weight of a layer that reads these ids. */
  note(weight: string, shape: Shape, layer: LayerUse, ids: Given["ids"]): void {
    const text = this.#textOf(layer, ids);
    if (text === null || !shape.includes(vocabularyOf(text, this.#facts).length)) return;
    this.texts.set(weight, text);
  }

  /** The text whose tokens the layer reads as ids, or gives scores for. */
  #textOf({ type, fields }: LayerUse, ids: Given["ids"]): string | null {
    if (ids[0]?.isText) return ids[0].of;
    const naming = registry.get(type)?.namesIds;
    const named = naming === undefined ? "" : String(fields[naming]);
    return this.#columns[named]?.type === "text" ? named : null;
  }
}
