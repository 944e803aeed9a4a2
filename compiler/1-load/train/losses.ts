/** @file Reads `train.loss` and `train.losses`. */
import { didYouMean } from "../../diagnostics/fixes.js";
import type { Span } from "../../ir/origin.js";
import { isLiteral, isMisspelt } from "../check/check-shape.js";
import { type Named, readNamed } from "../check/read-named.js";
import { reportWrongType } from "../check/wrong-type.js";
import { headOf, type LoadContext } from "../context.js";
import type { LossKind, LossUse } from "../resolved-spec.js";
import { lossChoice } from "../schema/losses.js";
import { trainShape } from "../schema/train.js";
import { isPoisoned, type YamlNode } from "../yaml/tree.js";
import type { TrainSurroundings } from "./read-train.js";

/** A loss with what was written for it. */
export interface ReadLoss {
  readonly use: LossUse;
  readonly named: Named;
}

/** Of all losses together: what a kind lacks is undefined. */
interface LossValues {
  readonly output: string | null;
  readonly target: string | number | null;
  readonly weight: number;
  readonly reduce: LossUse["reduce"];
  readonly label_smoothing?: number;
  readonly class_weights?: LossUse["classWeights"];
  readonly delta?: number;
}

interface Shared {
  readonly classWeights: LossUse["classWeights"];
  /** What was written for `class_weights` of train. */
  readonly classWeightsNode: YamlNode | undefined;
  readonly labelSmoothing: number | null;
}

/** Null where something is wrong. */
export function readLosses(
  nodes: ReadonlyMap<string, YamlNode>,
  trainSpan: Span,
  around: TrainSurroundings,
  shared: Shared,
  context: LoadContext,
): readonly ReadLoss[] | null {
  const one = nodes.get("loss");
  const several = nodes.get("losses");
  if ((one === undefined) === (several === undefined)) {
    if (one === undefined && isMisspelt("loss", trainShape.fields, nodes)) return null;
    context.diagnostics.report("one-of-two", headOf(several?.span ?? trainSpan, context.sources), {
      owner: "train",
      first: "loss",
      second: "losses",
      found: one === undefined ? "neither is given" : "both are given",
    });
    return null;
  }
  const items = several === undefined ? [one as YamlNode] : listItems(several, context);
  if (items === null) return null;
  const titles = (name: string): string => `loss '${name}'`;
  const path = several === undefined ? "train.loss" : "train.losses";
  const named = items.map((item, i) =>
    readNamed(item, lossChoice, titles, several === undefined ? path : `${path}.${i + 1}`, context),
  );
  const sound = named.filter((loss) => loss?.checked.ok === true) as readonly Named[];
  const uses = sound.map((loss, i) => ({
    named: loss,
    use: lossUse(loss, sound, i, shared, around),
  }));
  const resolved = uses.map((loss) => checkReferences(loss, around, context));
  return sound.length === items.length && resolved.every(Boolean) ? uses : null;
}

function listItems(node: YamlNode, context: LoadContext): readonly YamlNode[] | null {
  if (isPoisoned(node)) return null;
  if (node.kind === "list" && node.items.length > 0) return node.items;
  reportWrongType(context, node, {
    what: "'losses'",
    wanted: "a list of losses",
    about: "A single loss is written 'loss: …'.",
  });
  return null;
}

function lossUse(
  loss: Named,
  all: readonly Named[],
  index: number,
  shared: Shared,
  around: TrainSurroundings,
): LossUse {
  const kind = loss.name as LossKind;
  const values = loss.checked.values as unknown as LossValues;
  const alike = all.filter(({ name }) => name === kind);
  const number = all.slice(0, index + 1).filter(({ name }) => name === kind).length;
  const written = (key: string): boolean => loss.checked.nodes.has(key);
  return {
    kind,
    name: alike.length === 1 ? kind : `${kind}_${number}`,
    output: values.output === null ? null : (around.outputs.get(values.output) ?? values.output),
    target: values.target,
    weight: values.weight,
    labelSmoothing: written("label_smoothing")
      ? (values.label_smoothing ?? 0)
      : (values.label_smoothing !== undefined && shared.labelSmoothing) || 0,
    classWeights:
      written("class_weights") || values.class_weights === undefined
        ? (values.class_weights ?? null)
        : shared.classWeights,
    delta: values.delta ?? 1,
    reduce: values.reduce,
    span: loss.node.span,
    nameSpan: loss.nameSpan,
    classWeightSpans: labelSpans(
      loss.checked.nodes.get("class_weights") ?? shared.classWeightsNode,
    ),
  };
}

function labelSpans(node: YamlNode | undefined): LossUse["classWeightSpans"] {
  const entries = node?.kind === "map" ? [...node.entries.values()] : [];
  return new Map(entries.map(({ key, keySpan }) => [key, keySpan]));
}

/** Is what it names there? */
function checkReferences(
  { named, use }: ReadLoss,
  around: TrainSurroundings,
  context: LoadContext,
): boolean {
  const { nodes } = named.checked;
  const output = use.output === null || around.outputs.has(use.output);
  if (!output) {
    reportUnknown(nodes.get("output"), use.output ?? "", [...around.outputs.keys()], context);
  }
  if (typeof use.target === "number") return output;
  const targets = [...around.targets.keys(), ...around.features.keys()];
  if (use.target !== null) {
    const known = targets.includes(use.target);
    if (!known && around.dataIsKnown)
      reportUnknown(nodes.get("target"), use.target, targets, context);
    return output && known;
  }
  if (around.targets.size === 1 || !around.dataIsKnown) return output;
  context.diagnostics.report("target-needed", headOf(named.nameSpan, context.sources), {
    loss: named.name,
    count: around.targets.size === 0 ? "no targets" : `${around.targets.size} targets`,
    known: targets.length === 0 ? "none" : targets.join(", "),
  });
  return false;
}

function reportUnknown(
  node: YamlNode | undefined,
  name: string,
  known: readonly string[],
  context: LoadContext,
): void {
  const span = node?.span ?? null;
  const nearest = known.slice(-12);
  context.diagnostics.report(
    "unknown-reference",
    span,
    { name, known: `Names that can be used here: ${nearest.join(", ")}.` },
    didYouMean(name, known, span, node !== undefined && isLiteral(node)),
  );
}
