/** @file The graph behind `generate()`: random numbers in the place of one layer, followed to an output. */
import type { FittedFacts, HeadSpec } from "@dlc/runtime";
import { ancestorsOf } from "../1-load/model/generate.js";
import type { GenerateUse, LossUse, ResolvedSpec } from "../1-load/resolved-spec.js";
import { bug } from "../diagnostics/diagnostic.js";
import type { Diagnostics } from "../diagnostics/report.js";
import { createBuilder } from "../ir/builder.js";
import { reachable } from "../ir/traverse.js";
import { type Graph, shapeOf, type Value } from "../ir/types.js";
import { isFree } from "./free-losses.js";
import { headOf } from "./heads.js";
import { losses } from "./losses.js";
import { type Target, targetOf } from "./targets.js";
import { type Walk, walk } from "./walk.js";

export interface Generation {
  /** Batch inputs: features that the result is made from (conditions). One output, the head's. */
  readonly graph: Graph;
  readonly head: HeadSpec;
  /** Names of those features. */
  readonly given: readonly string[];
}

/** `still`: the model as it was walked for inference. Null after a diagnostic. */
export function generation(
  spec: ResolvedSpec,
  use: GenerateUse,
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
  const { decoding, target, missing } = goalOf(use, spec, walked, output, facts);
  if (missing !== null) {
    diagnostics.report("loss-target-mismatch", use.span, { reason: missing });
    return null;
  }
  b.origin = { layer: `output.${use.name}`, type: "head", span: use.span, phase: "forward" };
  const { spec: read, value } = headOf(b, use.name, output, decoding, target, facts);
  const inputs = reachable([value]).filter(({ kind }) => kind === "input");
  const given = inputs.flatMap(({ attrs }) => (attrs.role === "batch" ? [String(attrs.name)] : []));
  return {
    graph: { name: "generate", outputs: [{ name: use.name, role: "output", value }] },
    head: { ...read, name: use.name },
    given: [...new Set(given)],
  };
}

interface Goal {
  readonly decoding: "softmax" | "sigmoid" | "none";
  readonly target: Target | null;
  /** Why the result cannot be read as `like` says. */
  readonly missing: string | null;
}

/** How the result is read: as the loss has it that judges it, in the units of `like` or its target. */
function goalOf(
  { like, output: name }: GenerateUse,
  spec: ResolvedSpec,
  { b }: Walk,
  output: Value,
  facts: FittedFacts,
): Goal {
  const judged = spec.train?.losses.find(
    (use) => !isFree(use.kind) && use.output === name && typeof use.target !== "number",
  );
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

const decodingOf = (use: LossUse, output: Value, target: Target): Goal["decoding"] =>
  isFree(use.kind) ? "none" : losses[use.kind].decoding(output, target);
