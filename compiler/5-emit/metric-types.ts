/** @file The type of what a generated package's evaluation measures. */
import { metricUses } from "@dlc/runtime";
import type { CompiledModel } from "../compiled-model.js";
import { propertyName } from "./literal.js";

/** The loss, the losses by name, and the metrics that are single numbers. */
export function metricTypes(model: CompiledModel): string {
  const losses = (model.programs.evaluate?.outputs ?? [])
    .map(({ name }) => name)
    .filter((name) => name === "loss" || name.startsWith("loss."));
  // The runtime names metrics: asking it keeps the two alike.
  const metrics = metricUses(model.spec.train?.settings.metrics ?? [], model.heads)
    .filter(({ spec }) => spec.kind !== "confusion")
    .map(({ name }) => name);
  const lines = [...losses, ...metrics].map(
    (name) => `\n  readonly ${propertyName(name)}: number;`,
  );
  return lines.length === 0 ? "Readonly<Record<string, never>>" : `{${lines.join("")}\n}`;
}
