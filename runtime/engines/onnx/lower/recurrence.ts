/** @file Loops over the steps of sequences. */
import type { Ops } from "../../../ops.js";
import { dim } from "../../geometry.js";
import type { Handle, NodeResult } from "../graph.js";
import type { Primitives } from "../primitives.js";

export function recurrenceOps(p: Primitives): Pick<Ops<Handle>, "scan"> {
  /**
   * The steps one after the other: a graph that is `steps` times as large as the body. Time to open the session
   * grows with it; running it needs no loop that the host would have to drive step by step.
   */
  function unrolled(
    start: readonly Handle[],
    stacked: readonly Handle[],
    steps: number,
    reverse: boolean,
    body: (...values: readonly Handle[]) => readonly Handle[],
  ): readonly Handle[] {
    const ones = new Array<number>(steps).fill(1);
    const slices = stacked.map((x) =>
      p.split(x, 0, ones).map((part) => p.reshape(part, x.shape.slice(1))),
    );
    let carried = start;
    const outputs: (readonly Handle[])[] = new Array(steps);
    for (let i = 0; i < steps; i++) {
      const step = reverse ? steps - 1 - i : i;
      const results = body(...carried, ...slices.map((parts) => parts[step] as Handle));
      carried = results.slice(0, start.length);
      outputs[step] = results.slice(start.length);
    }
    const stack = (_: unknown, k: number): Handle =>
      p.concat(
        outputs.map((results) => {
          const result = results[k] as Handle;
          return p.reshape(result, [1, ...result.shape]);
        }),
        0,
      );
    return [...carried, ...(outputs[0] ?? []).map(stack)];
  }

  return {
    scan(xs, { carries, sequences, reverse, body }) {
      const start = xs.slice(0, carries);
      const stacked = xs.slice(carries, carries + sequences);
      const steps = dim(stacked[0]?.shape ?? [], 0);
      const slices = stacked.map(
        ({ dtype, shape }): NodeResult => ({ dtype, shape: shape.slice(1) }),
      );
      if (!p.target.has.scan) {
        const rest = xs.slice(carries + sequences);
        return unrolled(start, stacked, steps, reverse, (...values) =>
          body(...values, ...rest),
        ) as never;
      }
      const { source } = p.graph;
      // Everything else is read from the graph around the body.
      const loop = p.graph.body([...start, ...slices], (inner) =>
        body(...inner, ...xs.slice(carries + sequences)),
      );
      p.graph.source = source;
      const results = loop.outputs.map(
        ({ dtype, shape }, i): NodeResult => ({
          dtype,
          shape: i < carries ? shape : [steps, ...shape],
        }),
      );
      const direction = reverse ? 1 : 0;
      const attributes = {
        body: { graph: loop },
        num_scan_inputs: sequences,
        scan_input_directions: stacked.map(() => direction),
        scan_output_directions: results.slice(carries).map(() => direction),
      };
      const outputs = p.graph.node("Scan", [...start, ...stacked], attributes, results);
      return outputs as never;
    },
  };
}
