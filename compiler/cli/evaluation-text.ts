/** @file An evaluation for people: loss, metrics, confusion matrix. */
import type { EvaluationResult } from "@dlc/runtime";
import { count } from "../diagnostics/count.js";
import { table } from "./table.js";

/** Metrics that are shares, shown in per cent. */
const shares = /(^|\.)(accuracy|top_\d+|top_k|precision|recall|f1|auc|exact_match)/;

const shown = (name: string, value: number): string =>
  shares.test(name) ? `${(100 * value).toFixed(2)} %` : value.toPrecision(6);

export function evaluationText(result: EvaluationResult, withConfusion = false): string {
  const rows = Object.entries({ loss: result.loss, ...result.metrics }).map(
    ([name, value]) => `${name} ${shown(name, value)}`,
  );
  const head = `${result.split} (${count(result.examples, "example")}): ${[...new Set(rows)].join(", ")}`;
  if (!withConfusion) return head;
  const matrices = Object.entries(result.confusion).map(([name, { classes, counts }]) => {
    const columns = [
      { title: "true \\ predicted" },
      ...classes.map((title) => ({ title, align: "right" as const })),
    ];
    const lines = counts.map((row, i) => [classes[i] ?? "", ...row.map(String)]);
    return `${name}\n${table(columns, lines)}`;
  });
  return [head, ...matrices].join("\n\n");
}
