/** @file Reads the optimiser, its learning rate and its weight decay. */
import type { Fix } from "../../diagnostics/diagnostic.js";
import type { Span } from "../../ir/origin.js";
import type { FieldNodes } from "../check/check-shape.js";
import { type Named, readNamed } from "../check/read-named.js";
import { headOf, type LoadContext } from "../context.js";
import type { OptimizerUse } from "../resolved-spec.js";
import { defaultLearningRates, neutralOptimizer, optimizerChoice } from "../schema/optimizers.js";
import type { YamlNode } from "../yaml/tree.js";

export interface ReadOptimizer {
  readonly use: OptimizerUse;
  readonly learningRate: number;
  /** Does the optimizer itself say it? */
  readonly ownRate: boolean;
}

interface OptimizerSettings {
  readonly momentum: number;
  readonly nesterov: boolean;
  readonly beta1: number;
  readonly beta2: number;
  readonly rho: number;
  readonly epsilon: number;
  readonly weight_decay: number;
}

interface TrainSettings {
  readonly nodes: FieldNodes;
  readonly values: { readonly learning_rate: number | null; readonly weight_decay: number | null };
  /** How messages name the section. */
  readonly title?: string;
}

/** Null where something is wrong. `train`: the section around it. */
export function readOptimizer(
  node: YamlNode | undefined,
  train: TrainSettings,
  trainSpan: Span,
  context: LoadContext,
): ReadOptimizer | null {
  if (node === undefined) context.recordDefault("train.optimizer", "adam");
  const written: YamlNode = node ?? {
    kind: "scalar",
    value: "adam",
    plain: true,
    span: trainSpan,
    source: "spec",
  };
  const titles = (name: string): string => `optimizer '${name}'`;
  const named = readNamed(written, optimizerChoice, titles, "train.optimizer", context);
  if (named === null || !named.checked.ok) return null;
  const own = named.checked.values as Partial<OptimizerSettings> & {
    learning_rate: number | null;
  };
  const once = ["learning_rate", "weight_decay"].every((key) =>
    givenOnce(key, named, train, context),
  );
  const decays = checkDecay(named, train, context);
  if (!once || !decays) return null;
  const settings: OptimizerSettings = { ...neutralOptimizer, ...own };
  if (settings.nesterov && settings.momentum === 0) {
    const span = named.checked.spans.nesterov ?? named.nameSpan;
    context.diagnostics.report("setting-without-effect", span, {
      setting: "nesterov",
      reason: "it looks ahead along the momentum, which is 0",
    });
  }
  const { weight_decay } = train.values;
  const fallback = defaultLearningRates[named.name] ?? 0.001;
  const path = `train.optimizer.${named.name}`;
  if (train.values.learning_rate === null) {
    context.dropDefault("train.learning_rate");
    context.settleDefault(`${path}.learning_rate`, fallback);
  } else context.dropDefault(`${path}.learning_rate`);
  context.dropDefault(weight_decay === null ? "train.weight_decay" : `${path}.weight_decay`);
  return {
    ownRate: own.learning_rate !== null,
    learningRate: own.learning_rate ?? train.values.learning_rate ?? fallback,
    use: {
      kind: named.name as OptimizerUse["kind"],
      momentum: settings.momentum,
      nesterov: settings.nesterov,
      beta1: settings.beta1,
      beta2: settings.beta2,
      rho: settings.rho,
      epsilon: settings.epsilon,
      weightDecay: weight_decay ?? settings.weight_decay,
      span: written.span,
    },
  };
}

function givenOnce(key: string, named: Named, train: TrainSettings, context: LoadContext): boolean {
  const inner = named.checked.nodes.get(key);
  const outer = train.nodes.get(key);
  if (inner === undefined || outer === undefined) return true;
  context.diagnostics.report(
    "given-twice",
    headOf(outer.span, context.sources),
    { key, first: `optimizer '${named.name}'`, second: train.title ?? "train" },
    { notes: [{ message: "the other one is here", span: headOf(inner.span, context.sources) }] },
  );
  return false;
}

function checkDecay(named: Named, train: TrainSettings, context: LoadContext): boolean {
  const node = train.nodes.get("weight_decay");
  if (node === undefined || "weight_decay" in named.checked.values) return true;
  const toAdamw: Fix = {
    title: "use adamw",
    grade: "likely",
    edits: [{ span: named.nameSpan, text: "adamw" }],
  };
  const fixes = named.name === "adam" && train.nodes.has("optimizer") ? [toAdamw] : [];
  context.diagnostics.report(
    "weight-decay-without-effect",
    headOf(node.span, context.sources),
    { optimizer: named.name },
    { fixes },
  );
  return false;
}
