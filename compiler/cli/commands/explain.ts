/** @file `dlc explain`: what a diagnostic code means. */
import { DlcError } from "@dlc/runtime/errors";
import { catalogue } from "../../diagnostics/catalogue/index.js";
import type { CatalogueEntry } from "../../diagnostics/diagnostic.js";
import { suggest } from "../../diagnostics/suggest.js";
import type { Run } from "../command.js";
import type { Console } from "../console.js";

const entries: Readonly<Record<string, CatalogueEntry>> = catalogue;

const indent = (text: string): string =>
  text
    .split("\n")
    .map((line) => `    ${line}`)
    .join("\n");

function show(code: string, entry: CatalogueEntry, { colors, result }: Console): void {
  result(`${colors.bold(code)} (${entry.severity}): ${entry.message}`);
  result("");
  result(entry.explain);
  if (entry.help !== undefined) result(`\n${colors.bold("help")}: ${entry.help}`);
  if (entry.wrong !== undefined) result(`\n  ${colors.red("wrong")}\n${indent(entry.wrong)}`);
  if (entry.right !== undefined) result(`\n  ${colors.green("right")}\n${indent(entry.right)}`);
}

export const run: Run = async ({ args, console }) => {
  const code = args[0] as string | undefined;
  if (code === undefined) {
    const codes = Object.keys(entries).sort();
    if (console.json) console.document({ codes });
    else for (const name of codes) console.result(`${name}: ${entries[name]?.message}`);
    return "ok";
  }
  const entry = Object.hasOwn(entries, code) ? entries[code] : undefined;
  if (entry === undefined) {
    const near = suggest(code, Object.keys(entries));
    throw new DlcError("unknown-code", `'${code}' is not a diagnostic code`, {
      help: near === null ? "dlc explain lists all codes." : `Did you mean '${near.word}'?`,
      reason: "usage",
    });
  }
  if (console.json) console.document({ code, ...entry });
  else show(code, entry, console);
  return "ok";
};
