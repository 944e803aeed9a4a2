/** @file Checks between the model's outputs and the losses that read them, as far as no shapes are needed. */
import type { FeatureSpec } from "@dlc/runtime";
import type { Fix } from "../../diagnostics/diagnostic.js";
import { pairOf, removalOf } from "../../diagnostics/removal.js";
import type { Span } from "../../ir/origin.js";
import { headOf, type LoadContext } from "../context.js";
import type { ReadData } from "../data/read-data.js";
import type { LayerUse, LossKind, LossUse } from "../resolved-spec.js";
import type { ReadLoss } from "../train/losses.js";

/** What a loss applies by itself, so that the model must not. */
const appliedByLoss: Readonly<Partial<Record<LossKind, readonly string[]>>> = {
  cross_entropy: ["softmax", "log_softmax"],
  kl_divergence: ["softmax", "log_softmax"],
  binary_cross_entropy: ["sigmoid"],
};

/** Losses of differences: a class has no distance to another. */
const ofNumbers: ReadonlySet<LossKind> = new Set(["mse", "mae", "huber", "kl_divergence"]);

export function checkOutputs(
  layers: readonly LayerUse[],
  losses: readonly ReadLoss[],
  data: ReadData | null,
  context: LoadContext,
): void {
  for (const { use, named } of losses) {
    checkTarget(use, headOf(named.nameSpan, context.sources), data, context);
    const output =
      use.output === null ? layers.at(-1) : layers.find(({ name }) => name === use.output);
    if (output !== undefined) checkActivation(output, use, layers, context);
  }
}

function checkTarget(use: LossUse, span: Span, data: ReadData | null, context: LoadContext): void {
  if (use.reads !== undefined) return;
  const name = use.target ?? [...(data?.targets.keys() ?? [])][0];
  if (typeof name !== "string" || data === null) return;
  const spec: FeatureSpec | undefined = data.known.targets[name] ?? data.known.features[name];
  if (spec === undefined) return;
  const reason = misfit(use.kind, name, spec);
  if (reason === null) return;
  const at = data.targets.get(name) ?? data.features.get(name);
  const place = at === undefined ? null : headOf(at, context.sources);
  const notes = place === null ? [] : [{ message: `'${name}' is defined here`, span: place }];
  context.diagnostics.report("loss-target-mismatch", span, { reason }, { notes });
}

function misfit(kind: LossKind, name: string, spec: FeatureSpec): string | null {
  if (spec.type === "text") {
    return kind === "cross_entropy"
      ? null
      : `${kind} compares numbers, but '${name}' is a text: use cross_entropy, with \`logits: ${name}\` at the end of the model`;
  }
  if (spec.type !== "category") {
    return kind === "cross_entropy" && spec.type === "number"
      ? `cross_entropy needs a category or probabilities, but '${name}' is a number: use mse`
      : null;
  }
  const count = spec.classes?.length ?? null;
  if (ofNumbers.has(kind)) {
    const binary = count === 2 ? " or binary_cross_entropy" : "";
    return `${kind} compares numbers, but '${name}' is a category: use cross_entropy${binary}`;
  }
  return kind === "binary_cross_entropy" && count !== null && count > 2
    ? `binary_cross_entropy needs two classes, but '${name}' has ${count}: use cross_entropy`
    : null;
}

function checkActivation(
  layer: LayerUse,
  use: LossUse,
  layers: readonly LayerUse[],
  context: LoadContext,
): void {
  const applied = appliedByLoss[use.kind] ?? [];
  const isLayer = applied.includes(layer.type);
  const activation = isLayer ? layer.type : String(layer.fields.activation ?? "");
  if (!applied.includes(activation)) return;
  const span = isLayer ? layer.fieldSpans.type : layer.fieldSpans.activation;
  const place = span ?? layer.span;
  const fix = isLayer ? withoutLayer(layer, layers, context) : withoutActivation(layer, context);
  context.diagnostics.report(
    "softmax-before-cross-entropy",
    headOf(place, context.sources),
    { activation, loss: use.kind },
    {
      label: isLayer ? "remove this layer" : "remove this activation",
      notes: [{ message: `${use.kind} reads it here`, span: headOf(use.span, context.sources) }],
      fixes: fix === null ? [] : [fix],
    },
  );
}

function withoutLayer(
  layer: LayerUse,
  layers: readonly LayerUse[],
  context: LoadContext,
): Fix | null {
  const text = context.sources.text(layer.span.file) ?? "";
  const span = removalOf(text, layer.span);
  if (span === null) return null;
  // Where the name is used, where others use the layer, or where the block is used elsewhere, the
  // rest of the spec may need to change as well.
  const apart = layer.named || layer.name.includes("/") || layer.fieldSpans.from !== undefined;
  const read = layers.some(({ from }) => from.includes(layer.name));
  return {
    title: `remove the ${layer.type} layer`,
    grade: apart || read || layers.length < 2 ? "likely" : "certain",
    edits: [{ span, text: "" }],
  };
}

function withoutActivation(layer: LayerUse, context: LoadContext): Fix | null {
  const value = layer.fieldSpans.activation;
  if (value === undefined) return null;
  const text = context.sources.text(value.file) ?? "";
  const pair = pairOf(text, "activation", value);
  const span = pair === null ? null : removalOf(text, pair);
  if (span === null) return null;
  const literal = !context.sources.slice(value).includes("$");
  return {
    title: "remove the activation",
    grade: literal && !layer.name.includes("/") ? "certain" : "likely",
    edits: [{ span, text: "" }],
  };
}
