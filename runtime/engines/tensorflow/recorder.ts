/** @file The op contract over a graph: running a program against it records the program. */
import type { OpKind, Ops } from "../../ops.js";
import type { Graph, Handle } from "./graph.js";
import { emulateHalves } from "./halves.js";
import { convOps } from "./lower/conv.js";
import { elementwiseOps } from "./lower/elementwise.js";
import { linearOps } from "./lower/linear.js";
import { lossOps } from "./lower/loss.js";
import { movementOps } from "./lower/movement.js";
import { normOps } from "./lower/norm.js";
import { poolOps } from "./lower/pool.js";
import { randomOps } from "./lower/random.js";
import { recurrenceOps } from "./lower/recurrence.js";
import { reduceOps } from "./lower/reduce.js";
import { updateOps } from "./lower/update.js";
import type { Primitives } from "./primitives.js";
import type { Variables } from "./variables.js";

/** One op of the program, as it was called. */
export interface RecordedOp {
  readonly scope: string;
  readonly op: OpKind;
  readonly results: readonly Handle[];
}

/** `onOp` is told of every op after it was lowered. */
export function createRecorder(
  graph: Graph,
  p: Primitives,
  variables: Variables,
  onOp: (recorded: RecordedOp) => void,
): Ops<Handle> {
  const lowerings: Omit<Ops<Handle>, "scope"> = {
    ...movementOps(p),
    ...elementwiseOps(p),
    ...reduceOps(p),
    ...linearOps(p),
    ...convOps(p),
    ...poolOps(p),
    ...normOps(p),
    ...lossOps(p),
    ...recurrenceOps(p),
    ...randomOps(p),
    ...updateOps(p, variables),
  };
  const table = p.ownHalves ? lowerings : emulateHalves(p, lowerings);
  let scope = "";

  type Lowering = (...args: readonly unknown[]) => Handle | readonly Handle[];
  const recording = Object.entries(table).map(([kind, lower]) => [
    kind,
    (...args: readonly unknown[]) => {
      const op = kind as OpKind;
      graph.source = { scope, op };
      const result = (lower as Lowering)(...args);
      const results = Array.isArray(result) ? result : [result as Handle];
      // What happens in the steps of a loop cannot be seen from outside.
      if (!graph.inBody) onOp({ scope, op, results });
      return result;
    },
  ]);
  return {
    ...(Object.fromEntries(recording) as typeof table),
    scope(label) {
      scope = label;
    },
  };
}
