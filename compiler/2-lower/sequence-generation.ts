/**
 * @file The graphs behind sequences: the model as it predicts, with what a decoder has said in the place
 * of what it should have said, cut so that one step computes no more than it has to.
 */
import {
  type FittedFacts,
  type HeadSpec,
  type SequenceSpec,
  sequenceInputs,
  specialTokens,
} from "@dlc/runtime";
import { shownIn } from "../1-load/model/generate-sequence.js";
import type { ResolvedSpec, SequenceUse } from "../1-load/resolved-spec.js";
import { rebuild } from "../4-optimize/rebuild.js";
import { bug } from "../diagnostics/diagnostic.js";
import type { Diagnostics } from "../diagnostics/report.js";
import { createBuilder, type GraphBuilder } from "../ir/builder.js";
import { formatShape } from "../ir/shape.js";
import { type Graph, type Node, shapeOf, typeOf, type Value } from "../ir/types.js";
import { type Generation, givenTo, resultHead } from "./generation.js";
import { stepOf } from "./one-step.js";
import { withoutSteps } from "./split-encoder.js";
import type { Walk } from "./walk.js";

export interface SequenceContext {
  readonly spec: ResolvedSpec;
  readonly facts: FittedFacts;
  /** The model as it was walked for inference. */
  readonly still: Walk;
  /** Of the model as it predicts and is evaluated. */
  readonly heads: readonly HeadSpec[];
  readonly diagnostics: Diagnostics;
}

/** Null after a diagnostic. */
export function sequenceGeneration(
  use: SequenceUse,
  { spec, facts, still, heads, diagnostics }: SequenceContext,
): Generation | null {
  const scores = still.sources.get(use.decoder)?.value ?? null;
  const said = still.sources.get(use.of);
  if (!said?.value || !said.ids || scores === null) return null;
  const { count, isText } = said.ids;
  const steps = stepsOf(use, scores, said.value, count, diagnostics);
  if (steps === null) return null;
  const { search } = use;
  const b = createBuilder();
  const shown = shownIn(use.decoder, use.of, spec.layers).map((name) => layerValue(still, name));
  const all = replaced(b, scores, (node) =>
    shown.some((value) => value.node === node)
      ? b.input(sequenceInputs.tokens, "batch", "i32", ["n", steps])
      : null,
  );
  b.origin = { layer: "generate", type: "next token", span: use.span, phase: "forward" };
  const next = b.logSoftmax(stepOf(b, all, b.input("position", "scalar", "i32", [])), { axis: 1 });
  const given = givenTo(next).filter((name) => name !== sequenceInputs.tokens);
  const target = given.find((name) => spec.data?.features[name] === undefined);
  if (target !== undefined) bug(`'${use.decoder}' reads the target '${target}' past 'previous'`);
  const graph: Graph = {
    name: "generate",
    outputs: [{ name: "next", role: "output", value: next }],
  };
  const split = withoutSteps(graph, new Set([sequenceInputs.tokens, "position"]));
  const rendered =
    use.render && renderingOf(use, use.render, given, { spec, facts, still, diagnostics });
  if (use.render !== null && rendered === null) return null;
  const text = isText ? use.of : null;
  const sequence: SequenceSpec = {
    text,
    steps,
    start: isText ? specialTokens.start : count,
    search,
    predicts: predictedBy(use.of, spec, heads),
    codes: rendered?.codes ?? null,
  };
  const head: HeadSpec = rendered?.head ?? {
    ...{ name: use.of, target: use.of, kind: "tokens", classes: null, shape: [steps, count] },
  };
  // In the order of the spec.
  const wanted = new Set([...given, ...(rendered?.given ?? [])]);
  const ordered = Object.keys(spec.data?.features ?? {}).filter((name) => wanted.has(name));
  return {
    graph: split?.step ?? graph,
    head,
    given: ordered,
    sequence,
    ...(split === null ? {} : { encode: split.before }),
    ...(rendered === null ? {} : { render: rendered.graph }),
  };
}

/** The steps of a decoder; null after a diagnostic: it does not score tokens, or has too few steps. */
function stepsOf(
  { decoder: name, search, span, spans }: SequenceUse,
  scores: Value,
  said: Value,
  count: number,
  diagnostics: Diagnostics,
): number | null {
  const [, steps, tokens, ...more] = shapeOf(scores);
  const [, saidSteps = 0] = shapeOf(said);
  if (more.length > 0 || steps !== saidSteps || tokens !== count || typeof steps !== "number") {
    const wanted = formatShape(["n", saidSteps, count]);
    const reason = `gives ${formatShape(shapeOf(scores))}, not a score for each token at each step: ${wanted}`;
    diagnostics.report("generate-shape", spans.decoder ?? span, { name, reason });
    return null;
  }
  if (search.maxLength === null || search.maxLength <= steps) return steps;
  const names = { given: String(search.maxLength), name, steps: String(steps) };
  diagnostics.report("generate-length", spans.max_length ?? span, names);
  return null;
}

const layerValue = ({ sources }: Walk, name: string): Value =>
  sources.get(name)?.value ?? bug(`layer '${name}' was not lowered`);

/** A value over other inputs: nodes for which `other` gives one are left out. */
function replaced(b: GraphBuilder, value: Value, other: (node: Node) => Value | null): Value {
  const graph: Graph = { name: "", outputs: [{ name: "result", role: "output", value }] };
  const copy = rebuild(
    graph,
    ({ node }) => {
      const found = other(node);
      return found && [found];
    },
    { into: b },
  );
  return copy.outputs[0]?.value ?? bug("a graph with one output");
}

/** The head that cannot be computed without the target that this decoder says. */
function predictedBy(
  of: string,
  { data }: ResolvedSpec,
  heads: readonly HeadSpec[],
): string | null {
  if (data?.targets[of] === undefined) return null;
  return heads.find(({ kind, target }) => kind === "tokens" && target === of)?.name ?? null;
}

interface Rendering {
  readonly graph: Graph;
  readonly head: HeadSpec;
  /** Shape of one example's codes. */
  readonly codes: readonly number[];
  readonly given: readonly string[];
}

/**
 * From codes, in the place of the layer that gives them, to an example. It may also be made of the
 * `conditions` that the decoder is given. Null after a diagnostic.
 */
function renderingOf(
  use: SequenceUse,
  { output, name }: NonNullable<SequenceUse["render"]>,
  conditions: readonly string[],
  { spec, facts, still, diagnostics }: Omit<SequenceContext, "heads">,
): Rendering | null {
  const codes = layerValue(still, use.of);
  const shape = shapeOf(codes);
  const whole = still.sources.get(output)?.value ?? null;
  if (whole === null) return null;
  const b = createBuilder();
  const made = replaced(b, whole, (node) =>
    node === codes.node ? b.input(sequenceInputs.codes, "batch", typeOf(codes).dtype, shape) : null,
  );
  const result = { output, name, like: use.like, span: use.span };
  const head = resultHead(b, result, spec, made, facts, diagnostics);
  if (head === null) return null;
  const inputs = givenTo(head.value);
  const given = inputs.filter((input) => input !== sequenceInputs.codes);
  const other = given.find((input) => !conditions.includes(input));
  if (!inputs.includes(sequenceInputs.codes) || other !== undefined) {
    const reason =
      other === undefined
        ? `is not made of the codes of '${use.of}'`
        : `is not made of the codes of '${use.of}' alone: it also depends on '${other}'`;
    diagnostics.report("generate-shape", use.spans.output ?? use.span, { name, reason });
    return null;
  }
  return {
    graph: { name: "render", outputs: [{ name, role: "output", value: head.value }] },
    head: head.spec,
    codes: shape.slice(1).map(Number),
    given,
  };
}
