/** @file The tensors of recorded programs with their lifetimes. */
import { bytesPerElement, sizeOf } from "../../tensor.js";
import type { PlannedTensor } from "../memory-plan.js";
import { readBy } from "./graph.js";
import type { GraphDType, GraphNode } from "./model-proto.js";
import type { Recording } from "./record.js";

const bytesOf = (dtype: GraphDType, shape: readonly number[]): number =>
  sizeOf(shape) * (dtype === "i64" || dtype === "f64" ? 8 : bytesPerElement[dtype]);

/** Another view of the same memory. */
const isView = ({ op }: GraphNode): boolean => op === "Reshape" || op === "Identity";

/** Inputs and state live as long as the run, constants are not counted, and a loop's body is its node. */
export function plannedTensors({
  graph,
  inputs,
  reads,
  outputs,
  updates,
}: Recording): readonly PlannedTensor[] {
  const results = [...outputs, ...updates].map(({ tensor }) => tensor);
  const { nodes } = graph.model(results.map((name) => graph.handle(name)));
  const owners = new Map<string, string>();
  const owner = (name: string): string => owners.get(name) ?? name;
  const lastUse = new Map<string, number>();
  nodes.forEach((node, at) => {
    const source = node.inputs[0];
    if (isView(node) && source !== undefined) owners.set(node.outputs[0] as string, owner(source));
    for (const name of readBy(node)) lastUse.set(owner(name), at);
  });
  for (const name of results) lastUse.set(owner(name), nodes.length);
  const made = nodes.flatMap((node, at): PlannedTensor[] => {
    if (isView(node)) return [];
    const { scope = "", op = node.op } = graph.sourceOf(node.name) ?? {};
    return node.outputs.map((output) => {
      const { dtype, shape } = graph.handle(output);
      return {
        name: `[${shape.join()}] of ${op}`,
        layer: scope,
        bytes: bytesOf(dtype, shape),
        firstUse: at,
        lastUse: lastUse.get(output) ?? at,
      };
    });
  });
  const given = [
    ...inputs.map((feed) => ({ ...feed, layer: "", what: "the input" })),
    ...reads.map((feed) => ({ ...feed, layer: "", what: "the state" })),
  ].map(({ name, what, layer, dtype, shape }) => ({
    name: `${what} ${name} [${shape.join()}]`,
    layer,
    bytes: bytesOf(dtype, shape),
    firstUse: 0,
    lastUse: nodes.length,
  }));
  return [...given, ...made];
}
