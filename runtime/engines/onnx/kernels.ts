/** @file Which operators of ONNX a program becomes. */
import type { ToRecord } from "../entry.js";
import { loadOrt } from "./ort-node.js";
import { recordProgram } from "./record.js";
import { cpuTarget } from "./target.js";
import { targetFor } from "./targets.js";

/**
 * The operators in order, a loop with its body as one. Identity, which gives a result that is an input or a
 * constant a name of its own, is left out. For the CPU as on a machine without a blocked image layout.
 */
export async function kernelsOf(
  device: string,
  { program, batch, state }: ToRecord,
): Promise<readonly string[]> {
  const target = device === "cpu" ? cpuTarget() : await targetFor(await loadOrt(), device);
  const types = { tensors: state, arenas: [] };
  const { graph, outputs, updates } = recordProgram(program, batch, types, { target });
  const results = [...outputs, ...updates].map(({ tensor }) => graph.handle(tensor));
  return graph
    .model(results)
    .nodes.map(({ op }) => op)
    .filter((op) => op !== "Identity");
}
