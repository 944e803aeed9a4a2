/**
 * @file Writes ONNX models. Field numbers and enum values are those of onnx.proto (ONNX 1.14,
 * https://github.com/onnx/onnx/blob/main/onnx/onnx.proto), named in the comments.
 */
import { toHalfBits } from "../../half.js";
import type { ElementType } from "../../tensor.js";
import { encodeMessage, type MessageWriter } from "../protobuf.js";

/** Element types inside a graph: those of the contract, and two that lowerings use for themselves. */
export type GraphDType = ElementType | "i64" | "f64";

/** TensorProto.DataType */
const dataTypes: Readonly<Record<GraphDType, number>> = {
  f32: 1,
  u8: 2,
  i32: 6,
  i64: 7,
  bool: 9,
  f16: 10,
  f64: 11,
  u32: 12,
  bf16: 16,
};

/** Plain numbers are integers; floats are marked, because 1.0 and 1 are the same in JavaScript. */
export type AttributeValue =
  | number
  | string
  | readonly number[]
  | { readonly float: number }
  | { readonly dtype: GraphDType }
  | { readonly graph: Subgraph };

export interface GraphNode {
  readonly name: string;
  readonly op: string;
  /** "" for the standard operators. */
  readonly domain: string;
  /** Names of tensors; "" for an optional input that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, AttributeValue>>;
}
/** An input or output of a model; a dimension with a name is open until the model runs. */
export interface GraphValue {
  readonly name: string;
  readonly dtype: GraphDType;
  readonly shape: readonly (number | string)[];
}
export interface GraphTensor extends GraphValue {
  readonly shape: readonly number[];
}
export interface GraphConstant extends GraphTensor {
  readonly values: readonly number[];
}
/** The body of a loop. It may use tensors of the graph around it by their names. */
export interface Subgraph {
  readonly nodes: readonly GraphNode[];
  readonly inputs: readonly GraphTensor[];
  readonly outputs: readonly GraphTensor[];
  /** Of its own; what it shares with the graph around it is there. */
  readonly constants?: readonly GraphConstant[];
}
export interface Model extends Subgraph {
  readonly constants: readonly GraphConstant[];
}
/** A model that is not of one size. */
export interface OpenModel {
  readonly nodes: readonly GraphNode[];
  readonly constants: readonly GraphConstant[];
  readonly inputs: readonly GraphValue[];
  readonly outputs: readonly GraphValue[];
}

/** IR version 8 is the one that came with operator set 17. */
const irVersion = 8;
/** Versions of the operator sets: 17 has all that the lowerings use. */
const operatorSets = { "": 17, "com.microsoft": 1, "com.microsoft.nchwc": 1 };

const rawArrays: Readonly<Record<GraphDType, (values: readonly number[]) => ArrayBufferView>> = {
  f32: (values) => Float32Array.from(values),
  f64: (values) => Float64Array.from(values),
  i32: (values) => Int32Array.from(values),
  u32: (values) => Uint32Array.from(values),
  i64: (values) => BigInt64Array.from(values, BigInt),
  u8: (values) => Uint8Array.from(values),
  bool: (values) => Uint8Array.from(values),
  f16: (values) => Uint16Array.from(values, (value) => toHalfBits("f16", value)),
  bf16: (values) => Uint16Array.from(values, (value) => toHalfBits("bf16", value)),
};

function rawBytes(dtype: GraphDType, values: readonly number[]): Uint8Array {
  const array = rawArrays[dtype](values);
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** TensorProto: dims 1, data_type 2, name 8, raw_data 9 */
function writeConstant(w: MessageWriter, constant: GraphConstant): void {
  for (const dim of constant.shape) w.int(1, dim);
  w.int(2, dataTypes[constant.dtype]);
  w.string(8, constant.name);
  w.bytes(9, rawBytes(constant.dtype, constant.values));
}

/**
 * AttributeProto: name 1, f 2, i 3, s 4, g 6, ints 8, type 20 (FLOAT 1, INT 2, STRING 3, GRAPH 5,
 * INTS 7)
 */
function writeAttribute(w: MessageWriter, name: string, value: AttributeValue): void {
  w.string(1, name);
  if (typeof value === "number") {
    w.int(3, value);
    w.int(20, 2);
  } else if (typeof value === "string") {
    w.bytes(4, new TextEncoder().encode(value));
    w.int(20, 3);
  } else if ("float" in value) {
    w.float(2, value.float);
    w.int(20, 1);
  } else if ("dtype" in value) {
    w.int(3, dataTypes[value.dtype]);
    w.int(20, 2);
  } else if ("graph" in value) {
    w.message(6, (inner) => writeGraph(inner, name, { constants: [], ...value.graph }));
    w.int(20, 5);
  } else {
    for (const element of value) w.int(8, element);
    w.int(20, 7);
  }
}

/** NodeProto: input 1, output 2, name 3, op_type 4, attribute 5, domain 7 */
function writeNode(w: MessageWriter, node: GraphNode): void {
  for (const name of node.inputs) w.string(1, name);
  for (const name of node.outputs) w.string(2, name);
  w.string(3, node.name);
  w.string(4, node.op);
  for (const [name, value] of Object.entries(node.attributes)) {
    w.message(5, (inner) => writeAttribute(inner, name, value));
  }
  if (node.domain !== "") w.string(7, node.domain);
}

/**
 * ValueInfoProto: name 1, type 2; TypeProto: tensor_type 1; TypeProto.Tensor: elem_type 1, shape 2;
 * TensorShapeProto: dim 1; Dimension: dim_value 1, dim_param 2
 */
function writeTensor(w: MessageWriter, tensor: GraphValue): void {
  w.string(1, tensor.name);
  w.message(2, (type) =>
    type.message(1, (tensorType) => {
      tensorType.int(1, dataTypes[tensor.dtype]);
      tensorType.message(2, (shape) => {
        for (const dim of tensor.shape) {
          shape.message(1, (d) => (typeof dim === "number" ? d.int(1, dim) : d.string(2, dim)));
        }
      });
    }),
  );
}

/** GraphProto: node 1, name 2, initializer 5, input 11, output 12 */
function writeGraph(w: MessageWriter, name: string, graph: OpenModel): void {
  for (const node of graph.nodes) w.message(1, (inner) => writeNode(inner, node));
  w.string(2, name);
  for (const constant of graph.constants) w.message(5, (inner) => writeConstant(inner, constant));
  for (const input of graph.inputs) w.message(11, (inner) => writeTensor(inner, input));
  for (const output of graph.outputs) w.message(12, (inner) => writeTensor(inner, output));
}

/** ModelProto: ir_version 1, producer_name 2, graph 7, opset_import 8 (domain 1, version 2) */
export function encodeModel(model: OpenModel): Uint8Array {
  return encodeMessage((w) => {
    w.int(1, irVersion);
    w.string(2, "dlc");
    w.message(7, (graph) => writeGraph(graph, "program", model));
    for (const [domain, version] of Object.entries(operatorSets)) {
      w.message(8, (set) => {
        set.string(1, domain);
        set.int(2, version);
      });
    }
  });
}
