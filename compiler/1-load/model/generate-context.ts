/** @file What both ways to read a `generate` section share. */
import type { Span } from "../../ir/origin.js";
import type { Checked } from "../check/check-shape.js";
import type { LoadContext } from "../context.js";
import type { ReadData } from "../data/read-data.js";
import { type LayerUse, layerOf } from "../resolved-spec.js";
import type { generateShape } from "../schema/generate.js";
import type { ReadModel } from "./read-model.js";

type Section = Checked<typeof generateShape.fields>;

/** The section, checked for itself, and all around it. */
export interface GenerateContext extends Pick<Section, "values" | "nodes"> {
  readonly model: ReadModel;
  readonly data: ReadData | null;
  readonly context: LoadContext;
  /** The whole section. */
  readonly span: Span;
  /** The place of a setting that was written, else of the section's key. */
  readonly placeOf: (key: string) => Span;
  /** A layer by what the spec calls its output. */
  readonly layerNamed: (name: string) => LayerUse | undefined;
  /** Reports a name that means nothing here. */
  readonly unknown: (key: string, name: string, known: readonly string[]) => null;
}

/** Warns of settings that were written and change nothing. */
export function reportIdle(
  { nodes, context, placeOf }: GenerateContext,
  settings: readonly string[],
  reason: string,
): void {
  for (const setting of settings) {
    if (!nodes.has(setting)) continue;
    context.diagnostics.report("setting-without-effect", placeOf(setting), { setting, reason });
  }
}

/** Names of a layer and of everything that it reads, directly or over others. */
export function ancestorsOf(
  name: string,
  layers: readonly LayerUse[],
  stopAt: string | null = null,
): ReadonlySet<string> {
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  const found = new Set<string>();
  const queue = [name];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    if (found.has(next)) continue;
    found.add(next);
    if (next === stopAt) continue;
    const layer = byName.get(next);
    // A further output (`encoder.state`) is made by its layer.
    queue.push(...(layer?.from ?? (layerOf(next) === next ? [] : [layerOf(next)])));
  }
  return found;
}
