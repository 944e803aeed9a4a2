/** @file Checks in which epochs phases run: each in some, and in each epoch at least one. */
import type { Span } from "../../ir/origin.js";
import type { LoadContext } from "../context.js";
import type { PhaseUse } from "../resolved-spec.js";

/** A phase's epochs, from 1, with the places where the spec says them. */
export interface PhaseEpochs {
  readonly use: Pick<PhaseUse, "name" | "epochs" | "span">;
  readonly firstSpan: Span | null;
  readonly lastSpan: Span | null;
}

const countOf = (epochs: number): string => (epochs === 1 ? "1 epoch" : `${epochs} epochs`);

/** Reports what is wrong; false if training cannot go as the phases say. */
export function checkPhaseEpochs(
  phases: readonly PhaseEpochs[],
  epochs: number,
  { diagnostics }: LoadContext,
): boolean {
  let sound = true;
  for (const { use, firstSpan, lastSpan } of phases) {
    const [first, last] = use.epochs;
    const { name: phase } = use;
    if (last !== null && last < first) {
      diagnostics.report("phase-ends-early", lastSpan ?? use.span, { phase, first, last });
      sound = false;
    } else if (first > epochs) {
      const span = firstSpan ?? use.span;
      diagnostics.report("phase-never-runs", span, { phase, first, run: countOf(epochs) });
      sound = false;
    } else if (last !== null && last > epochs) {
      const span = lastSpan ?? use.span;
      diagnostics.report("phase-beyond-training", span, { phase, last, run: countOf(epochs) });
    }
  }
  if (!sound) return false;
  // Where a phase has ended is where nothing may follow it.
  const ends = phases.flatMap(({ use }) => (use.epochs[1] === null ? [] : [use.epochs[1] + 1]));
  for (const idle of [1, ...ends].sort((a, b) => a - b)) {
    const isRunning = phases.some(
      ({ use: { epochs: span } }) => span[0] <= idle && (span[1] === null || idle <= span[1]),
    );
    if (idle > epochs || isRunning) continue;
    const later = phases.map(({ use }) => use.epochs[0]).filter((first) => first > idle);
    const until = Math.min(epochs, ...later.map((first) => first - 1));
    const which = until === idle ? `epoch ${idle}` : `epochs ${idle} to ${until}`;
    const before = phases.find(({ use }) => use.epochs[1] === idle - 1);
    const after = phases.find(({ use }) => use.epochs[0] === until + 1);
    const span = before?.lastSpan ?? after?.firstSpan ?? phases[0]?.use.span ?? null;
    diagnostics.report("epoch-without-phase", span, { which });
    return false;
  }
  return true;
}
