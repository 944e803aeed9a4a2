/**
 * @file Loops over the steps of sequences: one body for any number of steps, as a frame of the graph (see
 * graph.ts). What the steps put out is gathered in a list of tensors.
 */
import type { Ops } from "../../../ops.js";
import { dim } from "../../geometry.js";
import type { Handle } from "../graph.js";
import type { Primitives } from "../primitives.js";
import { gatherRows } from "./movement.js";

/** A value that changes from step to step. */
interface Cell {
  /** Node that joins the first value and that of the step before. */
  readonly merge: string;
  readonly entered: string;
  /** The value of this step. */
  readonly now: Handle;
  /** The value after the last step, still inside. */
  readonly last: Handle;
}

export function recurrenceOps(p: Primitives): Pick<Ops<Handle>, "scan"> {
  const { graph } = p;
  const effect = (op: string, inputs: readonly Handle[], attributes = {}, count = 1) => {
    const [first] = inputs as [Handle];
    const { dtype, shape } = first;
    const results = new Array(count).fill({ dtype, shape });
    return graph.effect(op, inputs, { T: { type: dtype }, ...attributes }, results, []);
  };
  function merged(first: Handle): { entered: Handle; merge: Handle } {
    const entered = graph.enter(first);
    const merge = effect("Merge", [entered, entered], { N: { int: 2 } }).results[0] as Handle;
    return { entered, merge };
  }
  function cell({ entered, merge }: ReturnType<typeof merged>, condition: Handle): Cell {
    const [last, now] = effect("Switch", [merge, condition], {}, 2).results as [Handle, Handle];
    return { merge: merge.ref, entered: entered.ref, now, last };
  }
  function advance({ merge, entered }: Cell, next: Handle): void {
    const again = effect("NextIteration", [graph.inside(next)]).results[0] as Handle;
    graph.patch(merge, [entered, again.ref]);
  }
  function left({ last }: Cell): Handle {
    const exit = effect("Exit", [last]).results[0] as Handle;
    graph.leave(exit);
    return exit;
  }
  const list = (shape: readonly number[], steps: number, dtype: Handle["dtype"]): Handle =>
    // Its own for every output: steps write into it.
    graph.effect(
      "TensorListReserve",
      [p.ints(shape), p.scalar(steps, "i32")],
      { element_dtype: { type: dtype }, shape_type: { type: "i32" } },
      [{ dtype: "variant", shape: [] }],
      [],
    ).results[0] as Handle;

  return {
    scan(xs, { carries, sequences, reverse, body }) {
      const start = xs.slice(0, carries);
      const stacked = xs.slice(carries, carries + sequences);
      const steps = dim(stacked[0]?.shape ?? [], 0);
      const source = graph.source;
      const { after, lists } = graph.frame(() => {
        const counter = merged(p.scalar(0, "i32"));
        const joined = start.map(merged);
        const more = p.compare("Less", counter.merge, p.scalar(steps, "i32"));
        const condition = graph.effect("LoopCond", [more], {}, [{ dtype: "bool", shape: [] }], [])
          .results[0] as Handle;
        const counted = cell(counter, condition);
        const cells = joined.map((one) => cell(one, condition));
        const time = reverse ? p.sub(p.scalar(steps - 1, "i32"), counted.now) : counted.now;
        const slices = stacked.map((x) => gatherRows(p, x, time, 0));
        const results = body(
          ...cells.map(({ now }) => now),
          ...slices,
          ...xs.slice(carries + sequences),
        );
        graph.source = source;
        cells.forEach((one, i) => {
          advance(one, results[i] as Handle);
        });
        const lists = results.slice(carries).map((item) => {
          const { shape, dtype } = item;
          const gathered = cell(merged(list(shape, steps, dtype)), condition);
          const set = graph.effect(
            "TensorListSetItem",
            [gathered.now, time, item],
            { element_dtype: { type: dtype } },
            [{ dtype: "variant", shape: [] }],
            [],
          );
          advance(gathered, set.results[0] as Handle);
          return { full: left(gathered), shape, dtype };
        });
        advance(counted, p.add(counted.now, p.scalar(1, "i32")));
        return { after: cells.map(left), lists };
      });
      const outputs = lists.map(({ full, shape, dtype }) =>
        p.node(
          "TensorListStack",
          [full, p.ints(shape)],
          [steps, ...shape],
          { element_dtype: { type: dtype }, num_elements: { int: steps } },
          dtype,
        ),
      );
      return [...after, ...outputs] as never;
    },
  };
}
