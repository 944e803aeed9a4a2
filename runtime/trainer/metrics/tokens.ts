/** @file Shared by the metrics of texts: predicted and true tokens, without padding. */
import { type HeadSpec, specialTokens } from "../../spec.js";
import type { HostTensor } from "../../tensor.js";
import { largest } from "./classes.js";

/** One step of a text that is there. */
export interface TokenStep {
  readonly actual: number;
  /** The most probable token; of equal ones the first. */
  predicted(): number;
  /** Of the true token. */
  readonly probability: number;
}

/** Calls `visit` with the steps of each example in turn; padding is left out. */
export function eachText(
  head: HeadSpec,
  { data }: HostTensor,
  target: HostTensor,
  visit: (steps: readonly TokenStep[]) => void,
): void {
  const tokens = head.shape.at(-1) ?? 1;
  const length = head.shape.at(0) ?? 1;
  const stepAt = (at: number): TokenStep[] => {
    const actual = target.data[at] as number;
    if (actual === specialTokens.pad) return [];
    const start = at * tokens;
    return [
      {
        actual,
        predicted: () => largest(data, start, tokens),
        probability: data[start + actual] as number,
      },
    ];
  };
  for (let first = 0; first < target.data.length; first += length) {
    visit(Array.from({ length }, (_, i) => stepAt(first + i)).flat());
  }
}
