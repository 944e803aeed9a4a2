/** @file The type of what a generated package's evaluation gives. */
import type { CompiledModel } from "../compiled-model.js";
import { propertyName } from "./literal.js";

export function metricTypes(model: CompiledModel): string {
  const losses = (model.programs.evaluate?.outputs ?? [])
    .filter(({ name }) => name === "loss" || name.startsWith("loss."))
    .map(({ name }) => `\n  readonly ${propertyName(name)}: number;`);
  return `{${losses.join("")}\n}`;
}
