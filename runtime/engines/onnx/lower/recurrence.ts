/** @file Loops over the steps of sequences. */
import type { Ops } from "../../../ops.js";
import type { Handle, NodeResult } from "../graph.js";
import { dim, type Primitives } from "../primitives.js";

export function recurrenceOps(p: Primitives): Pick<Ops<Handle>, "scan"> {
  return {
    scan(xs, { carries, sequences, reverse, body }) {
      const start = xs.slice(0, carries);
      const stacked = xs.slice(carries, carries + sequences);
      const steps = dim(stacked[0]?.shape ?? [], 0);
      const slices = stacked.map(
        ({ dtype, shape }): NodeResult => ({ dtype, shape: shape.slice(1) }),
      );
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
