/** @file What generated examples are made for: one entry per example. */
import { encodeInputsBy } from "../../data/encode-inputs.js";
import { DataError } from "../../data/errors.js";
import type { Pictures } from "../../data/pictures.js";
import { DlcError } from "../../errors.js";
import type { ModelDefinition } from "../../spec.js";
import { didYouMean } from "../../suggest.js";
import type { HostTensor } from "../../tensor.js";
import type { GenerateOptions } from "../types.js";

export type Given = Readonly<Record<string, unknown>>;

export const invalid = (place: string, message: string, help?: string): DlcError =>
  new DlcError("invalid-setting", message, { place, ...(help === undefined ? {} : { help }) });

/** @throws DlcError `invalid-setting`. */
export function requireWhole(setting: string, value: number, least: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  const range = most >= 0xffffffff ? `from ${least} up` : `from ${least} to ${most}`;
  throw invalid(setting, `${setting} is ${value}, not a whole number ${range}`);
}

/**
 * One entry per example: as many as `count` says, else as many as are listed, else one.
 * `lists`: values that are given once for all or, as a list, once for each; undefined: not given.
 */
export function perExample<L extends Readonly<Record<string, unknown>>>(
  { count, seed = 0 }: Pick<GenerateOptions<Given>, "count" | "seed">,
  lists: L,
): readonly Readonly<Record<keyof L, unknown>>[] {
  const names = Object.keys(lists) as (keyof L & string)[];
  const [list] = names.map((name): unknown => lists[name]).filter(Array.isArray);
  const wanted = count ?? list?.length ?? 1;
  requireWhole("count", wanted, 1, 0xffffffff);
  requireWhole("seed", seed, 0, 0xffffffff);
  for (const name of names) {
    const list = lists[name];
    if (!Array.isArray(list) || list.length === wanted) continue;
    const what = name === "given" ? "conditions" : `values of ${name}`;
    throw invalid(name, `count is ${wanted}, but the number of ${what} is ${list.length}`);
  }
  const at = (value: unknown, i: number): unknown => (Array.isArray(value) ? value[i] : value);
  return Array.from(
    { length: wanted },
    (_, i) => Object.fromEntries(names.map((name) => [name, at(lists[name], i)])) as never,
  );
}

/** @throws DlcError `invalid-setting` if a model without conditions gets some, `unknown-input` for other ones. */
export function requireConditions(
  given: unknown,
  wanted: readonly string[],
  { name }: Pick<ModelDefinition, "name">,
): void {
  if (given === undefined) return;
  if (wanted.length === 0) {
    throw invalid(
      "given",
      `${name} generates without conditions, but some are given: leave them out`,
    );
  }
  for (const row of Array.isArray(given) ? (given as readonly unknown[]) : [given]) {
    const key = Object.keys(Object(row)).find((one) => !wanted.includes(one));
    if (key === undefined) continue;
    throw new DataError("unknown-input", `'${key}' is not what ${name} generates examples for`, {
      place: "given",
      help: `${didYouMean(key, wanted)} Can be given: ${wanted.join(", ")}.`.trim(),
    });
  }
}

/** The inputs of programs for these examples. Throws what encodeInputs does. */
export async function encodeGiven(
  pictures: Pictures,
  { data, facts }: ModelDefinition,
  wanted: readonly string[],
  rows: readonly Given[],
): Promise<Record<string, HostTensor>> {
  if (wanted.length === 0) return {};
  const inputs = Object.fromEntries(wanted.map((name) => [name, true]));
  return encodeInputsBy(pictures, { data, facts, programs: { infer: { inputs } } }, rows);
}
