/** @file Reads metrics and what is monitored. */
import type { FeatureSpec, MetricSpec, MonitorSpec } from "@dlc/runtime";
import { count } from "../../diagnostics/count.js";
import { didYouMean } from "../../diagnostics/fixes.js";
import type { Span } from "../../ir/origin.js";
import { isLiteral, type Owner } from "../check/check-shape.js";
import { readBody, readNamed } from "../check/read-named.js";
import { reportWrongType } from "../check/wrong-type.js";
import { headOf, type LoadContext } from "../context.js";
import { metricChoice, monitorShape } from "../schema/train.js";
import { isPoisoned, type YamlNode } from "../yaml/tree.js";

/** Metrics of classes, texts and numbers. */
const families: Readonly<Record<string, ReadonlySet<string>>> = {
  classes: new Set(["accuracy", "top_k", "precision", "recall", "f1", "auc", "confusion"]),
  texts: new Set(["accuracy", "exact_match", "perplexity"]),
  numbers: new Set(["mae", "mse", "r2"]),
};
const smallerIsBetter: ReadonlySet<string> = new Set(["loss", "mae", "mse", "perplexity"]);

/** As the trainer calls it: `top_5`. */
const metricName = (metric: MetricSpec): string =>
  metric.kind === "top_k" ? `top_${metric.k}` : metric.kind;

/**
 * What the losses compare with, by name: decides which metrics make sense. Null: something there is
 * wrong.
 */
export type ComparedTargets = ReadonlyMap<string, FeatureSpec> | null;

/** Which metrics suit a target of this type. */
function familyOf(type: FeatureSpec["type"]): string {
  if (type === "category") return "classes";
  return type === "text" ? "texts" : "numbers";
}

/** Names of the targets that a metric can watch. */
const suited = (kind: string, targets: ComparedTargets): readonly string[] =>
  [...(targets ?? [])]
    .filter(([, { type }]) => families[familyOf(type)]?.has(kind))
    .map(([name]) => name);

/** As the trainer reports it: by target where there are several. */
function reportedNames(metric: MetricSpec, targets: ComparedTargets): readonly string[] {
  const watched = suited(metric.kind, targets);
  if (watched.length < 2) return [metricName(metric)];
  return watched.map((target) => `${target}.${metricName(metric)}`);
}

/** Null where something is wrong. */
export function readMetrics(
  node: YamlNode | undefined,
  targets: ComparedTargets,
  context: LoadContext,
): readonly MetricSpec[] | null {
  if (node === undefined) {
    const metrics = defaultMetrics(targets);
    context.recordDefault("train.metrics", metrics);
    return metrics;
  }
  if (isPoisoned(node)) return null;
  const items = node.kind === "list" ? node.items : null;
  if (items === null) {
    reportWrongType(context, node, {
      what: "'metrics' of train",
      wanted: "a list of metrics",
      about: "For example: [accuracy, { top_k: 5 }].",
    });
    return null;
  }
  const metrics = items.map((item) => readMetric(item, targets, context));
  const sound = metrics.filter((m) => m !== null);
  const names = sound.map(metricName);
  names.forEach((name, i) => {
    if (names.indexOf(name) === i) return;
    context.diagnostics.report("metric-twice", items[i]?.span ?? node.span, { name });
  });
  context.record("train.metrics", names, node);
  return sound.length === items.length ? sound : null;
}

function defaultMetrics(targets: ComparedTargets): readonly MetricSpec[] {
  if (targets === null || targets.size === 0) return [];
  return suited("accuracy", targets).length > 0 ? [{ kind: "accuracy" }] : [{ kind: "mae" }];
}

function readMetric(
  item: YamlNode,
  targets: ComparedTargets,
  context: LoadContext,
): MetricSpec | null {
  const named = readNamed(
    item,
    metricChoice,
    (name) => `metric '${name}'`,
    "train.metrics",
    context,
  );
  if (named === null || !named.checked.ok) return null;
  if (targets !== null && suited(named.name, targets).length === 0) {
    const wanted = Object.keys(families).filter((word) => families[word]?.has(named.name));
    const found = new Set([...targets.values()].map(({ type }) => familyOf(type)));
    context.diagnostics.report("metric-target-mismatch", headOf(item.span, context.sources), {
      metric: named.name,
      wanted: wanted.join(" and "),
      found: found.size === 0 ? "nothing with the data" : [...found].join(" and "),
    });
    return null;
  }
  const { k } = named.checked.values as { k?: number };
  if (named.name === "top_k") {
    checkTopK(k ?? 5, named.nameSpan, targets, context);
    return { kind: "top_k", k: k ?? 5 };
  }
  return { kind: named.name } as MetricSpec;
}

/** Among as many guesses as there are classes is always the right one. */
function checkTopK(k: number, span: Span, targets: ComparedTargets, context: LoadContext): void {
  const known = [...(targets?.values() ?? [])].flatMap((target) =>
    target.type === "category" && target.classes !== null ? [target.classes.length] : [],
  );
  const most = Math.max(...known);
  if (known.length === 0 || k < most) return;
  context.diagnostics.report("top-k-of-all", span, {
    k,
    classes: count(most, "class", "classes"),
  });
}

const baseOf = (name: string): string => name.slice(name.lastIndexOf(".") + 1);

/** Which way a metric is better. */
const modeOf = (name: string): "min" | "max" => (smallerIsBetter.has(baseOf(name)) ? "min" : "max");

/**
 * Null where something is wrong. `metrics` null: unknown, nothing to compare with. `phased`: several
 * networks are trained by losses of their own.
 */
export function readMonitor(
  node: YamlNode | undefined,
  metrics: readonly MetricSpec[] | null,
  targets: ComparedTargets,
  phased: boolean,
  context: LoadContext,
): MonitorSpec | null {
  const names = (metrics ?? [])
    .filter((metric) => metric.kind !== "confusion")
    .flatMap((metric) => reportedNames(metric, targets));
  if (node === undefined) {
    const better = names.find((name) => modeOf(name) === "max" && baseOf(name) !== "r2");
    // Losses of networks that work against each other say nothing of the best epoch: the last is.
    const first = better ?? (phased ? "epoch" : "loss");
    const monitor: MonitorSpec = { metric: first, mode: modeOf(first) };
    context.recordDefault("train.monitor.metric", monitor.metric);
    context.recordDefault("train.monitor.mode", monitor.mode);
    return monitor;
  }
  const owner: Owner = {
    title: "monitor",
    span: headOf(node.span, context.sources),
    path: "train.monitor",
  };
  const checked = readBody(node, monitorShape, owner, context);
  if (checked === null || !checked.ok) return null;
  const { metric, mode } = checked.values as { metric: string; mode: "min" | "max" | null };
  const known = ["loss", "epoch", ...names];
  if (metrics !== null && !known.includes(metric)) {
    const at = checked.nodes.get("metric") ?? node;
    context.diagnostics.report(
      "unknown-monitor",
      headOf(at.span, context.sources),
      { metric },
      {
        ...didYouMean(metric, known, at.span, isLiteral(at)),
        notes: [{ message: `measured: ${known.join(", ")}`, span: null }],
      },
    );
    return null;
  }
  return { metric, mode: mode ?? modeOf(metric) };
}
