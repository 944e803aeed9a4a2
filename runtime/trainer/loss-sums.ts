/**
 * @file Losses over several batches. Most are means over examples, and so is their mean over batches when
 * each counts by its examples. A loss of tokens is a mean over the batch's steps, of which the next batch
 * has others; the program gives for it `steps.<name>`, f32 [2]: how many steps there are, and what the
 * loss adds to the sum of all losses. Both kinds come out as if all examples had been one batch.
 */
import type { HostTensor } from "../tensor.js";

/** Sums by name; more than the losses' own where some are means over steps. JSON. */
export type LossSums = Readonly<Record<string, number>>;

const isLoss = (name: string): boolean => name === "loss" || name.startsWith("loss.");

const stepsPrefix = "steps.";
const sharePrefix = "share.";

/** Of a loss by its output's name: `loss.a.b` → `a.b`; of the sum of all: "". */
const pathOf = (name: string): string => name.slice("loss.".length);

/** Is a loss one of those that `whole` adds up? */
const isPartOf = (name: string, whole: string): boolean =>
  pathOf(whole) === "" || name.startsWith(`${pathOf(whole)}.`);

const namesOf = (all: Readonly<Record<string, unknown>>): readonly string[] =>
  Object.keys(all).flatMap((key) =>
    key.startsWith(stepsPrefix) ? [key.slice(stepsPrefix.length)] : [],
  );

/** Sums of a batch's losses added to those of the batches before. */
export function addLosses(
  sums: LossSums,
  outputs: Readonly<Record<string, HostTensor>>,
  examples: number,
): LossSums {
  const next: Record<string, number> = { ...sums };
  const add = (name: string, amount: number): void => {
    next[name] = (next[name] ?? 0) + amount;
  };
  const ofSteps = new Map(
    namesOf(outputs).map((name) => {
      const [steps = 0, share = 0] = outputs[stepsPrefix + name]?.data ?? [];
      return [name, { steps, share }] as const;
    }),
  );
  for (const [name, { steps, share }] of ofSteps) {
    add(stepsPrefix + name, steps);
    add(sharePrefix + name, share * steps);
  }
  for (const [name, tensor] of Object.entries(outputs)) {
    if (!isLoss(name)) continue;
    const value = tensor.data[0] as number;
    const own = ofSteps.get(pathOf(name));
    if (own === undefined) {
      const parts = [...ofSteps].filter(([part]) => isPartOf(part, name));
      add(name, parts.reduce((rest, [, { share }]) => rest - share, value) * examples);
    } else add(name, value * own.steps);
  }
  return next;
}

/** Losses over all the batches that were added up. */
export function meanLosses(sums: LossSums, examples: number): Record<string, number> {
  const names = namesOf(sums);
  const perStep = (key: string, name: string): number => {
    const steps = sums[stepsPrefix + name] ?? 0;
    return steps === 0 ? 0 : (sums[key] ?? 0) / steps;
  };
  const losses = Object.entries(sums).filter(([name]) => isLoss(name));
  return Object.fromEntries(
    losses.map(([name, sum]) => {
      if (names.includes(pathOf(name))) return [name, perStep(name, pathOf(name))];
      const parts = names.filter((part) => isPartOf(part, name));
      return [
        name,
        parts.reduce((mean, part) => mean + perStep(sharePrefix + part, part), sum / examples),
      ];
    }),
  );
}
