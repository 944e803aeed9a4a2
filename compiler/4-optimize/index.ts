/** @file The optimiser: its passes in order, and the runner that verifies the graph after each. */
import type { Graph } from "../ir/types.js";
import { verifyGraph } from "../ir/verify.js";
import { cancelMovement } from "./cancel-movement.js";
import { convertLayout } from "./convert-layout.js";
import { cropUnused } from "./crop-unused.js";
import type { Pass, PassContext } from "./define-pass.js";
import { foldBatchNorm } from "./fold-batch-norm.js";
import { foldConstants } from "./fold-constants.js";
import { fuseLinear } from "./fuse-linear.js";
import { legalize } from "./legalize.js";
import { mergeDuplicates } from "./merge-duplicates.js";
import { orderProgram } from "./order-nodes.js";
import { removeIdentities } from "./remove-identities.js";
import { simplifyAlgebra } from "./simplify-algebra.js";
import { simplifyGradients } from "./simplify-gradients.js";

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
    ...tidy,
    simplifyAlgebra,
    simplifyGradients,
    ...tidy,
    simplifyAlgebra,
    fuseLinear,
    convertLayout,
    ...tidy,
    legalize,
    ...tidy,
    mergeDuplicates,
    orderProgram,
  ],
  inference: [
    mergeDuplicates,
    ...tidy,
    simplifyAlgebra,
    cropUnused,
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

function run(graph: Graph, list: readonly Pass[], context: PassContext, onPass?: OnPass): Graph {
  let current = graph;
  verifyGraph(current, "everything before optimisation");
  for (const pass of list) {
    const start = performance.now();
    const result = pass.run(current, context);
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
 * Prepares a channels-last forward graph for differentiation. Inputs and state keep their names and
 * types, but all nodes are new: find a weight by its name (`findState`), not by its old value.
 */
export function optimizeForward(graph: Graph, onPass?: OnPass): Graph {
  const context: PassContext = { mode: "training", layout: "NHWC", lacking: [] };
  return run(graph, forwardPasses, context, onPass);
}
