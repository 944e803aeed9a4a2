/** @file Losses and heads of a walked model. */
import type { FeatureSpec, FittedFacts } from "@dlc/runtime";
import type {
  LayerUse,
  LossKind,
  LossUse,
  PhaseUse,
  ResolvedSpec,
} from "../1-load/resolved-spec.js";
import { MissingGradient } from "../3-differentiate/backward.js";
import { reportMissingGradient } from "../3-differentiate/missing-gradient.js";
import { bug } from "../diagnostics/diagnostic.js";
import type { Diagnostics } from "../diagnostics/report.js";
import type { Span } from "../ir/origin.js";
import { reachable } from "../ir/traverse.js";
import { shapeOf, type Value } from "../ir/types.js";
import { scalar } from "../layers/shared.js";
import { placeOf } from "./blame.js";
import { classWeights, weightedMean } from "./class-weights.js";
import { type FreeLoss, freeLosses, isFree, LossRejection } from "./free-losses.js";
import { type Head, headOf, naturalDecoding } from "./heads.js";
import { losses } from "./losses.js";
import { reportLossTarget, reportMisfit } from "./misfits.js";
import { type Target, targetOf } from "./targets.js";
import type { Walk } from "./walk.js";

export interface NamedLoss {
  readonly name: string;
  /** Mean over the batch, before its weight. */
  readonly value: Value;
}

/** What one phase makes small. */
export interface PhaseObjective {
  readonly use: PhaseUse;
  readonly loss: Value;
  readonly losses: readonly NamedLoss[];
  /** Names of the heads that its losses judge. */
  readonly heads: ReadonlySet<string>;
}

export interface Objective {
  /** Σ weight·loss, without penalties; null where the spec trains nothing. */
  readonly loss: Value | null;
  readonly losses: readonly NamedLoss[];
  readonly heads: readonly Head[];
  /** Empty unless the spec has phases. Their losses are in `losses`, too. */
  readonly phases: readonly PhaseObjective[];
}

interface Context {
  readonly spec: ResolvedSpec;
  readonly facts: FittedFacts;
  readonly walk: Walk;
  readonly diagnostics: Diagnostics;
}

/** What a loss compares: null where the output failed to lower or a problem has been reported. */
interface Comparison {
  readonly layer: LayerUse;
  readonly output: Value;
  readonly target: Target;
}

/** A loss that fits what it reads. */
interface BuiltLoss {
  readonly use: LossUse;
  readonly value: Value;
  /** null: it compares with nothing. */
  readonly comparison: Comparison | null;
}

/** Builds all losses and one head per distinct output and target. */
export function objective(context: Context): Objective {
  const { spec, walk } = context;
  const { b } = walk;
  if (spec.train === null) {
    return { loss: null, losses: [], heads: untrainedHead(context), phases: [] };
  }
  const built = spec.train.losses.flatMap((use) => buildLoss(context, use) ?? []);
  const heads = headsOf(context, built);
  b.origin = { layer: "train.loss", type: "sum", span: spec.train.span, phase: "forward" };
  const sum = (values: readonly Value[]): Value | null =>
    values.reduce<Value | null>((all, value) => (all === null ? value : b.add(all, value)), null);
  const total = (list: readonly BuiltLoss[]): Value | null =>
    sum(
      list.map(({ use, value }) =>
        use.weight === 1 ? value : b.mul(value, scalar(b, use.weight)),
      ),
    );
  const named = (list: readonly BuiltLoss[]): NamedLoss[] =>
    list.map(({ use, value }) => ({ name: use.name, value }));
  const shown = heads.length === 0 ? untrainedHead(context) : heads;
  const common = { losses: named(built), heads: shown.map(({ spec, value }) => ({ spec, value })) };
  if (spec.train.phases === undefined) return { ...common, loss: total(built), phases: [] };
  const phases = spec.train.phases.flatMap((use): PhaseObjective[] => {
    const own = built.filter((loss) => use.losses.includes(loss.use));
    const loss = total(own);
    const judged = new Set(own.map(({ comparison }) => comparison?.layer));
    const names = heads.filter(({ layer }) => judged.has(layer)).map(({ spec }) => spec.name);
    return loss === null ? [] : [{ use, loss, losses: named(own), heads: new Set(names) }];
  });
  return { ...common, loss: sum(phases.map(({ loss }) => loss)), phases };
}

function buildLoss(context: Context, use: LossUse): BuiltLoss | null {
  context.walk.b.origin = {
    layer: "train.loss",
    type: use.kind,
    span: use.span,
    phase: "forward",
  };
  if (isFree(use.kind)) {
    const value = freeLossOf(context, use, freeLosses[use.kind]);
    return value && { use, value, comparison: null };
  }
  const comparison = compare(context, use);
  const value = comparison && lossOf(context, use, comparison);
  return value && { use, value, comparison };
}

/** Mean over the batch; null where a layer failed to lower or a problem has been reported. */
function freeLossOf(
  { spec, walk, diagnostics }: Context,
  use: LossUse,
  build: FreeLoss,
): Value | null {
  const { b, sources } = walk;
  const names = { output: layerNamed(spec, use.output).name, ...use.reads };
  const values = Object.entries(names).map(([field, name]) => [field, sources.get(name)] as const);
  if (values.some(([, source]) => source !== undefined && source.value === null)) return null;
  const read = (field: string): Value =>
    values.find(([key]) => key === field)?.[1]?.value ??
    reject(`the output does not depend on '${use.reads?.[field]}': no layer reads it`);
  function reject(reason: string): never {
    throw new LossRejection(reason);
  }
  try {
    return b.mean(build(b, read, use), { axes: [0], keepDims: false });
  } catch (error) {
    if (error instanceof LossRejection) {
      diagnostics.report("loss-target-mismatch", use.span, { reason: error.message });
    } else if (error instanceof MissingGradient) reportMissingGradient(error, diagnostics);
    else throw error;
    return null;
  }
}

/** Does any tensor of the batch reach it? */
const readsData = (output: Value): boolean =>
  reachable([output]).some(({ kind, attrs }) => kind === "input" && attrs.role === "batch");

/** One head per output and target. Of several outputs for one target, the later go by their layer. */
function headsOf(
  { spec, walk, facts, diagnostics }: Context,
  built: readonly BuiltLoss[],
): readonly (Head & { readonly layer: LayerUse })[] {
  const heads = new Map<string, Head & { readonly layer: LayerUse }>();
  // What is made of noise alone predicts nothing.
  const judged = built.flatMap(({ use, comparison }) =>
    comparison !== null && readsData(comparison.output) ? [{ use, ...comparison }] : [],
  );
  for (const { use, layer, output, target } of judged) {
    if (isFree(use.kind)) continue;
    const goal = target.kind === "constant" ? null : target.name;
    const first = goal === null ? undefined : heads.get(goal);
    if (first?.layer === layer) continue;
    const own = use.outputName ?? layer.name;
    const name = goal === null || first !== undefined ? own : goal;
    if (heads.has(name)) continue;
    if (name === "loss") {
      const span = nameOf(name === goal ? spec.dataSpans[name] : undefined, name, layer);
      diagnostics.report("output-named-loss", span, { name });
    }
    walk.b.origin = { layer: `output.${name}`, type: "head", span: layer.span, phase: "forward" };
    const decoding = losses[use.kind].decoding(output, target);
    heads.set(name, { ...headOf(walk.b, name, output, decoding, target, facts), layer });
  }
  return [...heads.values()];
}

/** The name itself: of a target, whose entry begins with it, or of a layer. */
const nameOf = (entry: Span | undefined, name: string, layer: LayerUse): Span =>
  entry ? { ...entry, end: entry.start + name.length } : placeOf(layer, "as");

const lastLayer = (spec: ResolvedSpec): LayerUse =>
  spec.layers.at(-1) ?? bug("a model without layers");

function layerNamed(spec: ResolvedSpec, name: string | null): LayerUse {
  if (name === null) return lastLayer(spec);
  return spec.layers.find((layer) => layer.name === name) ?? bug(`no layer is named '${name}'`);
}

function dataNamed(spec: ResolvedSpec, name: string): FeatureSpec {
  return (
    spec.data?.targets[name] ??
    spec.data?.features[name] ??
    bug(`'${name}' is neither a target nor a feature`)
  );
}

/** Without training the last layer is the output; the only target, if there is one, says how to read it. */
function untrainedHead({ spec, walk, facts }: Context): readonly Head[] {
  const layer = lastLayer(spec);
  const output = walk.sources.get(layer.name)?.value;
  if (!output) return [];
  const [name, ...others] = Object.keys(spec.data?.targets ?? {});
  walk.b.origin = {
    layer: `output.${layer.name}`,
    type: "head",
    span: layer.span,
    phase: "forward",
  };
  const only =
    name === undefined || others.length > 0
      ? null
      : { name, target: targetOf(walk.b, name, dataNamed(spec, name), facts) };
  const fitting = only !== null && fitsTarget(output, only.target) ? only : null;
  const target = fitting?.target ?? null;
  const decoding = naturalDecoding(output, target);
  return [headOf(walk.b, fitting?.name ?? layer.name, output, decoding, target, facts)];
}

/** Could an output be a prediction of this target? */
function fitsTarget(output: Value, target: Target): boolean {
  if (target.kind === "category") {
    return [losses.cross_entropy, losses.binary_cross_entropy].some(
      (rule) => rule.misfit(output, target) === null,
    );
  }
  return losses.mse.misfit(output, target) === null;
}

function compare({ spec, walk, facts }: Context, use: LossUse): Comparison | null {
  const layer = layerNamed(spec, use.output);
  const output = walk.sources.get(layer.name)?.value ?? null;
  if (typeof use.target === "number") {
    return output && { layer, output, target: { kind: "constant", value: use.target } };
  }
  const name =
    use.target ??
    Object.keys(spec.data?.targets ?? {})[0] ??
    bug(`the loss '${use.name}' has no target`);
  return output && { layer, output, target: targetOf(walk.b, name, dataNamed(spec, name), facts) };
}

/** Losses that take the last axis as one distribution. */
const ofDistributions: ReadonlySet<LossKind> = new Set(["cross_entropy", "kl_divergence"]);

/** How many numbers of one example a loss reduces to one. */
function elementsOf(kind: LossKind, output: Value, target: Target): number {
  if (target.kind === "category") return 1;
  const sizes = shapeOf(output).slice(1, ofDistributions.has(kind) ? -1 : undefined);
  return sizes.reduce((product: number, size) => product * Number(size), 1);
}

/** Mean over the batch, `[]`; null where output and target do not fit, which is reported. */
function lossOf(
  context: Context,
  use: LossUse,
  { layer, output, target }: Comparison,
): Value | null {
  const { spec, walk, facts, diagnostics } = context;
  const { b, sources } = walk;
  const rule = isFree(use.kind) ? bug(`${use.kind} compares nothing`) : losses[use.kind];
  const misfit = rule.misfit(output, target);
  if (misfit !== null) {
    const { layers, dataSpans } = spec;
    reportMisfit(diagnostics, misfit, { use, target, output, layer, layers, sources, dataSpans });
    return null;
  }
  if (use.reduce === "sum" && elementsOf(use.kind, output, target) === 1) {
    const reason = "the loss has one number per example";
    diagnostics.report("setting-without-effect", use.nameSpan, { setting: "reduce", reason });
  }
  const perExample = rule.build(b, output, target, use);
  if (shapeOf(perExample).length !== 1) bug(`${use.kind} must give one number per example`);
  if (use.classWeights === null) return b.mean(perExample, { axes: [0], keepDims: false });
  if (target.kind !== "category") {
    const name = target.kind === "constant" ? null : target.name;
    const found = name === null ? "it is a number" : `'${name}' holds numbers`;
    const reason = `class_weights need a category as target, but ${found}`;
    reportLossTarget(diagnostics, reason, use, name, spec.dataSpans);
    return null;
  }
  const weights = classWeights(use, target, facts, diagnostics);
  return weights && weightedMean(b, perExample, target, weights);
}
