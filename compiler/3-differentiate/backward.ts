/**
 * @file Reverse-mode differentiation ahead of time: nodes for the gradient of a loss, derived from
 * the ops' gradient rules. There is no tape; the forward graph is all it needs.
 */

import { bug } from "../ir/bug.js";
import type { GraphBuilder } from "../ir/builder.js";
import { formatShape, sameShape } from "../ir/shape.js";
import { reachable } from "../ir/traverse.js";
import { type Node, shapeOf, typeOf, type Value } from "../ir/types.js";
import type { AnyOpDef, Gradient, Inputs } from "../ops/define-op.js";
import { ops } from "../ops/index.js";

/** A gradient is needed through an op that has none. `node` knows its place in the spec. */
export class MissingGradient extends Error {
  override readonly name = "MissingGradient";
  readonly node: Node;
  readonly reason: string;
  constructor(node: Node, reason: string) {
    super(`${node.kind} has no gradient: ${reason}`);
    this.node = node;
    this.reason = reason;
  }
}

const isFloat = (value: Value): boolean => typeOf(value).dtype === "f32";

/** The op's rule; null for inputs, state and ops whose derivative is 0 everywhere. */
function ruleOf(node: Node): Gradient<never> | null {
  if (node.kind === "input" || node.kind === "state") return null;
  const { gradient } = ops[node.kind] as AnyOpDef;
  return "none" in gradient && gradient.zero === true ? null : gradient;
}

/** The nodes on the way from `wrt` to the loss: those through which a gradient flows. */
function findActive(nodes: readonly Node[], wrt: ReadonlySet<Node>): ReadonlySet<Node> {
  const active = new Set<Node>();
  for (const node of nodes) {
    const fed = ruleOf(node) !== null && node.inputs.some((x) => isFloat(x) && active.has(x.node));
    if (fed || wrt.has(node)) active.add(node);
  }
  return active;
}

/**
 * Gradients of a loss (f32 scalar) towards each of `wrt`, in their shapes; null where the loss does
 * not depend on one; times `seed` (f32 scalar), where one is given. Nodes it makes carry the origin of the
 * forward node they belong to.
 * @throws MissingGradient where one is needed through an op without.
 */
export function backward(
  b: GraphBuilder,
  loss: Value,
  wrt: readonly Value[],
  seed?: Value,
): readonly (Value | null)[] {
  const { dtype, shape } = typeOf(loss);
  if (dtype !== "f32" || shape.length > 0) {
    bug(`a loss is an f32 scalar, not ${dtype}${formatShape(shape)}`, loss.node);
  }
  if (seed !== undefined) return pullback(b, [[loss, seed]], wrt);
  const origin = b.origin;
  b.origin = { ...loss.node.origin, phase: "backward" };
  const one = b.constant({ dtype: "f32", shape: [], value: 1 });
  b.origin = origin;
  return pullback(b, [[loss, one]], wrt);
}

/**
 * As `backward`, for several values of any shape whose own gradients are given:
 * Σ gradient · ∂value/∂w for each w of `wrt`.
 */
export function pullback(
  b: GraphBuilder,
  seeds: readonly (readonly [value: Value, gradient: Value])[],
  wrt: readonly Value[],
): readonly (Value | null)[] {
  const nodes = reachable(seeds.map(([value]) => value));
  const active = findActive(nodes, new Set(wrt.map((value) => value.node)));
  const flows = (input: Value): boolean => isFloat(input) && active.has(input.node);
  const origin = b.origin;
  /** For every node and output, the contributions from the nodes that use it. */
  const contributions = new Map<Node, Value[][]>();

  function contribute({ node, output }: Value, gradient: Value): void {
    const lists = contributions.get(node) ?? node.types.map(() => []);
    contributions.set(node, lists);
    lists[output]?.push(gradient);
  }
  /** Replaces the contributions of each output by their sum. */
  function settle(node: Node): readonly (Value | null)[] {
    const sums = (contributions.get(node) ?? []).map((list) =>
      list.length === 0 ? [] : [list.reduce((sum, part) => b.add(sum, part))],
    );
    contributions.set(node, sums);
    return sums.map(([sum]) => sum ?? null);
  }

  try {
    for (const [value, gradient] of seeds) contribute(value, gradient);
    for (const node of nodes.toReversed()) {
      if (!active.has(node) || !contributions.has(node)) continue;
      b.origin = { ...node.origin, phase: "backward" };
      const grads = settle(node);
      const rule = ruleOf(node);
      if (rule === null || !node.inputs.some(flows)) continue;
      for (const [i, gradient] of gradientsOf(b, node, rule, grads).entries()) {
        const input = node.inputs[i] as Value;
        if (gradient === null || !flows(input)) continue;
        const [has, needs] = [shapeOf(gradient), shapeOf(input)];
        if (!sameShape(has, needs)) bug(`gradient ${i} is [${has}], not [${needs}]`, node);
        contribute(input, gradient);
      }
    }
  } finally {
    b.origin = origin;
  }
  return wrt.map(({ node, output }) => contributions.get(node)?.[output]?.[0] ?? null);
}

function gradientsOf(
  b: GraphBuilder,
  node: Node,
  rule: Gradient<never>,
  grads: readonly (Value | null)[],
): readonly (Value | null)[] {
  if ("none" in rule) throw new MissingGradient(node, rule.none);
  const first = grads.find((grad) => grad !== null) ?? bug("no gradient arrives", node);
  return rule.backward({
    b,
    inputs: node.inputs as unknown as Inputs<Value>,
    optional: node.optional,
    attrs: node.attrs as never,
    outputs: node.types.map((_, output) => ({ node, output })) as unknown as Inputs<Value>,
    grad: grads[0] ?? first,
    grads,
    pullback: (seeds, wrt) => pullback(b, seeds, wrt),
  });
}

/** Does a gradient flow from the loss to any of `wrt`? Builds nothing. */
export function flowsTo(loss: Value, wrt: readonly Value[]): boolean {
  const active = findActive(reachable([loss]), new Set(wrt.map((value) => value.node)));
  return active.has(loss.node);
}
