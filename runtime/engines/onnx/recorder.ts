/** @file The op contract over a graph: running a program against it records the program. */
import type { Ops } from "../../ops.js";
import { type RecordedCall, recordingOps } from "../recording.js";
import { emulateHalf } from "./emulate-half.js";
import type { Graph, Handle } from "./graph.js";
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
import { createPrimitives } from "./primitives.js";
import type { OnnxTarget } from "./target.js";

/** One op of the program, as it was called. */
export type RecordedOp = RecordedCall<Handle>;

/** `onOp` is told of every op after it was lowered for the target. */
export function createRecorder(
  graph: Graph,
  target: OnnxTarget,
  onOp?: (recorded: RecordedOp) => void,
): Ops<Handle> {
  const p = createPrimitives(graph, target);
  const table = emulateHalf(p, target.half, {
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
    ...updateOps(p),
  });
  return recordingOps(graph, table, onOp);
}
