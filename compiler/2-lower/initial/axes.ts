/** @file From the axes of a rule, `h w c m -> (c m) 1 h w`, to shapes and steps. */
import type { ArrangeStep } from "@dlc/runtime";
import { bug } from "../../diagnostics/diagnostic.js";

/** An axis as the letters that run along it; none: it has length 1. */
type Axis = readonly string[];

function parseSide(text: string): readonly Axis[] {
  return [...text.matchAll(/\(([^)]*)\)|(\S+)/g)].map(([, group, single]) => {
    const letters = (group ?? single ?? "").trim().split(/\s+/);
    return letters.filter((letter) => letter !== "1");
  });
}

const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);

export interface Arrangement {
  /** There. */
  readonly shape: readonly number[];
  readonly steps: readonly ArrangeStep[];
}

/**
 * The shape that a tensor of ours has on the other side, and how it comes here. `sizes`: of letters
 * that share an axis of ours, all but one. A rule that does not fit our own shape is a fault of the table.
 */
export function arrangement(
  axes: string,
  shape: readonly number[],
  sizes: Readonly<Record<string, number>>,
): Arrangement {
  const [there, here] = axes.split("->").map(parseSide);
  if (there === undefined || here?.length !== shape.length) {
    return bug(`'${axes}' does not fit [${shape.join(", ")}]`);
  }
  const size = new Map<string, number>();
  here.forEach((axis, i) => {
    const open = axis.filter((letter) => axis.length === 1 || sizes[letter] === undefined);
    for (const letter of axis) size.set(letter, sizes[letter] ?? 1);
    const known = product(axis.filter((l) => !open.includes(l)).map((l) => sizes[l] ?? 1));
    const [free, ...others] = open;
    const rest = (shape[i] ?? 1) / known;
    if (others.length > 0 || !Number.isInteger(rest) || (free === undefined && rest !== 1)) {
      bug(`'${axes}' does not fit [${shape.join(", ")}]`);
    }
    if (free !== undefined) size.set(free, rest);
  });
  const sizeOf = (letter: string): number => size.get(letter) ?? bug(`'${letter}' is on one side`);
  const foreign = there.map((axis) => product(axis.map(sizeOf)));
  const from = there.flat();
  const perm = here.flat().map((letter) => from.indexOf(letter));
  const steps: ArrangeStep[] = [];
  const letters = from.map(sizeOf);
  if (letters.join() !== foreign.join()) steps.push({ kind: "reshape", shape: letters });
  if (perm.some((axis, i) => axis !== i)) steps.push({ kind: "transpose", perm });
  if (perm.map((axis) => letters[axis]).join() !== shape.join()) {
    steps.push({ kind: "reshape", shape });
  }
  return { shape: foreign, steps };
}
