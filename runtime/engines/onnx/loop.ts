/**
 * @file Several training steps as one model: the recorded program becomes the body of an ONNX Loop. The state
 * that it updates is carried from step to step, each step's inputs and scalars are cut out of stacked ones
 * by the step's number, and its outputs are stacked again.
 * https://onnx.ai/onnx/operators/onnx__Loop.html
 */
import { readBy } from "./graph.js";
import { encodeModel, type GraphNode, type GraphTensor, type GraphValue } from "./model-proto.js";
import type { Feed, Recording } from "./record.js";

/** What the model takes or gives: `shape` is that of one step. */
export type LoopFeed = Feed;

export interface LoopRecording {
  readonly model: Uint8Array;
  /** The input with the number of steps, i64. */
  readonly count: string;
  /** Inputs of all steps, `[steps, …]`. */
  readonly inputs: readonly LoopFeed[];
  /** Scalars of all steps, `[steps]`. */
  readonly scalars: readonly LoopFeed[];
  /** State as it is before the first step. */
  readonly reads: readonly LoopFeed[];
  /** Outputs of all steps, `[steps, …]`. */
  readonly outputs: readonly LoopFeed[];
  /** State as it is after the last step. */
  readonly updates: readonly LoopFeed[];
}

/** Names of the loop's own tensors; those of recordings begin otherwise. */
const own = (name: string): string => `loop:${name}`;
const count = own("count");
const iteration = own("iteration");
const goesOn = own("goes-on");
const stillGoesOn = own("still-goes-on");

const plain = (
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: GraphNode["attributes"] = {},
): GraphNode => ({ name: `|loop#${outputs[0]}`, op, domain: "", inputs, outputs, attributes });

const tensorOf = ({ tensor: name, dtype, shape }: Feed): GraphTensor => ({ name, dtype, shape });
/** The number of steps is open: one model serves any. */
const stacked = ({ tensor: name, dtype, shape }: Feed): GraphValue => ({
  name,
  dtype,
  shape: ["steps", ...shape],
});
const renamed = (feed: Feed, tensor: string): Feed => ({ ...feed, tensor });

/**
 * Makes a loop of what was recorded for one step. The body is the whole step with its constants: ONNX Runtime
 * folds and fuses there what it does in the model of one step, so that all numbers are the same.
 */
export function loopOf({
  graph,
  inputs,
  scalars,
  reads,
  outputs,
  updates,
  ...step
}: Recording): LoopRecording {
  if (step.trace.length > 0) throw new Error("a trace is of one step");
  const { nodes, constants } = graph.model(
    [...outputs, ...updates].map(({ tensor }) => graph.handle(tensor)),
  );
  const updated = new Set(updates.map(({ name }) => name));
  const read = new Map(reads.map((feed) => [feed.name, feed]));
  /** In a step, by the recorded names; a tensor that is only written has none and gets one. */
  const carried = updates.map(
    (update) => read.get(update.name) ?? renamed(update, own(`unread:${update.name}`)),
  );
  const cut = [...inputs, ...scalars];
  const used = new Set(nodes.flatMap(readBy));
  const cuts = cut
    .filter(({ tensor }) => used.has(tensor))
    .map(({ tensor }) => plain("Gather", [own(tensor), iteration], [tensor], { axis: 0 }));
  const starts = carried.map((feed) => renamed(feed, own(feed.tensor)));
  const ends = updates.map((feed) => renamed(feed, own(`end:${feed.tensor}`)));
  const results = outputs.map((feed) => renamed(feed, own(feed.tensor)));
  const flag = { dtype: "bool", shape: [] } as const;
  const index = { dtype: "i64", shape: [] } as const;
  const body = {
    nodes: [plain("Identity", [goesOn], [stillGoesOn]), ...cuts, ...nodes],
    constants,
    inputs: [{ name: iteration, ...index }, { name: goesOn, ...flag }, ...carried.map(tensorOf)],
    outputs: [{ name: stillGoesOn, ...flag }, ...[...updates, ...outputs].map(tensorOf)],
  };
  const loop = plain(
    "Loop",
    [count, "", ...starts.map(({ tensor }) => tensor)],
    [...ends, ...results].map(({ tensor }) => tensor),
    { body: { graph: body } },
  );
  const constantReads = reads.filter(({ name }) => !updated.has(name));
  const stacks = (feeds: readonly Feed[]): readonly Feed[] =>
    feeds.map((feed) => renamed(feed, own(feed.tensor)));
  const model = encodeModel({
    nodes: [loop],
    constants: [],
    inputs: [
      { name: count, ...index },
      ...stacks(cut).map(stacked),
      ...[...starts, ...constantReads].map(tensorOf),
    ],
    outputs: [...ends.map(tensorOf), ...results.map(stacked)],
  });
  return {
    model,
    count,
    inputs: stacks(inputs),
    scalars: stacks(scalars),
    reads: [...starts, ...constantReads],
    outputs: results,
    updates: ends,
  };
}
