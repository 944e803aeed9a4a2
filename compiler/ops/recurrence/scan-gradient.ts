/**
 * @file The gradient of scan: another scan, in the opposite direction, whose body is the gradient of
 * the body (backpropagation through time, Werbos 1990), derived at compile time.
 *
 * What the reversed body needs of each forward step — the carries before it, and the results of products
 * and convolutions — is put out by the forward scan: one with more outputs is built here, and the pass
 * merge-scans makes the two one. Everything else is computed again.
 *
 * Gradients of values that every step reads (weights) are sums over the steps. A product `aᵀ·b` summed
 * over the steps is one product of the stacked a and b, which is much faster than one per step
 * (totals.ts); what is not of that kind adds up in a carry.
 */
import type { GraphBuilder } from "../../ir/builder.js";
import { type Copies, copyNodes, copyOf, inline, needed, parameterNodes } from "../../ir/inline.js";
import {
  type Graph,
  type Node,
  type Parameter,
  type TensorType,
  typeOf,
  type Value,
} from "../../ir/types.js";
import type { AttrsOf, BackwardContext } from "../define-op.js";
import { sumOverSteps } from "./totals.js";

type Context = BackwardContext<AttrsOf<"scan">>;

/** Ops whose results are kept rather than computed again. */
const kept: ReadonlySet<string> = new Set(["matmul", "conv2d", "conv2dInputGrad", "scan"]);

const isFloat = ({ dtype }: TensorType): boolean => dtype === "f32";

/** A tensor outside of the reversed scan, and the node that stands for it (or a slice) in a step. */
interface Fed {
  readonly node: Node;
  readonly output: number;
  readonly outside: Value;
}

/** The gradient of one step, with all of the forward step computed again. */
interface StepGradient {
  /** Parameters: gradients of the carries after the step and of its outputs. */
  readonly arriving: readonly Value[];
  /** The forward body's parameters. */
  readonly parameters: readonly Value[];
  /** Of each of these, its gradient, or null. */
  readonly gradients: readonly (Value | null)[];
  /** The forward body's nodes in here. */
  readonly copies: Copies;
}

/** Positions of the results whose gradients arrive: carries that are numbers, and outputs in use. */
function arrivingAt({ attrs, grads, outputs }: Context): readonly number[] {
  return grads.flatMap((grad, i) =>
    i < attrs.carries
      ? isFloat(typeOf(outputs[i] as Value))
        ? [i]
        : []
      : grad === null
        ? []
        : [i],
  );
}

function differentiateStep(context: Context, arriving: readonly number[]): StepGradient {
  const { b, attrs, pullback } = context;
  const { body } = attrs;
  const results = body.outputs.map(({ value }) => value);
  const parameters: Parameter[] = [
    ...arriving.map((i) => ({ name: `d_${i}`, type: typeOf(results[i] as Value) })),
    ...(body.parameters ?? []),
  ];
  return b.trace(parameters, (...values) => {
    const own = values.slice(arriving.length);
    const copies = inline(b, body, own);
    const seeds = arriving.map((i, k): [Value, Value] => [
      copyOf(copies, results[i] as Value),
      values[k] as Value,
    ]);
    const numbers = own.filter((value) => isFloat(typeOf(value)));
    const found = pullback(seeds, numbers);
    const gradients = own.map((value) => found[numbers.indexOf(value)] ?? null);
    const step = { arriving: values.slice(0, arriving.length), parameters: own, gradients, copies };
    return { results: gradients.filter((value) => value !== null), kept: step };
  }).kept;
}

/** The forward body's nodes to keep, and how the step's gradient calls them. */
function nodesToKeep(
  { attrs }: Context,
  step: StepGradient,
  roots: readonly Value[],
): readonly { readonly original: Value; readonly inStep: Value }[] {
  const candidates = new Map<Node, Value>();
  const forward = needed(
    attrs.body.outputs.map(({ value }) => value),
    new Map(),
  );
  for (const node of forward) {
    if (!kept.has(node.kind)) continue;
    node.types.forEach((_, output) => {
      const copy = copyOf(step.copies, { node, output });
      if (copy.output === output) candidates.set(copy.node, { node, output });
    });
  }
  const used = new Map<string, { original: Value; inStep: Value }>();
  const seen = new Set<Node>();
  const visit = (value: Value): void => {
    const original = candidates.get(value.node);
    if (original !== undefined) {
      const key = `${value.node.id}.${value.output}`;
      used.set(key, { original: { node: original.node, output: value.output }, inStep: value });
      return;
    }
    if (seen.has(value.node)) return;
    seen.add(value.node);
    for (const input of value.node.inputs) visit(input);
  };
  for (const root of roots) visit(root);
  return [...used.values()];
}

/** The forward scan with more outputs, and those: stacked values of its body. */
function keeping(
  { b, inputs, attrs }: Context,
  origin: Value["node"]["origin"],
  values: readonly Value[],
): readonly Value[] {
  const outputs = [...attrs.body.outputs];
  const positions = values.map((value) => {
    const known = outputs.findIndex(
      (output, i) =>
        i >= attrs.carries &&
        output.value.node === value.node &&
        output.value.output === value.output,
    );
    if (known >= 0) return known;
    outputs.push({ name: `kept${outputs.length}`, role: "output", value });
    return outputs.length - 1;
  });
  const body: Graph = { ...attrs.body, outputs };
  const before = b.origin;
  b.origin = origin;
  const results = b.apply("scan", [...inputs], { ...attrs, body });
  b.origin = before;
  return positions.map((position) => results[position] as Value);
}

const isSame = (a: Value, b: Value): boolean => a.node === b.node && a.output === b.output;
const has = (list: readonly Value[], value: Value): boolean =>
  list.some((known) => isSame(known, value));

const zeros = (b: GraphBuilder, { dtype, shape }: TensorType): Value =>
  b.constant({ dtype, shape, value: 0 });

export function scanGradient(context: Context): readonly (Value | null)[] {
  const { b, inputs, attrs, grads, outputs } = context;
  const { carries, sequences, reverse, body } = attrs;
  const arriving = arrivingAt(context);
  const step = differentiateStep(context, arriving);
  const isSequence = (i: number): boolean => i >= carries && i < carries + sequences;

  const roots = step.gradients.filter((value) => value !== null);
  const keep = nodesToKeep(context, step, roots);
  const cut = new Set(keep.map(({ inStep }) => inStep.node));
  const reached = needed(roots, new Map([...cut].map((node) => [node, true])));
  const isUsed = (value: Value): boolean => reached.has(value.node);

  // Carries as they were before each step, and what was computed then.
  const own = parameterNodes(body);
  const usedCarries = step.parameters.slice(0, carries).filter(isUsed);
  const stacked = keeping(context, (outputs[0] as Value).node.origin, [
    ...usedCarries.map((value) => ({
      node: own.get(String(value.node.attrs.name)) as Node,
      output: 0,
    })),
    ...keep.map(({ original }) => original),
  ]);

  const carryGrads = arriving.filter((i) => i < carries);
  const grown: Fed[] = [
    ...arriving.flatMap((i, k) =>
      i < carries ? [] : [{ ...(step.arriving[k] as Value), outside: grads[i] as Value }],
    ),
    ...[...usedCarries, ...keep.map(({ inStep }) => inStep)].map((value, k) => ({
      ...value,
      outside: stacked[k] as Value,
    })),
    ...step.parameters.flatMap((value, i) =>
      isSequence(i) && isUsed(value) ? [{ ...value, outside: inputs[i] as Value }] : [],
    ),
  ];
  // A scan has at least one sequence, even if the gradient looks at none.
  if (grown.length === 0) {
    grown.push({ ...(step.parameters[carries] as Value), outside: inputs[carries] as Value });
  }
  const given: Fed[] = step.parameters.flatMap((value, i) =>
    i >= carries + sequences && isUsed(value) ? [{ ...value, outside: inputs[i] as Value }] : [],
  );

  const slices = step.gradients.flatMap((value, i) =>
    isSequence(i) && value !== null ? [{ i, value }] : [],
  );

  // Sums over the steps: by one op outside, else by adding up in a carry.
  const isGrown = (value: Value): Value | null =>
    grown.find(({ node, output }) => node === value.node && output === value.output)?.outside ??
    null;
  const constantThroughout = new Set(given.map(({ node }) => node));
  const requested: Value[] = [];
  const sums = step.gradients.map((value, i) => {
    if (value === null || i < carries + sequences) return null;
    const sum = sumOverSteps(value, constantThroughout);
    for (const part of sum?.stacked ?? []) {
      if (isGrown(part) === null && !has(requested, part)) requested.push(part);
    }
    return sum;
  });
  const adding = step.gradients.flatMap((value, i) =>
    i >= carries + sequences && value !== null && sums[i] === null ? [{ i, value }] : [],
  );
  const outcomes = [...slices.map(({ value }) => value)];
  for (const value of requested) if (!has(outcomes, value)) outcomes.push(value);

  const starts = [
    ...carryGrads.map((i) => grads[i] ?? zeros(b, typeOf(outputs[i] as Value))),
    ...adding.map(({ value }) => zeros(b, typeOf(value))),
  ];
  const parametersOf = (values: readonly Value[], word: string): Parameter[] =>
    values.map((value, i) => ({ name: `${word}${i}`, type: typeOf(value) }));
  const carried = carryGrads.map((i) => step.arriving[arriving.indexOf(i)] as Value);
  const parameters = [
    ...carryGrads.map((i, k) => ({ name: `d_carry${i}`, type: typeOf(carried[k] as Value) })),
    ...parametersOf(
      adding.map(({ value }) => value),
      "total",
    ),
    ...parametersOf(grown, "slice"),
    ...parametersOf(given, "given"),
  ];
  const reversed = b.trace(parameters, (...values) => {
    const totals = values.slice(carried.length, starts.length);
    const rest = values.slice(starts.length);
    const known = new Map<Node, Value[]>();
    const stand = ({ node, output }: Value, value: Value): void => {
      const list = known.get(node) ?? [];
      list[output] = value;
      known.set(node, list);
    };
    for (const [k, value] of carried.entries()) stand(value, values[k] as Value);
    for (const [k, fed] of [...grown, ...given].entries()) stand(fed, rest[k] as Value);
    const wanted = [...roots, ...requested].filter(({ node }) => !known.has(node));
    const copies = copyNodes(b, wanted, known);
    const results = [
      ...carryGrads.map((i) => {
        const gradient = step.gradients[i] ?? null;
        return gradient === null ? zeros(b, typeOf(outputs[i] as Value)) : copyOf(copies, gradient);
      }),
      ...adding.map(({ value }, k) => b.add(totals[k] as Value, copyOf(copies, value))),
      ...outcomes.map((value) => copyOf(copies, value)),
    ];
    return { results, kept: null };
  });
  if (reversed.body.outputs.length === 0) return inputs.map(() => null);
  const results = b.apply(
    "scan",
    [
      ...starts,
      ...grown.map(({ outside }) => outside),
      ...given.map(({ outside }) => outside),
      ...reversed.closure,
    ],
    {
      carries: starts.length,
      sequences: grown.length,
      reverse: !reverse,
      body: reversed.body,
    },
  );

  const stackedOf = (value: Value): Value => {
    const at = outcomes.findIndex((known) => isSame(known, value));
    return isGrown(value) ?? (results[starts.length + at] as Value);
  };
  return inputs.map((_, i) => {
    if (i < carries) return (results[carryGrads.indexOf(i)] as Value | undefined) ?? null;
    if (isSequence(i)) {
      const at = slices.findIndex((slice) => slice.i === i);
      return at < 0 ? null : (results[starts.length + at] as Value);
    }
    const sum = sums[i] ?? null;
    if (sum !== null) return sum.build(b, stackedOf);
    const at = adding.findIndex((total) => total.i === i);
    return at < 0 ? null : (results[carryGrads.length + at] as Value);
  });
}
