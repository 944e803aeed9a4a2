/** @file Reports outputs that a loss cannot compare with its target. */
import type { LayerUse, LossUse } from "../1-load/resolved-spec.js";
import { count } from "../diagnostics/count.js";
import { bug, type Fix, type Note } from "../diagnostics/diagnostic.js";
import type { Diagnostics } from "../diagnostics/report.js";
import type { Span } from "../ir/origin.js";
import { formatShape, sameShape } from "../ir/shape.js";
import { type Shape, shapeOf, type Value } from "../ir/types.js";
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

/** A loss whose target is of a kind that it does not compare. */
export function reportLossTarget(
  diagnostics: Diagnostics,
  reason: string,
  use: LossUse,
  target: string | null,
  dataSpans: Readonly<Record<string, Span>>,
): void {
  const span = target === null ? null : (dataSpans[target] ?? null);
  const notes = span === null ? [] : [{ message: `'${target}' is defined here`, span }];
  diagnostics.report("loss-target-mismatch", use.nameSpan, { reason }, { notes });
}

export function reportMisfit(diagnostics: Diagnostics, misfit: Misfit, at: MisfitPlace): void {
  if (misfit.problem === "target") {
    const name = at.target.kind === "constant" ? null : at.target.name;
    reportLossTarget(diagnostics, misfit.reason, at.use, name, at.dataSpans);
    return;
  }
  const target = at.target.kind === "constant" ? bug("a number fits every output") : at.target.name;
  const notes: Note[] = [
    { message: `'${target}' is defined here`, span: at.dataSpans[target] ?? null },
    ...trail([at.layer.name], at.sources),
  ];
  const culprit = widthSetter(at.layer, at);
  if (misfit.problem === "tokens") {
    reportTokens(diagnostics, misfit.wanted, at, target, notes);
    return;
  }
  if (misfit.problem === "shape") {
    reportShape(diagnostics, misfit.wanted, at, { target, notes, culprit });
    return;
  }
  const { outputs, classes } = misfit;
  const span = culprit?.fieldSpans.units;
  diagnostics.report(
    "class-count-mismatch",
    span ?? placeOf(at.layer, null),
    {
      layer: titleOf(culprit ?? at.layer),
      outputs: count(outputs, "output"),
      target,
      classes: count(classes, "class", "classes"),
      width: classes,
    },
    { notes, fixes: culprit === null ? [] : widthFix(culprit, outputs, classes) },
  );
}

/** No score for each token at each step. */
function reportTokens(
  diagnostics: Diagnostics,
  wanted: Shape,
  { layer, output, use }: MisfitPlace,
  target: string,
  notes: readonly Note[],
): void {
  const got = shapeOf(output);
  const tokens = wanted.at(-1);
  const sameSteps = sameShape(got.slice(0, -1), wanted.slice(0, -1));
  const scores = `\`logits: ${target}\` at the end gives a score for each of the ${tokens} tokens.`;
  const advice = sameSteps
    ? scores
    : got.length < wanted.length
      ? `It has lost the steps: recurrent layers keep them with \`return: sequence\`. ${scores}`
      : `It needs as many steps as '${target}' has: a decoder begins with \`previous: ${target}\`. ${scores}`;
  diagnostics.report(
    "output-shape-mismatch",
    placeOf(layer, null),
    {
      ...{ layer: titleOf(layer), got: formatShape(got), loss: use.kind, target },
      ...{ wanted: formatShape(wanted), advice },
    },
    { notes: [...notes] },
  );
}

function reportShape(
  diagnostics: Diagnostics,
  wanted: Shape,
  { layer, output, use }: MisfitPlace,
  {
    target,
    notes,
    culprit,
  }: {
    readonly target: string;
    readonly notes: readonly Note[];
    readonly culprit: LayerUse | null;
  },
): void {
  const got = shapeOf(output);
  const [has, needs] = [Number(got.at(-1)), Number(wanted.at(-1))];
  // Only the width is wrong, and one layer sets it.
  const wide = culprit !== null && sameShape(got.slice(0, -1), wanted.slice(0, -1));
  const span = wide ? culprit.fieldSpans.units : undefined;
  diagnostics.report(
    "output-shape-mismatch",
    span ?? placeOf(layer, null),
    {
      layer: titleOf(layer),
      got: formatShape(got),
      loss: use.kind,
      target,
      wanted: formatShape(wanted),
      advice: adviceOn(got, wanted, use),
    },
    // What is wrong may as well be the target: nothing to change without asking.
    { notes, fixes: wide ? widthFix(culprit, has, needs, "likely") : [] },
  );
}

function adviceOn(got: Shape, wanted: Shape, use: LossUse): string {
  const width = wanted.at(-1);
  if (wanted.length === 2 && got.length === 3) {
    return `End the model with one vector per example and \`dense: ${width}\`: recurrent layers give it with \`return: last\`, of other sequences take \`global_avg_pool1d\`.`;
  }
  if (wanted.length === 2 && got.length > 2) {
    return `End the model with \`flatten\` (or \`global_avg_pool2d\`) and \`dense: ${width}\`.`;
  }
  if (use.kind === "binary_cross_entropy" && width === 1) {
    return "binary_cross_entropy takes one score, for the second class: let the last layer be `dense: 1`. cross_entropy takes one score per class.";
  }
  return `Let the last layer give ${formatShape(wanted)}; n is the size of the batch.`;
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
function widthFix(
  layer: LayerUse,
  outputs: number,
  classes: number,
  grade: Fix["grade"] = "certain",
): Fix[] {
  const span = layer.fieldSpans.units;
  if (span === undefined || span.end - span.start !== String(outputs).length) return [];
  return [
    {
      title: `make it ${classes}`,
      grade: layer.name.includes("/") ? "likely" : grade,
      edits: [{ span, text: String(classes) }],
    },
  ];
}
