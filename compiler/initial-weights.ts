/** @file Opens the file that `init` names; what is wrong with it becomes a diagnostic at its place. */
import { readdirSync } from "node:fs";
import { dirname, posix, resolve } from "node:path";
import { DlcError, locateWeights, readWeightsHeader, type SafetensorsHeader } from "@dlc/runtime";
import type { InitUse, ResolvedSpec } from "./1-load/resolved-spec.js";
import { didYouMean } from "./diagnostics/fixes.js";
import type { Diagnostics } from "./diagnostics/report.js";

/** The header of the file alone: no tensor is read. Null after a diagnostic. */
export async function openInitial(
  { file }: ResolvedSpec,
  { from, span }: InitUse,
  diagnostics: Diagnostics,
): Promise<SafetensorsHeader | null> {
  const base = dirname(file);
  try {
    return await readWeightsHeader(await locateWeights(from, base));
  } catch (error) {
    if (!(error instanceof DlcError)) throw error;
    const reason = error.message.split(`${from} `).slice(1).join(`${from} `) || error.message;
    if (error.code === "weights-not-found") {
      const suggestion = didYouMean(from, neighbours(from, base), span, true);
      diagnostics.report("weights-not-found", span, { path: from, reason }, suggestion);
    } else diagnostics.report("damaged-weights", span, { reason: `${from} ${reason}` });
    return null;
  }
}

/** What else there is beside the path, written as it is. */
function neighbours(path: string, base: string): readonly string[] {
  if (path.startsWith("npm:")) return [];
  try {
    const folder = posix.dirname(path);
    const names = readdirSync(dirname(resolve(base, path)));
    return names.map((name) => (path.includes("/") ? posix.join(folder, name) : name));
  } catch {
    return [];
  }
}
