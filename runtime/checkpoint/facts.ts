/**
 * @file What weights mean beyond their shapes: the classes, vocabularies and scales of the
 * data that they were trained with. Weights in front of other facts would still give predictions, only wrong ones.
 */
import { count } from "../errors.js";
import { sha256 } from "../sha256.js";
import type { FittedFacts, ModelDefinition } from "../spec.js";

/** Features and targets with the classes that the spec lists or the data gave, and the fitted facts. */
export function factsOf({ data, facts }: Pick<ModelDefinition, "data" | "facts">): FittedFacts {
  const all: Record<string, FittedFacts[string]> = { ...facts };
  for (const [name, feature] of Object.entries({ ...data?.features, ...data?.targets })) {
    if (feature.type !== "category" || feature.classes === null) continue;
    all[name] = { ...facts[name], classes: feature.classes };
  }
  return all;
}

const scales = {
  mean: "the mean",
  deviation: "the standard deviation",
  min: "the least value",
  max: "the greatest value",
} as const;
const scaleKeys = Object.keys(scales) as (keyof typeof scales)[];

/** SHA-256 over what predictions depend on; the number of rows per class matters to training only. */
export function factsHash(definition: Pick<ModelDefinition, "data" | "facts">): string {
  const all = factsOf(definition);
  const meant = Object.keys(all)
    .sort()
    .map((name) => {
      const fact = all[name] ?? {};
      // Merges follow from the vocabulary: every one of them makes a token.
      const words = [fact.classes ?? null, fact.vocabulary ?? null];
      return [name, ...words, ...scaleKeys.map((key) => fact[key] ?? null)];
    });
  return sha256(JSON.stringify(meant));
}

/** "the mean of 'a' was 12.1, now it is 13": one line for each fact that differs; at its first place. */
export function factDifferences(before: FittedFacts, now: FittedFacts): readonly string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])];
  return names.flatMap((name) => {
    const [old = {}, new_ = {}] = [before[name], now[name]];
    const words =
      wordDifference(name, "class", old.classes, new_.classes) ??
      wordDifference(name, "token", old.vocabulary, new_.vocabulary);
    if (words !== null) return [words];
    const scale = scaleKeys.flatMap((key) =>
      numberDifference(`${scales[key]} of '${name}'`, old[key], new_[key]),
    );
    const [first] = scale;
    if (first !== undefined) return [first];
    const row = firstDifference(old.counts ?? [], new_.counts ?? []);
    if (row < 0) return [];
    const label = JSON.stringify(new_.classes?.[row] ?? "");
    return numberDifference(
      `the number of rows with the class ${label} of '${name}'`,
      [old.counts?.[row] ?? 0],
      [new_.counts?.[row] ?? 0],
    );
  });
}

function firstDifference(old: readonly unknown[], new_: readonly unknown[]): number {
  const length = Math.max(old.length, new_.length);
  for (let i = 0; i < length; i++) if (old[i] !== new_[i]) return i;
  return -1;
}

function wordDifference(
  name: string,
  noun: "class" | "token",
  old: readonly string[] = [],
  new_: readonly string[] = [],
): string | null {
  const at = firstDifference(old, new_);
  if (at < 0) return null;
  if (old.length !== new_.length) {
    const nouns = noun === "class" ? "classes" : "tokens";
    return `'${name}' had ${count(old.length, noun, nouns)}, now it has ${new_.length}`;
  }
  const [was, is] = [old[at], new_[at]].map((word) => JSON.stringify(word));
  return `${noun} ${at + 1} of '${name}' was ${was}, now it is ${is}`;
}

function numberDifference(
  what: string,
  old: readonly number[] | undefined,
  new_: readonly number[] | undefined,
): readonly string[] {
  const at = firstDifference(old ?? [], new_ ?? []);
  if (at < 0) return [];
  if (old === undefined || new_ === undefined || old.length !== new_.length) {
    return [`${what} is of another form`];
  }
  const [was = Number.NaN, is = Number.NaN] = [old[at], new_[at]];
  const where = old.length === 1 ? "" : ` (element ${at + 1} of ${old.length})`;
  const brief = [was, is].map((value) => String(Number(value.toPrecision(6))));
  const [a, b] = brief[0] === brief[1] ? [String(was), String(is)] : brief;
  return [`${what}${where} was ${a}, now it is ${b}`];
}
