/** @file Reads the `train` section. */
import type { FeatureSpec, ScheduleSpec, TrainSpec } from "@dlc/runtime";
import type { Span } from "../../ir/origin.js";
import type { FieldValues } from "../../layers/fields.js";
import { checkShape, type FieldNodes, type Owner } from "../check/check-shape.js";
import { readBody, readNamed } from "../check/read-named.js";
import { headOf, type LoadContext } from "../context.js";
import type { ReadData } from "../data/read-data.js";
import { sectionMap } from "../data/read-data.js";
import type { OptimizerUse, TrainUse } from "../resolved-spec.js";
import type { Fields, Shape } from "../schema/shape.js";
import {
  checkpointShape,
  clipShape,
  earlyStoppingShape,
  scheduleChoice,
  trainShape,
} from "../schema/train.js";
import type { YamlNode } from "../yaml/tree.js";
import { type ReadLoss, readLosses } from "./losses.js";
import { type ComparedTargets, readMetrics, readMonitor } from "./metrics.js";
import { readOptimizer } from "./optimizer.js";
import { checkPhaseEpochs } from "./phase-epochs.js";
import { type ReadPhase, readPhases } from "./phases.js";
import { readPrecision } from "./precision.js";
import { readTuning } from "./tuning.js";

/** What the section may refer to. */
export interface TrainSurroundings {
  /** Names that users may call layers by, with the full name of each. */
  readonly outputs: ReadonlyMap<string, string>;
  /** Names that a phase may update. */
  readonly updatable: ReadonlySet<string>;
  /** Names of all layers, as their weights have them. */
  readonly owners: readonly string[];
  readonly features: ReadData["features"];
  readonly targets: ReadData["targets"];
  readonly known: ReadData["known"];
  /** False where features or targets may be missing for a mistake that has been reported. */
  readonly dataIsKnown: boolean;
}

export interface ReadTrain {
  /** Null where something is wrong. */
  readonly train: TrainUse | null;
  /** The losses that could be read, for the checks that follow. */
  readonly losses: readonly ReadLoss[];
  readonly nodes: FieldNodes;
}

export function readTrain(
  node: YamlNode,
  keySpan: Span,
  around: TrainSurroundings,
  context: LoadContext,
): ReadTrain {
  const map = sectionMap(node, "train", context);
  if (map === null) return { train: null, losses: [], nodes: new Map() };
  const owner: Owner = { title: "train", span: keySpan, path: "train" };
  const { ok, values, nodes } = checkShape(map, trainShape, owner, context);
  const shared = {
    classWeights: values.class_weights,
    classWeightsNode: nodes.get("class_weights"),
    labelSmoothing: values.label_smoothing,
  };
  const optimizer = readOptimizer(nodes.get("optimizer"), { nodes, values }, keySpan, context);
  const phasesNode = nodes.get("phases");
  const phases =
    phasesNode === undefined || optimizer === null
      ? null
      : readPhases(phasesNode, { around, shared, values, optimizer: optimizer.use }, context);
  if (phasesNode !== undefined) checkBesidePhases(nodes, values, phases, context);
  const losses =
    phasesNode === undefined
      ? readLosses(nodes, keySpan, around, shared, context)
      : (phases?.flatMap((phase) => phase.losses) ?? null);
  if (losses !== null) reportUnusedSettings(losses, nodes, context);
  const uses = phases?.map(({ use }) => use) ?? [];
  const tuning = ok ? readTuning(values, nodes, around.owners, uses, context) : null;
  const schedule = readSchedule(nodes.get("schedule"), context);
  const clip = readSection(nodes.get("clip"), clipShape, context);
  const precision = readPrecision(nodes.get("precision"), context);
  const early = readSection(nodes.get("early_stopping"), earlyStoppingShape, context);
  const checkpoint = readSection(nodes.get("checkpoint"), checkpointShape, context);
  const targets = comparedTargets(losses, around);
  const metrics = readMetrics(nodes.get("metrics"), targets, context);
  const isPhased = phasesNode !== undefined;
  const inTime = phases === null || checkPhaseEpochs(phases, values.epochs, context);
  const monitor = readMonitor(nodes.get("monitor"), metrics, targets, isPhased, context);
  reportNothingToWatch(monitor, nodes, schedule, context);
  const sound = ok && tuning && losses && optimizer && schedule && metrics && monitor;
  if (
    !sound ||
    !inTime ||
    clip === null ||
    precision === null ||
    early === null ||
    checkpoint === null
  ) {
    return { train: null, losses: losses ?? [], nodes };
  }
  const settings: TrainSpec = {
    seed: values.seed,
    batch: values.batch,
    epochs: values.epochs,
    shuffle: values.shuffle,
    learningRate: optimizer.learningRate,
    schedule,
    warmupSteps: values.warmup,
    accumulate: values.accumulate,
    ...precision?.setting,
    metrics,
    monitor,
    earlyStopping: early
      ? {
          patience: early.patience,
          minDelta: early.min_delta,
          restoreBest: early.restore_best,
        }
      : null,
    checkpoint: { everySteps: checkpoint?.every_steps ?? 0, keep: checkpoint?.keep ?? 2 },
  };
  const use: OptimizerUse = optimizer.use;
  const train: TrainUse = {
    settings,
    losses: losses.map((loss) => loss.use),
    ...(phases === null ? {} : { phases: phases.map((phase) => phase.use) }),
    optimizer: use,
    clipNorm: clip?.norm ?? null,
    clipValue: clip?.value ?? null,
    l1: values.l1,
    l2: values.l2,
    ema: values.ema,
    ...precision?.use,
    ...tuning,
    span: map.span,
  };
  return { train, losses, nodes };
}

/** A number of epochs only rises: what waits for it to stop rising waits for ever. */
function reportNothingToWatch(
  monitor: TrainSpec["monitor"] | null,
  nodes: FieldNodes,
  schedule: ScheduleSpec | null,
  context: LoadContext,
): void {
  if (monitor?.metric !== "epoch") return;
  const plateau = schedule?.kind === "reduce_on_plateau" ? nodes.get("schedule") : undefined;
  const waiting = [
    ["early_stopping", nodes.get("early_stopping")],
    ["reduce_on_plateau", plateau],
  ] as const;
  for (const [setting, node] of waiting) {
    if (node === undefined) continue;
    context.diagnostics.report("monitor-needed", headOf(node.span, context.sources), { setting });
  }
}

/** What does not go with phases, and what every phase replaces. */
function checkBesidePhases(
  nodes: FieldNodes,
  { accumulate }: { readonly accumulate: number },
  phases: readonly ReadPhase[] | null,
  context: LoadContext,
): void {
  const head = (node: YamlNode | undefined): Span | null =>
    node === undefined ? null : headOf(node.span, context.sources);
  for (const key of ["loss", "losses"]) {
    if (!nodes.has(key)) continue;
    context.diagnostics.report("one-of-two", head(nodes.get(key)), {
      owner: "train",
      first: key,
      second: "phases",
      found: "both are given",
    });
  }
  if (accumulate > 1) {
    context.diagnostics.report("accumulate-with-phases", head(nodes.get("accumulate")), {});
  }
  if (phases === null) return;
  const reason = "every phase has its own";
  const node = nodes.get("learning_rate");
  if (node !== undefined && phases.every(({ ownRate }) => ownRate)) {
    context.diagnostics.report("setting-without-effect", head(node), {
      setting: "learning_rate",
      reason,
    });
  }
  const optimizer = nodes.get("optimizer");
  if (optimizer !== undefined && phases.every(({ ownOptimizer }) => ownOptimizer)) {
    context.diagnostics.report("setting-without-effect", head(optimizer), {
      setting: "optimizer",
      reason,
    });
  }
}

/** `false`-like: undefined where it was not written, null where it is wrong. */
function readSection<F extends Fields>(
  node: YamlNode | undefined,
  shape: Shape<F>,
  context: LoadContext,
): FieldValues<F> | undefined | null {
  if (node === undefined) return undefined;
  const owner: Owner = {
    title: shape.name,
    span: headOf(node.span, context.sources),
    path: `train.${shape.name}`,
  };
  const checked = readBody(node, shape as unknown as Shape, owner, context);
  return checked?.ok ? (checked.values as FieldValues<F>) : null;
}

function readSchedule(node: YamlNode | undefined, context: LoadContext): ScheduleSpec | null {
  if (node === undefined) {
    context.recordDefault("train.schedule", "constant");
    return { kind: "constant" };
  }
  const named = readNamed(
    node,
    scheduleChoice,
    (name) => `schedule '${name}'`,
    "train.schedule",
    context,
  );
  if (named === null || !named.checked.ok) return null;
  return { kind: named.name, ...named.checked.values } as ScheduleSpec;
}

/** What the losses compare with, by name. */
function comparedTargets(
  losses: readonly ReadLoss[] | null,
  { targets, known, outputs, dataIsKnown }: TrainSurroundings,
): ComparedTargets {
  if (losses === null) return null;
  const specs: Readonly<Record<string, FeatureSpec>> = { ...known.features, ...known.targets };
  const found = new Map<string, FeatureSpec>();
  for (const { use } of losses) {
    const name = use.reads === undefined ? (use.target ?? [...targets.keys()][0]) : null;
    if (typeof name !== "string") continue;
    const spec = specs[name];
    // The ids of a layer are no text of the user's: metrics do not read them.
    if (spec === undefined && outputs.has(name)) continue;
    if (spec === undefined) return null;
    found.set(name, spec);
  }
  // With the data unknown, nothing is known not to be compared.
  return found.size === 0 && !dataIsKnown ? null : found;
}

/** Settings for classes where no loss has any. */
function reportUnusedSettings(
  losses: readonly ReadLoss[],
  nodes: FieldNodes,
  context: LoadContext,
): void {
  for (const setting of ["label_smoothing", "class_weights"] as const) {
    const node = nodes.get(setting);
    if (node === undefined) continue;
    if (losses.some(({ named }) => setting in named.checked.values)) continue;
    context.diagnostics.report("setting-without-effect", headOf(node.span, context.sources), {
      setting,
      reason: "no loss here takes it",
    });
  }
}
