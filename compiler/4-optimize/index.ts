/** @file The optimiser: its passes in order, and the runner that verifies the graph after each. */
import type { LoweredModel } from "../2-lower/lowered-model.js";
import { createBuilder } from "../ir/builder.js";
import { bodiesOf, nodesOf } from "../ir/traverse.js";
import { type Graph, isGraph, typeOf } from "../ir/types.js";
import { verifyGraph } from "../ir/verify.js";
import { cancelMovement } from "./cancel-movement.js";
import { convertLayout } from "./convert-layout.js";
import { cropUnused } from "./crop-unused.js";
import type { Pass, PassContext, PassResult } from "./define-pass.js";
import { foldBatchNorm } from "./fold-batch-norm.js";
import { foldConstants } from "./fold-constants.js";
import { fuseLinear } from "./fuse-linear.js";
import { legalize } from "./legalize.js";
import { mergeDuplicates } from "./merge-duplicates.js";
import { mixedPrecision, sinkCasts } from "./mixed-precision.js";
import { orderProgram } from "./order-nodes.js";
import { rebuild } from "./rebuild.js";
import { removeIdentities } from "./remove-identities.js";
import { mergeScans, pruneScans } from "./shape-scans.js";
import { simplifyAlgebra } from "./simplify-algebra.js";
import { simplifyGradients } from "./simplify-gradients.js";
import { sinkReshapes } from "./sink-reshapes.js";

export type { Pass, PassContext, PassResult, Rule } from "./define-pass.js";
export { orderNodes } from "./order-nodes.js";
export { type LifetimePlan, planLifetimes } from "./plan-lifetimes.js";

/** Told about every pass that ran: its result, its time in ms, and what it did how often. */
export type OnPass = (
  name: string,
  graph: Graph,
  ms: number,
  counts: Readonly<Record<string, number>>,
) => void;

export interface OptimizeOptions extends PassContext {
  readonly onPass?: OnPass;
}

/** What earlier passes leave behind; none of these makes an op that a target might lack. */
const tidy: readonly Pass[] = [foldConstants, removeIdentities, cancelMovement];

/** Before differentiation: only what keeps the meaning of gradients. */
const forwardPasses: readonly Pass[] = [cropUnused];

const passes: Readonly<Record<PassContext["mode"], readonly Pass[]>> = {
  training: [
    mergeDuplicates,
    mergeScans,
    pruneScans,
    ...tidy,
    simplifyAlgebra,
    simplifyGradients,
    sinkReshapes,
    ...tidy,
    simplifyAlgebra,
    fuseLinear,
    convertLayout,
    ...tidy,
    legalize,
    ...tidy,
    mixedPrecision,
    sinkCasts,
    mergeDuplicates,
    orderProgram,
  ],
  inference: [
    mergeDuplicates,
    pruneScans,
    ...tidy,
    simplifyAlgebra,
    sinkReshapes,
    cropUnused,
    // A bias between a convolution and a batch norm must be inside the convolution first.
    fuseLinear,
    foldBatchNorm,
    ...tidy,
    fuseLinear,
    convertLayout,
    ...tidy,
    legalize,
    ...tidy,
    mergeDuplicates,
    orderProgram,
  ],
};

/** Every pass once, for the reference and for `--print-after`. */
export const allPasses: readonly Pass[] = [
  ...new Set([...forwardPasses, ...passes.training, ...passes.inference]),
];

/** Runs a pass on a graph and on the bodies of its loops. */
function runDeep(pass: Pass, graph: Graph, context: PassContext): PassResult {
  const { graph: result, counts } = pass.run(graph, context);
  const total: Record<string, number> = { ...counts };
  const hasBodies = nodesOf(result).some((node) => bodiesOf(node).length > 0);
  if (!hasBodies) return { graph: result, counts };
  const deep = rebuild(result, ({ b, node, inputs }) => {
    const bodies = Object.entries(node.attrs).flatMap(([key, value]) => {
      if (!isGraph(value)) return [];
      const { parameters = [] } = value;
      const inner = runDeep(pass, value, context);
      for (const [name, count] of Object.entries(inner.counts)) {
        total[name] = (total[name] ?? 0) + count;
      }
      return [[key, { ...inner.graph, parameters }] as const];
    });
    if (bodies.length === 0 || node.kind === "input" || node.kind === "state") return null;
    const attrs = { ...node.attrs, ...Object.fromEntries(bodies) };
    return b.apply(node.kind, inputs, attrs, node.optional);
  });
  return { graph: deep, counts: total };
}

function run(graph: Graph, list: readonly Pass[], context: PassContext, onPass?: OnPass): Graph {
  let current = graph;
  verifyGraph(current, "everything before optimisation");
  for (const pass of list) {
    const start = performance.now();
    const result = runDeep(pass, current, context);
    current = result.graph;
    verifyGraph(current, pass.name);
    onPass?.(pass.name, current, performance.now() - start, result.counts);
  }
  return current;
}

/**
 * A graph with the same inputs, state, results and numbers (up to rounding), but less work. Nodes
 * come in the order in which the program reads naturally. Throws `Bug` if a pass breaks the graph.
 */
export function optimize(graph: Graph, options: OptimizeOptions): Graph {
  return run(graph, passes[options.mode], options, options.onPass);
}

/**
 * Prepares a lowered model for differentiation: its training graph comes back smaller, in a new
 * builder, and the weights are that graph's. Inputs and state keep their names and types.
 */
export function optimizeForward(lowered: LoweredModel, onPass?: OnPass): LoweredModel {
  if (lowered.training === null) return lowered;
  const context: PassContext = { mode: "training", layout: "NHWC", lacking: [] };
  const smaller = run(lowered.training, forwardPasses, context, onPass);
  const builder = createBuilder();
  const training = rebuild(smaller, undefined, { into: builder });
  const weights = lowered.weights.map((weight) => {
    // Equal nodes are made once: this finds the graph's own node.
    const { dtype, shape } = typeOf(weight.value);
    builder.origin = weight.value.node.origin;
    return { ...weight, value: builder.state(weight.name, dtype, shape) };
  });
  return { ...lowered, training, weights, builder };
}
