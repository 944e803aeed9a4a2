/** @file The op contract as lowerings into a graph: who made which node, and what was called. */
import type { OpKind, Ops } from "../ops.js";

/** One op of the program, as it was called. */
export interface RecordedCall<T> {
  readonly scope: string;
  readonly op: OpKind;
  readonly args: readonly unknown[];
  readonly results: readonly T[];
}

interface GraphUnderConstruction {
  /** Given to the nodes made from now on. */
  source: { readonly scope: string; readonly op: string };
  /** Is the body of a loop being made? */
  readonly inBody: boolean;
}

/** `onOp` is told of every op after it was lowered. */
export function recordingOps<T>(
  graph: GraphUnderConstruction,
  table: Omit<Ops<T>, "scope">,
  onOp?: (recorded: RecordedCall<T>) => void,
): Ops<T> {
  let scope = "";
  type Lowering = (...args: readonly unknown[]) => T | readonly T[];
  const recording = Object.entries(table).map(([kind, lower]) => [
    kind,
    (...args: readonly unknown[]) => {
      const op = kind as OpKind;
      graph.source = { scope, op };
      const result = (lower as Lowering)(...args);
      const results = Array.isArray(result) ? (result as readonly T[]) : [result as T];
      // What happens in the steps of a loop cannot be seen from outside.
      if (!graph.inBody) onOp?.({ scope, op, args, results });
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
