/**
 * @file Interprets graphs by the ops' reference meanings: the oracle that passes, engines and
 * gradients are compared with. Float64 throughout (f32 rounding is not imitated); integers exact.
 */
import type { AnyOpDef, Inputs, ReferenceBody, ReferenceTensor } from "../ops/define-op.js";
import { ops } from "../ops/index.js";
import { count } from "../ops/shared/walk.js";
import { concreteShape, formatShape, sameShape } from "./shape.js";
import { reachable } from "./traverse.js";
import {
  type Attributes,
  type Graph,
  isGraph,
  type Node,
  type Shape,
  type TensorType,
  type Value,
} from "./types.js";

/** Inputs and state tensors by name. */
export type ReferenceValues = Readonly<Record<string, ReferenceTensor>>;

/**
 * Runs a program for one batch size.
 * @returns its outputs by name, and new state tensors as `state:<name>`.
 */
export function evaluateGraph(
  graph: Graph,
  values: ReferenceValues,
  n: number,
): Record<string, ReferenceTensor> {
  const roots = graph.outputs.map((output) => output.value);
  const results = evaluateValues(roots, values, n);
  return Object.fromEntries(
    graph.outputs.map(({ name, role }, i) => [
      role === "state" ? `state:${name}` : name,
      results[i] as ReferenceTensor,
    ]),
  );
}

/** The tensors that graph values stand for. */
export function evaluateValues(
  roots: readonly Value[],
  values: ReferenceValues,
  n: number,
): readonly ReferenceTensor[] {
  const known = new Map<Node, readonly ReferenceTensor[]>();
  const read = ({ node, output }: Value): ReferenceTensor => {
    const tensor = known.get(node)?.[output];
    if (tensor === undefined) throw new Error(`${node.kind} gave no output ${output}`);
    return tensor;
  };
  for (const node of reachable(roots)) {
    const tensors =
      node.kind === "input" || node.kind === "state"
        ? [provided(node, values)]
        : (ops[node.kind] as AnyOpDef).evaluate(
            node.inputs.map(read) as unknown as Inputs<ReferenceTensor>,
            concreteAttributes(ops[node.kind], node.attrs, n),
            node.optional,
          );
    for (const [i, type] of node.types.entries()) checkType(node, tensors[i], type, n);
    known.set(node, tensors);
  }
  return roots.map(read);
}

function provided(node: Node, values: ReferenceValues): ReferenceTensor {
  const name = String(node.attrs.name);
  const tensor = values[name];
  if (tensor === undefined) throw new Error(`no value for the ${node.kind} '${name}'`);
  return tensor;
}

/** A body as a function from tensors to tensors. */
const functionOf =
  ({ parameters = [], outputs }: Graph, n: number): ReferenceBody =>
  (...given) => {
    const values = parameters.map(({ name }, i) => [name, given[i] as ReferenceTensor] as const);
    const roots = outputs.map(({ value }) => value);
    return evaluateValues(roots, Object.fromEntries(values), n);
  };

/** Attributes with the batch size put in for symbolic dimensions, and a body as a function. */
export function concreteAttributes(
  { shapeAttrs = [] }: Pick<AnyOpDef, "shapeAttrs">,
  attrs: Attributes,
  n: number,
): Attributes {
  const shapes = shapeAttrs.map((name) => [name, concreteShape(attrs[name] as Shape, n)] as const);
  const bodies = Object.entries(attrs).flatMap(([name, value]) =>
    isGraph(value) ? [[name, functionOf(value, n)] as const] : [],
  );
  return { ...attrs, ...Object.fromEntries(shapes), ...Object.fromEntries(bodies) };
}

function checkType(
  node: Node,
  tensor: ReferenceTensor | undefined,
  type: TensorType,
  n: number,
): void {
  const shape = concreteShape(type.shape, n);
  const elements = count(shape);
  if (
    tensor !== undefined &&
    tensor.dtype === type.dtype &&
    sameShape(tensor.shape, shape) &&
    tensor.data.length === elements
  ) {
    return;
  }
  const what = tensor && `${tensor.dtype}${formatShape(tensor.shape)} of ${tensor.data.length}`;
  const name = node.attrs.name === undefined ? "" : ` '${node.attrs.name}'`;
  const expected = `${type.dtype}${formatShape(shape)}`;
  throw new Error(`${node.kind}${name} should be ${expected}, but is ${what ?? "missing"}`);
}
