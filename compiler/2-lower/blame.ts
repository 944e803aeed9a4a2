/** @file Turns rejections into located diagnostics with the trail of shapes that led there. */
import type { LayerUse } from "../1-load/resolved-spec.js";
import type { Note } from "../diagnostics/diagnostic.js";
import type { Diagnostics } from "../diagnostics/report.js";
import { bytes } from "../diagnostics/sizes.js";
import type { Span } from "../ir/origin.js";
import { formatShape } from "../ir/shape.js";
import { shapeOf, type Value } from "../ir/types.js";
import type { Ids } from "../layers/define-layer.js";
import { Rejection } from "../ops/define-op.js";
import { TooLarge } from "./size.js";

/** Something with a name that layers read from: a feature or a layer. */
export interface Source {
  readonly name: string;
  /** The layer's type, or the kind of the feature. */
  readonly type: string;
  readonly span: Span | null;
  readonly from: readonly string[];
  /** null: it could not be lowered, which has been reported. */
  readonly value: Value | null;
  /**
   * Of a sequence `[n, steps, …]`: bool `[n, steps]`, true where an example has that step and false in
   * the padding behind its end. Absent or null: every example has every step.
   */
  readonly mask?: Value | null;
  /** Of i32 values: what they are ids of. */
  readonly ids?: Ids | null;
}

/** Thrown by a layer's `reject`; op files throw `Rejection`, which has no field. */
export class LayerRejection extends Error {
  override readonly name = "LayerRejection";
  readonly field: string | null;
  /** What to do about it, where that is more than to change a shape. */
  readonly advice: string | null;
  constructor(reason: string, field: string | null, advice: string | null = null) {
    super(reason);
    this.field = field;
    this.advice = advice;
  }
}

/** The most notes a trail has: a long way is shown by its ends. */
const longestTrail = 12;

function describe({ name, type, span, value }: Source): Note {
  const shape = value === null ? "" : formatShape(shapeOf(value));
  // `conv2d_1` says what it is; a name of the user's own does not.
  const what = name === type || name.endsWith(`${type}`) || /_\d+$/.test(name) ? "" : ` (${type})`;
  return { message: `${name}${what}  ${shape}`, span };
}

/**
 * How the shapes of `names` came about: their ancestors from the features down, one note each.
 * Of a long trail, layers that keep their input's shape are left out first, then the middle.
 */
export function trail(names: readonly string[], sources: ReadonlyMap<string, Source>): Note[] {
  const wanted = new Set<string>();
  const queue = [...names];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (wanted.has(name)) continue;
    wanted.add(name);
    queue.push(...(sources.get(name)?.from ?? []));
  }
  // `sources` is in order of definition, so ancestors come before what they lead to.
  const ancestors = [...sources.values()].filter((source) => wanted.has(source.name));
  if (ancestors.length <= longestTrail) return ancestors.map(describe);
  const shapeText = (name: string | undefined): string => {
    const value = name === undefined ? null : (sources.get(name)?.value ?? null);
    return value === null ? "" : formatShape(shapeOf(value));
  };
  const turning = ancestors.filter(
    ({ name, from }) =>
      names.includes(name) || from.length !== 1 || shapeText(name) !== shapeText(from[0]),
  );
  if (turning.length <= longestTrail) return turning.map(describe);
  const head = turning.slice(0, 2);
  const tail = turning.slice(2 - longestTrail);
  const left = turning.length - head.length - tail.length;
  return [
    ...head.map(describe),
    { message: `… ${left} more layers …`, span: null },
    ...tail.map(describe),
  ];
}

/** How messages call a layer: by the user's name for it, else by type and number. */
export const titleOf = (layer: LayerUse): string =>
  layer.named ? `${layer.type} '${layer.name}'` : layer.name;

/** Inputs of a role may stand among the settings, or in `from`. */
const writtenAs = ({ fieldSpans, roles }: LayerUse, field: string): string =>
  fieldSpans[field] === undefined && roles?.includes(field) ? "from" : field;

/** The smallest place that a complaint about a field (or the whole) of a layer can point to. */
export const placeOf = (layer: LayerUse, field: string | null): Span =>
  (field === null ? undefined : layer.fieldSpans[writtenAs(layer, field)]) ??
  layer.fieldSpans.type ??
  layer.span;

function adviceOn(layer: LayerUse, field: string | null): string {
  if (field === null) {
    return "Look along the trail of shapes above for the layer that does not give what you expected.";
  }
  const name = writtenAs(layer, field);
  const change =
    layer.fieldSpans[name] === undefined ? `Set '${name}', or change` : `Change '${name}', or`;
  return `${change} what the layer reads: the trail above shows how its shape came about.`;
}

/** Was it a mistake of the user, found by a layer or one of its ops? */
export const isRejection = (error: unknown): error is Error =>
  error instanceof LayerRejection || error instanceof Rejection || error instanceof TooLarge;

/** Reports a layer that was rejected: by itself, or by one of its ops. */
export function blame(
  diagnostics: Diagnostics,
  layer: LayerUse,
  rejection: Error,
  sources: ReadonlyMap<string, Source>,
  inputs: readonly string[],
): void {
  if (rejection instanceof TooLarge) {
    diagnostics.report("model-too-large", placeOf(layer, null), {
      layer: titleOf(layer),
      needed: bytes(rejection.bytes),
      available: "more than any machine has",
      part: rejection.part,
    });
    return;
  }
  const { field, advice } =
    rejection instanceof LayerRejection ? rejection : { field: null, advice: null };
  const reason = rejection.message;
  diagnostics.report(
    "shape-mismatch",
    placeOf(layer, field),
    { layer: titleOf(layer), reason, advice: advice ?? adviceOn(layer, field) },
    { notes: trail(inputs, sources) },
  );
}
