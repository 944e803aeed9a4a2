/** @file Reports outputs that a loss cannot compare with its target. */
import type { LayerUse, LossUse } from "../1-load/resolved-spec.js";
import { bug, type Fix, type Note } from "../diagnostics/diagnostic.js";
import type { Diagnostics } from "../diagnostics/report.js";
import type { Span } from "../ir/origin.js";
import { formatShape, sameShape } from "../ir/shape.js";
import { shapeOf, type Value } from "../ir/types.js";
import { placeOf, type Source, titleOf, trail } from "./blame.js";
import type { Misfit } from "./losses.js";
import type { Target } from "./targets.js";

export interface MisfitPlace {
  readonly use: LossUse;
  readonly target: Target;
  readonly output: Value;
  readonly layer: LayerUse;
  readonly layers: readonly LayerUse[];
  readonly sources: ReadonlyMap<string, Source>;
  readonly dataSpans: Readonly<Record<string, Span>>;
}

export function reportMisfit(diagnostics: Diagnostics, misfit: Misfit, at: MisfitPlace): void {
  if (misfit.problem === "target") {
    diagnostics.report("loss-target-mismatch", at.use.span, { reason: misfit.reason });
    return;
  }
  const target = at.target.kind === "constant" ? bug("a number fits every output") : at.target.name;
  const notes: Note[] = [
    { message: `'${target}' is defined here`, span: at.dataSpans[target] ?? null },
    ...trail([at.layer.name], at.sources),
  ];
  if (misfit.problem === "shape") {
    diagnostics.report(
      "output-shape-mismatch",
      placeOf(at.layer, null),
      {
        layer: titleOf(at.layer),
        got: formatShape(shapeOf(at.output)),
        loss: at.use.kind,
        target,
        wanted: formatShape(misfit.wanted),
      },
      { notes },
    );
    return;
  }
  const culprit = widthSetter(at.layer, at);
  const { outputs, classes } = misfit;
  const span = culprit?.fieldSpans.units;
  diagnostics.report(
    "class-count-mismatch",
    span ?? placeOf(at.layer, null),
    { layer: titleOf(culprit ?? at.layer), outputs, target, classes },
    { notes, fixes: culprit === null ? [] : widthFix(culprit, outputs, classes) },
  );
}

/** The dense layer that sets the output's width, looking up through layers that keep the shape. */
function widthSetter(
  layer: LayerUse,
  { layers, sources }: Pick<MisfitPlace, "layers" | "sources">,
): LayerUse | null {
  let at = layer;
  while (at.type !== "dense") {
    const [above, ...others] = at.from;
    const next = layers.find(({ name }) => name === above);
    const [value, input] = [sources.get(at.name)?.value, sources.get(above ?? "")?.value];
    if (!next || others.length > 0 || !value || !input) return null;
    if (!sameShape(shapeOf(value), shapeOf(input))) return null;
    at = next;
  }
  return at;
}

/** Certain only where the number is written out, and for this layer alone (not in a block). */
function widthFix(layer: LayerUse, outputs: number, classes: number): Fix[] {
  const span = layer.fieldSpans.units;
  if (span === undefined || span.end - span.start !== String(outputs).length) return [];
  return [
    {
      title: `make it ${classes}`,
      grade: layer.name.includes("/") ? "likely" : "certain",
      edits: [{ span, text: String(classes) }],
    },
  ];
}
