/** @file Programs recorded for the tensorflow engine, without TensorFlow; and a reader of what they are saved as. */
import type { ModelDefinition, Program, StateSpec } from "@dlc/runtime";
import type { GraphNode } from "../../runtime/engines/tensorflow/graph-def.js";
import { type Recording, recordProgram } from "../../runtime/engines/tensorflow/record.js";

export function record(
  program: Program,
  batch: number,
  state: Readonly<Record<string, Pick<StateSpec, "dtype" | "shape">>> = {},
  device = "cpu",
): Recording {
  const types = Object.fromEntries(
    Object.entries(state).map(([name, { dtype, shape }], index) => [name, { dtype, shape, index }]),
  );
  return recordProgram(program, batch, types, { prefix: "p", device });
}

export function recordTraining({ programs, state }: ModelDefinition, batch: number): Recording {
  const { train } = programs;
  if (train === undefined) throw new Error("the model does not train");
  return record(train, batch, state);
}

/** How many nodes there are of each operator. */
export function countOps(nodes: readonly Pick<GraphNode, "op">[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { op } of nodes) counts[op] = (counts[op] ?? 0) + 1;
  return counts;
}

type Field = readonly [number: number, value: number | Uint8Array];

/** The fields of a protobuf message: varints, 4 bytes, and what has a length. */
function fieldsOf(bytes: Uint8Array): Field[] {
  let at = 0;
  function varint(): number {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error("the message ends within a number");
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return Number(BigInt.asIntN(64, value));
    }
  }
  function take(length: number): Uint8Array {
    const part = bytes.subarray(at, at + length);
    if (part.length < length) throw new Error("the message ends within a field");
    at += length;
    return part;
  }
  const fields: Field[] = [];
  while (at < bytes.length) {
    const key = varint();
    const type = key & 7;
    if (type !== 0 && type !== 2 && type !== 5) throw new Error(`wire type ${type}`);
    fields.push([key >> 3, type === 0 ? varint() : take(type === 5 ? 4 : varint())]);
  }
  return fields;
}

const parts = (bytes: Uint8Array, wanted: number): Uint8Array[] =>
  fieldsOf(bytes).flatMap(([number, value]) =>
    number === wanted && typeof value !== "number" ? [value] : [],
  );
const texts = (bytes: Uint8Array, wanted: number): string[] =>
  parts(bytes, wanted).map((part) => new TextDecoder().decode(part));

export interface SavedNode {
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly string[];
  readonly device: string;
  readonly attributes: readonly string[];
}

/** Tag and nodes of a `saved_model.pb` (tensorflow/core/protobuf/saved_model.proto and what it includes). */
export function readSavedModel(bytes: Uint8Array): { tag: string; nodes: readonly SavedNode[] } {
  const [meta = new Uint8Array()] = parts(bytes, 2);
  const tag = parts(meta, 1).flatMap((info) => texts(info, 4))[0] ?? "";
  const nodes = parts(meta, 2)
    .flatMap((graph) => parts(graph, 1))
    .map((node) => ({
      name: texts(node, 1)[0] ?? "",
      op: texts(node, 2)[0] ?? "",
      inputs: texts(node, 3),
      device: texts(node, 4)[0] ?? "",
      attributes: parts(node, 5).flatMap((entry) => texts(entry, 1)),
    }));
  return { tag, nodes };
}
