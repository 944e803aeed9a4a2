/** @file Opens the file that `init` names; what is wrong with it becomes a diagnostic at its place. */
import { readdirSync } from "node:fs";
import { dirname, posix, resolve } from "node:path";
import {
  DlcError,
  type FittedFacts,
  factsOfWeights,
  locateWeights,
  readWeightsHeader,
  type SafetensorsHeader,
} from "@dlc/runtime";
import type { InitUse, ResolvedSpec } from "./1-load/resolved-spec.js";
import { didYouMean } from "./diagnostics/fixes.js";
import type { Diagnostics } from "./diagnostics/report.js";

/** A file that weights start from: its header, and the facts of the run that it belongs to (null: unknown). */
export interface OpenedInitial {
  readonly header: SafetensorsHeader;
  readonly facts: FittedFacts | null;
}

/** The header of the file alone: no tensor is read. Null after a diagnostic. */
export async function openInitial(
  { file }: ResolvedSpec,
  { from, span }: InitUse,
  diagnostics: Diagnostics,
): Promise<OpenedInitial | null> {
  const base = dirname(file);
  try {
    const weights = await locateWeights(from, base);
    return { header: await readWeightsHeader(weights), facts: await factsOfWeights(weights) };
  } catch (error) {
    if (!(error instanceof DlcError)) throw error;
    const reason = error.message.split(`${from} `).slice(1).join(`${from} `) || error.message;
    if (error.code === "weights-not-found") {
      const suggestion = didYouMean(from, neighbours(from, base), span, true);
      diagnostics.report("weights-not-found", span, { path: from, reason }, suggestion);
    } else if (error.code === "not-safetensors") {
      diagnostics.report("not-safetensors", span, { path: from });
    } else {
      const damage = reason.replace(/^are damaged: /, "");
      diagnostics.report("damaged-weights", span, { reason: `${from}: ${damage}` });
    }
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
