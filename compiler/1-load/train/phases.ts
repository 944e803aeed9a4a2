/** @file Reads `train.phases`: several updates per batch, each of some networks by losses of its own. */
import { didYouMean } from "../../diagnostics/fixes.js";
import type { Span } from "../../ir/origin.js";
import { checkShape, type FieldNodes, type Owner } from "../check/check-shape.js";
import { headOf, type LoadContext } from "../context.js";
import type { OptimizerUse, PhaseUse } from "../resolved-spec.js";
import { phaseShape } from "../schema/train.js";
import { describeNode, isPoisoned, type YamlMap, type YamlNode } from "../yaml/tree.js";
import { type ReadLoss, readLossList, type Shared } from "./losses.js";
import { readOptimizer } from "./optimizer.js";
import type { TrainSurroundings } from "./read-train.js";

/** The train section around: what phases take over from it. */
export interface PhaseSurroundings {
  readonly around: TrainSurroundings;
  readonly shared: Shared;
  readonly values: { readonly learning_rate: number | null; readonly weight_decay: number | null };
  readonly optimizer: OptimizerUse;
}

export interface ReadPhase {
  readonly use: PhaseUse;
  readonly losses: readonly ReadLoss[];
  /** Does it say its own, so that those of train do not count? */
  readonly ownRate: boolean;
  readonly ownOptimizer: boolean;
  /** Where the spec says its epochs. */
  readonly firstSpan: Span | null;
  readonly lastSpan: Span | null;
}

/** Null where something is wrong. */
export function readPhases(
  node: YamlNode,
  train: PhaseSurroundings,
  context: LoadContext,
): readonly ReadPhase[] | null {
  if (node.kind === "scalar" && isPoisoned(node)) return null;
  const items = node.kind === "list" ? node.items : [];
  const maps = items.filter((item): item is YamlMap => item.kind === "map");
  if (maps.length === 0 || maps.length < items.length) {
    const wrong = items.find(({ kind }) => kind !== "map") ?? node;
    context.diagnostics.report("wrong-type", headOf(wrong.span, context.sources), {
      what: wrong === node ? "'phases'" : "a phase",
      wanted: wrong === node ? "a list of phases" : "a map",
      given: describeNode(wrong),
      about: "For example: { update: discriminator, losses: […] }.",
    });
    return null;
  }
  const taken = new Map<string, Span>();
  const phases = maps.map((map, i) => readPhase(map, i, taken, train, context));
  const sound = phases.filter((phase) => phase !== null);
  return sound.length === phases.length ? sound : null;
}

function readPhase(
  map: YamlMap,
  index: number,
  taken: Map<string, Span>,
  train: PhaseSurroundings,
  context: LoadContext,
): ReadPhase | null {
  const path = `train.phases.${index + 1}`;
  const [first] = map.entries.values();
  const span = headOf(first?.keySpan ?? map.span, context.sources);
  const owner: Owner = { title: `phase ${index + 1}`, span, path };
  const { ok, values, nodes, spans } = checkShape(map, phaseShape, owner, context);
  const update = values.update ?? [];
  const name = values.name ?? update.join("_");
  if (name !== "") checkName(name, spans.name ?? spans.update ?? span, taken, context);
  const known = checkUpdate(update, nodes.get("update"), train.around, context);
  const list = nodes.get("losses");
  const place = { path: `${path}.losses`, around: train.around, shared: train.shared };
  const read = list && readLossList(list, { ...place, prefix: `${name}.` }, context);
  const optimizer = optimizerOf(values.learning_rate, nodes, span, train, context);
  if (!ok || !known || !read || optimizer === null) return null;
  // An only loss is the phase's: it goes by the name of the phase.
  const [only, ...others] = read;
  const losses =
    only !== undefined && others.length === 0 ? [{ ...only, use: { ...only.use, name } }] : read;
  const written = nodes.get("optimizer");
  return {
    losses,
    ownOptimizer: written !== undefined,
    ownRate: values.learning_rate !== null || optimizer.ownRate,
    firstSpan: spans.first_epoch ?? null,
    lastSpan: spans.last_epoch ?? null,
    use: {
      name,
      update,
      losses: losses.map(({ use }) => use),
      optimizer: optimizer.use,
      learningRate: optimizer.learningRate,
      steps: values.steps,
      epochs: [values.first_epoch, values.last_epoch],
      span,
    },
  };
}

function checkName(name: string, span: Span, taken: Map<string, Span>, context: LoadContext): void {
  const first = taken.get(name);
  if (first === undefined) taken.set(name, span);
  else {
    context.diagnostics.report(
      "duplicate-name",
      headOf(span, context.sources),
      { name, other: "another phase" },
      { notes: [{ message: "the other one is here", span: headOf(first, context.sources) }] },
    );
  }
}

/** Does each name mean a part of the model? */
function checkUpdate(
  names: readonly string[],
  node: YamlNode | undefined,
  { updatable }: TrainSurroundings,
  context: LoadContext,
): boolean {
  if (node === undefined) return false;
  const places = node.kind === "list" ? node.items : [node];
  const unknown = names.filter((name, i) => {
    if (updatable.has(name) || !context.modelKnown) return false;
    const span = places[i]?.span ?? node.span;
    const known = [...updatable];
    context.diagnostics.report(
      "unknown-update",
      span,
      { name, known: known.slice(0, 12).join(", ") },
      didYouMean(name, known, span, context.sources.slice(span).includes(name)),
    );
    return true;
  });
  return unknown.length === 0;
}

function optimizerOf(
  learningRate: number | null,
  nodes: FieldNodes,
  span: Span,
  { values, optimizer }: PhaseSurroundings,
  context: LoadContext,
): {
  readonly use: OptimizerUse;
  readonly learningRate: number | null;
  readonly ownRate: boolean;
} | null {
  const node = nodes.get("optimizer");
  if (node === undefined) return { use: optimizer, learningRate, ownRate: false };
  const own = { ...values, learning_rate: learningRate ?? values.learning_rate };
  return readOptimizer(node, { nodes, values: own, title: "the phase" }, span, context);
}
