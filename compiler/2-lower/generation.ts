/** @file The graph behind `generate()`: random numbers in the place of one layer, followed to an output. */
import type { FittedFacts, HeadSpec, SequenceSpec } from "@dlc/runtime";
import { ancestorsOf } from "../1-load/model/generate-context.js";
import type { GenerateUse, LossUse, NoiseUse, ResolvedSpec } from "../1-load/resolved-spec.js";
import { bug } from "../diagnostics/diagnostic.js";
import type { Diagnostics } from "../diagnostics/report.js";
import type { GraphBuilder } from "../ir/builder.js";
import { createBuilder } from "../ir/builder.js";
import { reachable } from "../ir/traverse.js";
import { type Graph, shapeOf, type Value } from "../ir/types.js";
import { isFree } from "./free-losses.js";
import { type Head, headOf } from "./heads.js";
import { losses } from "./losses.js";
import { type Target, targetOf } from "./targets.js";
import { type Walk, walk } from "./walk.js";

export interface Generation {
  /** Batch inputs: features that the result is made from (conditions). One output, the head's. */
  readonly graph: Graph;
  readonly head: HeadSpec;
  /** Names of those features. */
  readonly given: readonly string[];
  /** Of sequences: see `SequenceSpec` for their graphs. */
  readonly sequence?: SequenceSpec;
  readonly encode?: Graph;
  readonly render?: Graph;
}

/** `still`: the model as it was walked for inference. Null after a diagnostic. */
export function generation(
  spec: ResolvedSpec,
  use: NoiseUse,
  facts: FittedFacts,
  still: Walk,
  diagnostics: Diagnostics,
): Generation | null {
  const from = still.sources.get(use.from);
  const prior =
    from?.type === "sample_normal" && from.value !== null
      ? { name: use.from, shape: shapeOf(from.value) }
      : null;
  const only = ancestorsOf(use.output, spec.layers, use.from);
  const b = createBuilder();
  const walked = walk({ b, training: false, spec, facts, diagnostics, only, prior });
  const output = walked.sources.get(use.output)?.value;
  if (!output) return null;
  const head = resultHead(b, { ...use }, spec, output, facts, diagnostics);
  if (head === null) return null;
  return {
    graph: { name: "generate", outputs: [{ name: use.name, role: "output", value: head.value }] },
    head: head.spec,
    given: givenTo(head.value),
  };
}

/** The features (and targets) that a value is made from. */
export function givenTo(value: Value): readonly string[] {
  const inputs = reachable([value]).filter(({ kind }) => kind === "input");
  const given = inputs.flatMap(({ attrs }) => (attrs.role === "batch" ? [String(attrs.name)] : []));
  return [...new Set(given)];
}

/** What `generate` makes, and how it is read. */
export interface Result extends Pick<GenerateUse, "like" | "span"> {
  /** The layer, and what the user calls it. */
  readonly output: string;
  readonly name: string;
}

/** Null after a diagnostic: what is made does not fit what it should be like. */
export function resultHead(
  b: GraphBuilder,
  result: Result,
  spec: ResolvedSpec,
  output: Value,
  facts: FittedFacts,
  diagnostics: Diagnostics,
): Head | null {
  const { decoding, target, missing } = goalOf(result, spec, b, output, facts);
  if (missing !== null) {
    diagnostics.report("loss-target-mismatch", result.span, { reason: missing });
    return null;
  }
  const { name, span } = result;
  b.origin = { layer: `output.${name}`, type: "head", span, phase: "forward" };
  const head = headOf(b, name, output, decoding, target, facts);
  return { value: head.value, spec: { ...head.spec, name } };
}

interface Goal {
  readonly decoding: "softmax" | "sigmoid" | "none";
  readonly target: Target | null;
  /** Why the result cannot be read as `like` says. */
  readonly missing: string | null;
}

/** How the result is read: as the loss has it that judges it, in the units of `like` or its target. */
function goalOf(
  { like, output: name }: Result,
  spec: ResolvedSpec,
  b: GraphBuilder,
  output: Value,
  facts: FittedFacts,
): Goal {
  const judging = (is: (output: string) => boolean): LossUse | undefined =>
    spec.train?.losses.find(
      ({ kind, output: of, target }) =>
        !isFree(kind) && of !== null && is(of) && typeof target !== "number",
    );
  // A loss judges a network wherever it is used.
  const judged = judging((of) => of === name) ?? judging((of) => isSameEnd(spec, of, name));
  const only = Object.keys(spec.data?.targets ?? {})[0] ?? null;
  const goal = like ?? (judged === undefined ? null : ((judged.target as string | null) ?? only));
  if (goal === null) return { decoding: "none", target: null, missing: null };
  const feature = spec.data?.features[goal] ?? spec.data?.targets[goal] ?? bug(`no '${goal}'`);
  const target = targetOf(b, goal, feature, facts);
  if (judged === undefined || isFree(judged.kind)) {
    const rule = target.kind === "category" ? losses.cross_entropy : losses.mse;
    const fits = rule.misfit(output, target) === null;
    const missing = fits ? null : `the result of generate has another shape than '${goal}'`;
    const decoding = target.kind === "category" ? "softmax" : "none";
    return { decoding, target, missing };
  }
  return { decoding: decodingOf(judged, output, target), target, missing: null };
}

/** Are both the output of a network, and of the same one? */
function isSameEnd({ layers }: ResolvedSpec, one: string, other: string): boolean {
  const [a, b] = [one, other].map((name) => layers.find((layer) => layer.name === name)?.shared);
  return a?.isOutput === true && b?.isOutput === true && a.network === b.network;
}

const decodingOf = (use: LossUse, output: Value, target: Target): Goal["decoding"] =>
  isFree(use.kind) ? "none" : losses[use.kind].decoding(output, target);
