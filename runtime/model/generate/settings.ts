/** @file How to search: the settings of the spec, and what the caller puts in their place. */
import type { ModelDefinition, SearchSpec, SequenceSpec } from "../../spec.js";
import type { SequenceOptions } from "../types.js";
import { type Given, invalid, requireWhole } from "./conditions.js";
import { searchLimits } from "./limits.js";

type Setting = Exclude<keyof SearchSpec, "method">;

const methods = ["greedy", "sample", "beam"] as const satisfies readonly SearchSpec["method"][];

/** The methods that a setting has an effect on. */
const readBy: Readonly<Record<Setting, readonly SearchSpec["method"][]>> = {
  beams: ["beam"],
  temperature: ["sample"],
  topK: ["sample"],
  topP: ["sample"],
  maxLength: methods,
  lengthPenalty: ["beam"],
};

const checks: {
  readonly [S in Setting]: (value: number, sequence: SequenceSpec) => void;
} = {
  beams: (value) => requireWhole("beams", value, 1, searchLimits.beams),
  topK: (value) => requireWhole("topK", value, 1, searchLimits.tokens),
  maxLength(value, { steps, text }) {
    if (text === null) {
      throw invalid("maxLength", `maxLength has no effect: every example has ${steps} codes`);
    }
    requireWhole("maxLength", value, 1, searchLimits.tokens);
    if (value <= steps) return;
    throw invalid(
      "maxLength",
      `maxLength is ${value}, but the decoder has ${steps} steps`,
      `Ask for at most ${steps} tokens, or train with a greater max_length of '${text}'.`,
    );
  },
  temperature: (value) => requireNumber("temperature", value, value > 0, "a number above 0"),
  topP: (value) => requireNumber("topP", value, value > 0 && value <= 1, "above 0 and at most 1"),
  lengthPenalty: (value) =>
    requireNumber("lengthPenalty", value, value >= 0, "a number that is at least 0"),
};

function requireNumber(setting: string, value: number, fits: boolean, wanted: string): void {
  if (Number.isFinite(value) && fits) return;
  throw invalid(setting, `${setting} is ${value}, not ${wanted}`);
}

const settings = Object.keys(readBy) as Setting[];

export interface Search extends SearchSpec {
  readonly maxLength: number;
  /** How many results per example are wanted; null: one, as it is. */
  readonly candidates: number | null;
}

/** @throws DlcError `invalid-setting`: also for a setting that the method does not read. */
export function searchOf(sequence: SequenceSpec, options: SequenceOptions<Given>): Search {
  const { method = sequence.search.method, candidates = null } = options;
  if (!(methods as readonly string[]).includes(method)) {
    throw invalid("method", `method is ${String(method)}, not one of ${methods.join(", ")}`);
  }
  for (const setting of settings) {
    const value = options[setting];
    if (value === undefined || value === null) continue;
    checks[setting](value, sequence);
    if (readBy[setting].includes(method)) continue;
    const readers = readBy[setting].map((reader) => `"${reader}"`).join(" or ");
    throw invalid(
      setting,
      `${setting} has no effect with method "${method}"`,
      `Leave it out, or ask for method ${readers}.`,
    );
  }
  const chosen = settings.flatMap((setting) =>
    options[setting] === undefined ? [] : [[setting, options[setting]] as const],
  );
  const search: SearchSpec = { ...sequence.search, ...Object.fromEntries(chosen), method };
  if (candidates !== null) {
    if (method !== "beam") {
      throw invalid(
        "candidates",
        `method "${method}" finds one candidate only`,
        'Ask for method "beam".',
      );
    }
    requireWhole("candidates", candidates, 1, search.beams);
  }
  return { ...search, maxLength: search.maxLength ?? sequence.steps, candidates };
}

/** @throws DlcError `invalid-setting` for settings of searches where nothing is searched. */
export function requireNoSearch(
  options: SequenceOptions<Given>,
  { name }: Pick<ModelDefinition, "name">,
): void {
  for (const setting of [...settings, "method", "candidates", "prompt"] as const) {
    if (options[setting] === undefined) continue;
    throw invalid(
      setting,
      `${setting} has no effect: ${name} generates from random numbers, not token by token`,
    );
  }
}
