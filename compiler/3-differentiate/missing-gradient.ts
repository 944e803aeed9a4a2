/** @file Reports a gradient that is needed through an op without one. */
import type { Diagnostics } from "../diagnostics/report.js";
import type { MissingGradient } from "./backward.js";

export function reportMissingGradient(
  { node, reason }: MissingGradient,
  diagnostics: Diagnostics,
): void {
  const { layer, span } = node.origin;
  diagnostics.report("missing-gradient", span, { layer, op: node.kind, reason });
}
