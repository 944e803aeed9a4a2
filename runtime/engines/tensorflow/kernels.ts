/** @file The kernels that a program becomes, by their names. Needs no TensorFlow. */
import type { ToRecord } from "../entry.js";
import { recordProgram } from "./record.js";

/** Operators that only hand values on, make constants, or give tensors another shape or axis order. */
const plumbing: ReadonlySet<string> = new Set([
  "Placeholder",
  "Const",
  "Identity",
  "Reshape",
  "Transpose",
  "NoOp",
  "Assert",
  "IsFinite",
  "ReadVariableOp",
  "AssignVariableOp",
  "Enter",
  "Exit",
]);

export function kernelsOf(device: string, { program, batch, state }: ToRecord): readonly string[] {
  const types = Object.fromEntries(
    Object.entries(state).map(([name, { dtype, shape }], index) => [name, { dtype, shape, index }]),
  );
  const { nodes } = recordProgram(program, batch, types, { prefix: "p", device });
  return nodes.map(({ op }) => op).filter((op) => !plumbing.has(op));
}
