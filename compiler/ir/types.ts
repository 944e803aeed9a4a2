/** @file The typed graph that every stage between lowering and emission works on. All readonly. */
import type { ElementType, OpKind } from "@dlc/runtime";
import type { Origin } from "./origin.js";

/** A number, or a multiple of the batch size: "n", "2n", "784n". */
export type Dim = number | string;
export type Shape = readonly Dim[];

export interface TensorType {
  readonly dtype: ElementType;
  readonly shape: Shape;
}

/** `input`: a tensor of the batch or a scalar; `state`: a tensor that outlives the call. */
export type NodeKind = OpKind | "input" | "state";

export type Attributes = Readonly<Record<string, unknown>>;

/**
 * One operation. Nodes of kind input and state have the attributes `name` and, for inputs,
 * `role: "batch" | "scalar"`, and no inputs.
 */
export interface Node {
  /** Unique within its builder and ascending in creation order. */
  readonly id: number;
  readonly kind: NodeKind;
  /** Required inputs in order (variadic ops: all of them), then the optional ones that are present. */
  readonly inputs: readonly Value[];
  /** Names of the optional inputs present, aligned with the tail of `inputs`. */
  readonly optional: readonly string[];
  readonly attrs: Attributes;
  readonly types: readonly TensorType[];
  readonly origin: Origin;
}

/** One result of a node. */
export interface Value {
  readonly node: Node;
  readonly output: number;
}

/** A result of the program. `state` results replace the state tensor of that name. */
export interface GraphOutput {
  readonly name: string;
  readonly role: "output" | "state";
  readonly value: Value;
}

/** A tensor that the body of an op is called with: the `input` node of that name stands for it. */
export interface Parameter {
  readonly name: string;
  readonly type: TensorType;
}

/** A whole program. The nodes are whatever the outputs reach; `topological(graph)` orders them. */
export interface Graph {
  readonly name: string;
  readonly outputs: readonly GraphOutput[];
  /** Of an op's body: what it is called with, in order, whether it is used or not. */
  readonly parameters?: readonly Parameter[];
}

/** Is an attribute's value the body of an op (of `scan`)? Its nodes are a world of their own. */
export const isGraph = (value: unknown): value is Graph =>
  typeof value === "object" && value !== null && "outputs" in value && "name" in value;

export function typeOf(value: Value): TensorType {
  const type = value.node.types[value.output];
  if (type === undefined) throw new Error(`node ${value.node.id} has no output ${value.output}`);
  return type;
}

export const shapeOf = (value: Value): Shape => typeOf(value).shape;
