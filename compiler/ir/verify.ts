/**
 * @file Checks that a graph is what the IR promises. Runs after every pass: whoever breaks a graph is
 * found at once, rather than by the numbers that come out.
 */
import { isHalf } from "@dlc/runtime";
import type { AnyOpDef, Inputs } from "../ops/define-op.js";
import { ops } from "../ops/index.js";
import { Bug, bug } from "./bug.js";
import { formatType, sameType } from "./text.js";
import { type Graph, isGraph, type Node, type TensorType, typeOf } from "./types.js";

/** Every node that the outputs reach, inputs first; a cycle is a bug. */
function visitAll(graph: Graph): readonly Node[] {
  const state = new Map<Node, "open" | "done">();
  const order: Node[] = [];
  const stack: Node[] = graph.outputs.map((output) => output.value.node).reverse();
  while (stack.length > 0) {
    const node = stack.at(-1) as Node;
    const unseen = state.get(node) === undefined;
    if (unseen) state.set(node, "open");
    const waiting = unseen ? node.inputs.map((input) => input.node) : [];
    for (const input of waiting) {
      if (state.get(input) === "open") bug("takes part in a cycle", input);
      if (state.get(input) === undefined) stack.push(input);
    }
    if (unseen && waiting.some((input) => state.get(input) === undefined)) continue;
    stack.pop();
    if (state.get(node) === "open") order.push(node);
    state.set(node, "done");
  }
  return order;
}

function checkOp(node: Node, definition: AnyOpDef): void {
  const required = node.inputs.length - node.optional.length;
  const wanted = definition.variadic ? Math.max(required, 1) : definition.inputs.length;
  if (required !== wanted) bug(`has ${required} required inputs instead of ${wanted}`, node);
  const known = definition.optional ?? [];
  for (const name of node.optional) {
    if (!known.includes(name)) bug(`has no optional input '${name}'`, node);
  }
  for (const value of Object.values(node.attrs)) if (isGraph(value)) checkBody(value, node);
  const inOrder = known.filter((name) => node.optional.includes(name));
  if (inOrder.join() !== node.optional.join()) bug("has optional inputs out of order", node);
  const inputs = node.inputs.map(typeOf) as unknown as Inputs<TensorType>;
  const types = inferTypes(node, () => definition.infer(inputs, node.attrs, node.optional));
  const agree = types.length === node.types.length;
  const wrong = types.findIndex((type, i) => {
    const found = node.types[i];
    return found === undefined || !sameType(type, found);
  });
  if (!agree || wrong >= 0) {
    const inferred = types.map(formatType).join(", ");
    bug(`is said to give ${node.types.map(formatType).join(", ")} but gives ${inferred}`, node);
  }
}

/** A body is a sound graph that reads nothing but its parameters. */
function checkBody(body: Graph, node: Node): void {
  const parameters = body.parameters ?? bug("has a body without parameters", node);
  const types = new Map(parameters.map(({ name, type }) => [name, type]));
  if (types.size < parameters.length) bug("has a body with two parameters of one name", node);
  verifyGraph(body);
  for (const source of visitAll(body)) {
    if (source.kind === "state") bug(`has a body that reads state`, source);
    if (source.kind !== "input") continue;
    const type = types.get(String(source.attrs.name));
    if (type === undefined) bug("is no parameter of the body it is in", source);
    if (!sameType(type, typeOf({ node: source, output: 0 })))
      bug("differs from its parameter", source);
  }
}

function inferTypes(node: Node, infer: () => readonly TensorType[]): readonly TensorType[] {
  try {
    return infer();
  } catch (error) {
    return bug(`does not fit its inputs: ${error instanceof Error ? error.message : error}`, node);
  }
}

function checkSources(nodes: readonly Node[]): ReadonlyMap<string, Node> {
  const names = new Map<string, Node>();
  for (const node of nodes) {
    const { name, role } = node.attrs;
    if (typeof name !== "string") return bug("has no name", node);
    if (node.inputs.length > 0) bug("is fed from outside but has inputs", node);
    if (node.kind === "input" && role !== "batch" && role !== "scalar") bug("has no role", node);
    if (node.types.length !== 1) bug("must have one type", node);
    if (names.has(name)) bug(`shares its name with another input or state`, node);
    if (isHalf(typeOf({ node, output: 0 }).dtype)) bug("comes from outside as a half", node);
    names.set(name, node);
  }
  return names;
}

function checkOutputs(graph: Graph, sources: ReadonlyMap<string, Node>): void {
  const seen = new Set<string>();
  for (const { name, role, value } of graph.outputs) {
    const key = `${role} ${name}`;
    if (seen.has(key)) bug(`two results of '${graph.name}' are called '${name}'`);
    seen.add(key);
    if (isHalf(typeOf(value).dtype)) bug(`is a result ('${name}') that is a half`, value.node);
    const state = sources.get(name);
    if (role !== "state" || state?.kind !== "state") continue;
    const [wanted, found] = [typeOf({ node: state, output: 0 }), typeOf(value)];
    if (!sameType(wanted, found)) {
      bug(
        `replaces the state '${name}' (${formatType(wanted)}) by ${formatType(found)}`,
        value.node,
      );
    }
  }
}

/**
 * Throws `Bug`, naming the node, unless every node's types follow from its inputs, inputs and
 * optional inputs are as the op wants them, numbers ascend along edges and are unique (no mixing of
 * builders), names of inputs and results are unique and state results keep their type.
 * `stage` says in the message what ran last.
 */
export function verifyGraph(graph: Graph, stage?: string): void {
  try {
    const nodes = visitAll(graph);
    const ids = new Set<number>();
    for (const node of nodes) {
      if (ids.has(node.id)) bug("has the number of another node (two builders mixed?)", node);
      ids.add(node.id);
      for (const input of node.inputs) {
        if (input.node.id >= node.id) bug("was made before its input", node);
        if (input.node.types[input.output] === undefined) {
          bug(`uses result ${input.output} of ${input.node.kind}, which has none such`, node);
        }
      }
      const definition = (ops as Readonly<Record<string, AnyOpDef | undefined>>)[node.kind];
      if (definition !== undefined) checkOp(node, definition);
      else if (node.kind !== "input" && node.kind !== "state") bug("is not an op", node);
    }
    checkOutputs(
      graph,
      checkSources(nodes.filter((n) => n.kind === "input" || n.kind === "state")),
    );
  } catch (error) {
    if (!(error instanceof Bug) || stage === undefined) throw error;
    throw new Bug(`after ${stage}: ${error.message}`);
  }
}
