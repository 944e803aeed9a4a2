/** @file Losses and heads of a walked model. */
import type { FeatureSpec, FittedFacts } from "@dlc/runtime";
import {
  type LayerUse,
  type LossKind,
  type LossUse,
  layerOf,
  type PhaseUse,
  type ResolvedSpec,
} from "../1-load/resolved-spec.js";
import { MissingGradient } from "../3-differentiate/backward.js";
import { reportMissingGradient } from "../3-differentiate/missing-gradient.js";
import { bug } from "../diagnostics/diagnostic.js";
import type { Diagnostics } from "../diagnostics/report.js";
import type { GraphBuilder } from "../ir/builder.js";
import type { Span } from "../ir/origin.js";
import { reachable } from "../ir/traverse.js";
import { type GraphOutput, shapeOf, type Value } from "../ir/types.js";
import { scalar } from "../layers/shared.js";
import { type BatchMean, batchMean, paddingOf, perExample } from "./batch-mean.js";
import { placeOf } from "./blame.js";
import { classWeights, weightedMean } from "./class-weights.js";
import { type FreeLoss, freeLosses, isFree, LossRejection } from "./free-losses.js";
import { checkFuture } from "./future.js";
import { type Head, headOf, naturalDecoding } from "./heads.js";
import { losses } from "./losses.js";
import { reportLossTarget, reportMisfit } from "./misfits.js";
import { checkVocabulary } from "./other-vocabulary.js";
import { checkOwnAnswer } from "./own-answer.js";
import { type Target, targetOf } from "./targets.js";
import type { Walk } from "./walk.js";

export interface NamedLoss {
  readonly name: string;
  /** Mean over the batch, before its weight. */
  readonly value: Value;
  /**
   * Of means over steps, of which batches have different numbers: f32 [2], how many there are, and what
   * the loss adds to the sum of all (with its weight).
   */
  readonly steps: Value | null;
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
  /** The output by its name: the layer's, or `<layer>.<word>`. */
  readonly outputName: string;
  readonly output: Value;
  readonly target: Target;
}

/** A loss that fits what it reads. */
interface BuiltLoss extends BatchMean {
  readonly use: LossUse;
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
    list.map(({ use, value, steps }) => ({
      name: use.name,
      value,
      steps: steps && pairOf(b, steps, b.mul(value, scalar(b, use.weight))),
    }));
  const shown = heads.length === 0 ? untrainedHead(context) : heads;
  const common = { losses: named(built), heads: shown.map(({ spec, value }) => ({ spec, value })) };
  if (spec.train.phases === undefined) return { ...common, loss: total(built), phases: [] };
  const phases = spec.train.phases.flatMap((use): PhaseObjective[] => {
    const own = built.filter((loss) => use.losses.includes(loss.use));
    const loss = total(own);
    const judged = new Set(own.map(({ comparison }) => comparison?.outputName));
    const names = heads.filter(({ of }) => judged.has(of)).map(({ spec }) => spec.name);
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
    return value && { use, value, steps: null, comparison: null };
  }
  const comparison = compare(context, use);
  const loss = comparison && lossOf(context, use, comparison);
  return loss && { use, ...loss, comparison };
}

/** Two scalars as one tensor. */
const pairOf = (b: GraphBuilder, first: Value, second: Value): Value =>
  b.concat([b.reshape(first, { shape: [1] }), b.reshape(second, { shape: [1] })], { axis: 0 });

/** Outputs `loss.<name>` of several losses, and `steps.<name>` of means over steps. */
export const partsOf = (losses: readonly NamedLoss[]): readonly GraphOutput[] => [
  ...(losses.length > 1 ? losses : []).map(
    ({ name, value }) => ({ name: `loss.${name}`, role: "output", value }) as const,
  ),
  ...losses.flatMap(({ name, steps }) =>
    steps === null ? [] : [{ name: `steps.${name}`, role: "output", value: steps } as const],
  ),
];

/** Mean over the batch; null where a layer failed to lower or a problem has been reported. */
function freeLossOf(
  { spec, walk, diagnostics }: Context,
  use: LossUse,
  build: FreeLoss,
): Value | null {
  const { b, sources } = walk;
  const names = { output: use.output ?? lastLayer(spec).name, ...use.reads };
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

/** What is made of noise alone predicts nothing, and ids of a layer mean nothing to users. */
const isPrediction = ({ output, target }: Comparison): boolean =>
  readsData(output) && !(target.kind === "tokens" && target.spec === null);

/** `of`: the output that it reads. */
type NamedHead = Head & { readonly of: string };

/** What only the runtime's own outputs are called. */
const isReserved = (name: string): boolean => name === "loss" || /^(loss|steps)\./.test(name);

/** One head per output and target. Of several outputs for one target, the later go by their layer. */
function headsOf(
  { spec, walk, facts, diagnostics }: Context,
  built: readonly BuiltLoss[],
): readonly NamedHead[] {
  const heads = new Map<string, NamedHead>();
  const judged = built.flatMap(({ use, comparison }) =>
    comparison !== null && isPrediction(comparison) ? [{ use, ...comparison }] : [],
  );
  for (const { use, layer, output, outputName, target } of judged) {
    if (isFree(use.kind)) continue;
    const goal = target.kind === "constant" ? null : target.name;
    const first = goal === null ? undefined : heads.get(goal);
    if (first?.of === outputName) continue;
    const own = use.outputName ?? outputName;
    const name = goal === null || first !== undefined ? own : goal;
    if (heads.has(name)) continue;
    if (isReserved(name)) {
      const span = nameOf(name === goal ? spec.dataSpans[name] : undefined, name, layer);
      diagnostics.report("output-named-loss", span, { name });
    }
    walk.b.origin = { layer: `output.${name}`, type: "head", span: layer.span, phase: "forward" };
    const decoding = losses[use.kind].decoding(output, target);
    const head = headOf(walk.b, name, output, decoding, target, facts);
    heads.set(name, { ...head, of: outputName });
  }
  return [...heads.values()];
}

/** The name itself: of a target, whose entry begins with it, or of a layer. */
const nameOf = (entry: Span | undefined, name: string, layer: LayerUse): Span =>
  entry ? { ...entry, end: entry.start + name.length } : placeOf(layer, "as");

const lastLayer = (spec: ResolvedSpec): LayerUse =>
  spec.layers.at(-1) ?? bug("a model without layers");

/** The layer whose output (or further output) a name is. */
function layerNamed(spec: ResolvedSpec, name: string | null): LayerUse {
  if (name === null) return lastLayer(spec);
  const owner = layerOf(name);
  return spec.layers.find((layer) => layer.name === owner) ?? bug(`no layer is named '${owner}'`);
}

function dataNamed(spec: ResolvedSpec, name: string): FeatureSpec | undefined {
  return spec.data?.targets[name] ?? spec.data?.features[name];
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
      : { name, target: dataTarget(walk, spec, name, facts) };
  const fitting = only !== null && fitsTarget(output, only.target) ? only : null;
  const target = fitting?.target ?? null;
  const decoding = naturalDecoding(output, target);
  return [headOf(walk.b, fitting?.name ?? layer.name, output, decoding, target, facts)];
}

/** Could an output be a prediction of this target? */
function fitsTarget(output: Value, target: Target): boolean {
  if (target.kind === "category" || target.kind === "tokens") {
    return [losses.cross_entropy, losses.binary_cross_entropy].some(
      (rule) => rule.misfit(output, target) === null,
    );
  }
  return losses.mse.misfit(output, target) === null;
}

function dataTarget(walk: Walk, spec: ResolvedSpec, name: string, facts: FittedFacts): Target {
  const column = dataNamed(spec, name) ?? bug(`'${name}' is neither a target nor a feature`);
  return targetOf(walk.b, name, column, facts);
}

/** The ids that a layer gives, as a target without a gradient; null after a diagnostic. */
function layerTarget({ walk, diagnostics }: Context, name: string, use: LossUse): Target | null {
  const { value, ids, mask = null } = walk.sources.get(name) ?? bug(`'${name}' was not lowered`);
  if (value === null) return null;
  if (ids) return { kind: "tokens", name, spec: null, count: ids.count, indices: value, mask };
  const reason = `'${name}' is a layer that gives numbers: a loss compares with a target, a feature, or a layer that gives ids (codes)`;
  diagnostics.report("loss-target-mismatch", use.nameSpan, { reason });
  return null;
}

function compare(context: Context, use: LossUse): Comparison | null {
  const { spec, walk, facts } = context;
  const layer = layerNamed(spec, use.output);
  const outputName = use.output ?? layer.name;
  const output = walk.sources.get(outputName)?.value ?? null;
  if (typeof use.target === "number") {
    const target = { kind: "constant", value: use.target } as const;
    return output && { layer, outputName, output, target };
  }
  const name =
    use.target ??
    Object.keys(spec.data?.targets ?? {})[0] ??
    bug(`the loss '${use.name}' has no target`);
  const isData = dataNamed(spec, name) !== undefined;
  const target = isData ? dataTarget(walk, spec, name, facts) : layerTarget(context, name, use);
  return output && target && { layer, outputName, output, target };
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
  { layer, outputName, output, target }: Comparison,
): BatchMean | null {
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
  if (target.kind === "tokens") {
    const way = { output: outputName, target: target.name, loss: use.span };
    checkFuture(spec, walk, way, diagnostics);
    checkOwnAnswer(spec, walk, way, diagnostics);
  }
  checkVocabulary(layer, target, use, context);
  const elements = rule.build(b, output, target, use);
  if (use.classWeights === null) return batchMean(b, elements, paddingOf(target), use.reduce);
  if (target.kind !== "category") {
    const name = target.kind === "constant" ? null : target.name;
    const holds = target.kind === "tokens" ? "tokens" : "numbers";
    const found = name === null ? "it is a number" : `'${name}' holds ${holds}`;
    const reason = `class_weights need a category as target, but ${found}`;
    reportLossTarget(diagnostics, reason, use, name, spec.dataSpans);
    return null;
  }
  const weights = classWeights(use, target, facts, diagnostics);
  if (weights === null) return null;
  const ofExamples = perExample(b, elements, use.reduce);
  return { value: weightedMean(b, ofExamples, target, weights), steps: null };
}
