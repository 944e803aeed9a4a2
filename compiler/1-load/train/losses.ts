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
  readonly output?: string | null;
  readonly target?: string | number | null;
  readonly weight: number;
  readonly reduce?: LossUse["reduce"];
  readonly mean?: string | null;
  readonly log_variance?: string | null;
  readonly input?: string;
  readonly center?: number;
  readonly label_smoothing?: number;
  readonly class_weights?: LossUse["classWeights"];
  readonly delta?: number;
}

export interface Shared {
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
    const isMeant = (key: string): boolean => isMisspelt(key, trainShape.fields, nodes);
    if (one === undefined && ["loss", "losses", "phases"].some(isMeant)) return null;
    context.diagnostics.report("one-of-two", headOf(several?.span ?? trainSpan, context.sources), {
      owner: "train",
      first: "loss",
      second: "losses",
      found: one === undefined ? "neither is given" : "both are given",
    });
    return null;
  }
  if (several !== undefined) {
    return readLossList(several, { path: "train.losses", around, shared, prefix: "" }, context);
  }
  const path = (): string => "train.loss";
  return readItems([one as YamlNode], { path, around, shared, prefix: "" }, context);
}

interface ListPlace<Path> {
  readonly path: Path;
  readonly around: TrainSurroundings;
  readonly shared: Shared;
  /** Before the name of each loss: `<phase>.` */
  readonly prefix: string;
}

/** A list of losses; null where something is wrong. */
export function readLossList(
  node: YamlNode,
  { path, ...rest }: ListPlace<string>,
  context: LoadContext,
): readonly ReadLoss[] | null {
  const items = listItems(node, rest.prefix === "", context);
  const pathOf = (i: number): string => `${path}.${i + 1}`;
  return items && readItems(items, { path: pathOf, ...rest }, context);
}

function readItems(
  items: readonly YamlNode[],
  { path, around, shared, prefix }: ListPlace<(index: number) => string>,
  context: LoadContext,
): readonly ReadLoss[] | null {
  const titles = (name: string): string => `loss '${name}'`;
  const named = items.map((item, i) => readNamed(item, lossChoice, titles, path(i), context));
  const sound = named.filter((loss) => loss?.checked.ok === true) as readonly Named[];
  const uses = sound.map((loss, i) => ({
    named: loss,
    use: lossUse(loss, sound, i, shared, around, prefix),
  }));
  const resolved = uses.map((loss) => checkReferences(loss, around, context));
  return sound.length === items.length && resolved.every(Boolean) ? uses : null;
}

/** `orOne`: may there be a `loss` in their place? */
function listItems(
  node: YamlNode,
  orOne: boolean,
  context: LoadContext,
): readonly YamlNode[] | null {
  if (isPoisoned(node)) return null;
  if (node.kind === "list" && node.items.length > 0) return node.items;
  reportWrongType(context, node, {
    what: "'losses'",
    wanted: "a list of losses",
    about: orOne
      ? "A single loss is written 'loss: …'."
      : "For example: losses: [mse]. A phase has at least one.",
  });
  return null;
}

function lossUse(
  loss: Named,
  all: readonly Named[],
  index: number,
  shared: Shared,
  around: TrainSurroundings,
  prefix: string,
): LossUse {
  const values = loss.checked.values as unknown as LossValues;
  const alike = all.filter(({ name }) => name === loss.name);
  const number = all.slice(0, index + 1).filter(({ name }) => name === loss.name).length;
  const reads = readsOf(values);
  const isNormal = reads?.mean !== undefined;
  const kind = isNormal ? "normal_kl_divergence" : (loss.name as LossKind);
  const full = (name: string): string => around.outputs.get(name) ?? name;
  const written = (key: string): boolean => loss.checked.nodes.has(key);
  return {
    kind,
    name: prefix + (alike.length === 1 ? loss.name : `${loss.name}_${number}`),
    ...outputOf(values.output ?? null, full),
    target: targetOf(values.target ?? null, around),
    ...(reads === null
      ? {}
      : {
          reads: Object.fromEntries(Object.entries(reads).map(([key, name]) => [key, full(name)])),
        }),
    ...(values.center === undefined ? {} : { center: values.center }),
    weight: values.weight,
    ...sharedOf(values, shared, written),
    delta: values.delta ?? 1,
    reduce: isNormal && !written("reduce") ? "sum" : (values.reduce ?? "mean"),
    span: loss.node.span,
    nameSpan: loss.nameSpan,
    classWeightSpans: labelSpans(
      loss.checked.nodes.get("class_weights") ?? shared.classWeightsNode,
    ),
  };
}

/** A number, a target or feature (which layers of the same name do not hide), or a layer by its full name. */
function targetOf(target: LossUse["target"], around: TrainSurroundings): LossUse["target"] {
  if (typeof target !== "string" || isColumn(target, around)) return target;
  return around.outputs.get(target) ?? target;
}

const isColumn = (name: string, { targets, features }: TrainSurroundings): boolean =>
  targets.has(name) || features.has(name);

/** The layer compared, by its full name; `outputName` is what the user calls it where that differs. */
function outputOf(
  output: string | null,
  full: (name: string) => string,
): Pick<LossUse, "output" | "outputName"> {
  if (output === null) return { output };
  const name = full(output);
  return { output: name, ...(name === output ? {} : { outputName: output }) };
}

/** Settings that stand at a loss or, for all losses that take them, at `train`. */
function sharedOf(
  values: LossValues,
  shared: Shared,
  written: (key: string) => boolean,
): Pick<LossUse, "labelSmoothing" | "classWeights"> {
  return {
    labelSmoothing: written("label_smoothing")
      ? (values.label_smoothing ?? 0)
      : (values.label_smoothing !== undefined && shared.labelSmoothing) || 0,
    classWeights:
      written("class_weights") || values.class_weights === undefined
        ? (values.class_weights ?? null)
        : shared.classWeights,
  };
}

function labelSpans(node: YamlNode | undefined): LossUse["classWeightSpans"] {
  const entries = node?.kind === "map" ? [...node.entries.values()] : [];
  return new Map(entries.map(({ key, keySpan }) => [key, keySpan]));
}

/** Layers that a loss without a target reads; null for those that compare with one. */
function readsOf({ mean, log_variance, input }: LossValues): Record<string, string> | null {
  if (input !== undefined) return { input };
  const given = { ...(mean && { mean }), ...(log_variance && { log_variance }) };
  return Object.keys(given).length === 0 ? null : given;
}

/** Are all the layers there that a loss without a target reads? */
function checkReads(
  { named, use }: ReadLoss,
  reads: Readonly<Record<string, string>>,
  around: TrainSurroundings,
  context: LoadContext,
): boolean {
  const { nodes, spans } = named.checked;
  const isNormal = named.name === "kl_divergence";
  for (const key of ["mean", "log_variance"]) {
    if (!isNormal || reads[key] !== undefined) continue;
    context.diagnostics.report("missing-key", headOf(named.nameSpan, context.sources), {
      key,
      owner: "loss 'kl_divergence' of a normal distribution",
      about: "It has a mean and a log_variance.",
    });
    return false;
  }
  for (const key of isNormal ? ["output", "target"] : []) {
    const span = spans[key];
    if (span === undefined) continue;
    const reason = "with mean and log_variance the loss compares with the standard normal one";
    context.diagnostics.report("setting-without-effect", span, { setting: key, reason });
  }
  const features = use.kind === "gradient_penalty" ? [...around.features.keys()] : [];
  const known = [...around.outputs.keys(), ...features];
  const unknown = Object.entries(reads).filter(
    ([, name]) => !features.includes(name) && ![...around.outputs.values()].includes(name),
  );
  for (const [key, name] of context.modelKnown ? unknown : [])
    reportUnknown(nodes.get(key), name, known, context);
  return unknown.length === 0;
}

/** Is what it names there? */
function checkReferences(
  { named, use }: ReadLoss,
  around: TrainSurroundings,
  context: LoadContext,
): boolean {
  const { nodes } = named.checked;
  const output = use.output === null || around.outputs.has(use.output);
  if (!output && context.modelKnown) {
    reportUnknown(nodes.get("output"), use.output ?? "", [...around.outputs.keys()], context);
  }
  if (use.reads !== undefined) {
    return checkReads({ named, use }, use.reads, around, context) && output;
  }
  if (typeof use.target === "number") return output;
  const targets = [...around.targets.keys(), ...around.features.keys()];
  if (use.target !== null) {
    const known = targets.includes(use.target) || around.outputs.has(use.target);
    if (!known && around.dataIsKnown && context.modelKnown)
      reportUnknown(nodes.get("target"), use.target, targets, context, [...around.outputs.keys()]);
    return output && known;
  }
  if (around.targets.size === 1 || !around.dataIsKnown) return output;
  context.diagnostics.report("target-needed", headOf(named.nameSpan, context.sources), {
    loss: named.name,
    count: around.targets.size === 0 ? "no targets" : `${around.targets.size} targets`,
    remedy:
      use.kind === "wasserstein"
        ? "Its target is a number: 1 makes the score small, -1 makes it large."
        : `Name it with 'target'. There are: ${targets.length === 0 ? "none" : targets.join(", ")}.`,
  });
  return false;
}

function reportUnknown(
  node: YamlNode | undefined,
  name: string,
  known: readonly string[],
  context: LoadContext,
  /** Names that may be meant, too, but are rarely what is asked for. */
  others: readonly string[] = [],
): void {
  const span = node?.span ?? null;
  const nearest = known.filter((word) => !word.includes(".")).slice(-12);
  context.diagnostics.report(
    "unknown-reference",
    span,
    { name, known: `Names that can be used here: ${nearest.join(", ")}.` },
    didYouMean(name, [...known, ...others], span, node !== undefined && isLiteral(node)),
  );
}
