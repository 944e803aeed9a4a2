/**
 * @file TensorFlow's file formats, as far as a program needs them: a GraphDef in a SavedModel.
 * Field numbers: tensorflow/core/framework/{graph,node_def,attr_value,tensor,tensor_shape}.proto and
 * tensorflow/core/protobuf/{saved_model,meta_graph}.proto.
 */
import { allocate, type ElementType } from "../../tensor.js";
import { encodeMessage, type MessageWriter } from "../protobuf.js";

/** Types of tensors inside of a graph: the contract's, and handles of variables and lists. */
export type GraphType = ElementType | "resource" | "variant" | "i64";

/** tensorflow/core/framework/types.proto */
export const typeCodes: Readonly<Record<GraphType, number>> = {
  f32: 1,
  i32: 3,
  u8: 4,
  i64: 9,
  bool: 10,
  bf16: 14,
  f16: 19,
  resource: 20,
  variant: 21,
  u32: 22,
};

/** Constants have the contract's host types; others are cast. */
export type ConstantType = "f32" | "i32" | "u32" | "u8" | "bool";

export type Attribute =
  | { readonly type: GraphType }
  | { readonly int: number }
  | { readonly ints: readonly number[] }
  | { readonly float: number }
  | { readonly bool: boolean }
  | { readonly string: string }
  | { readonly types: readonly GraphType[] }
  | { readonly shape: readonly number[] }
  | {
      readonly tensor: {
        readonly dtype: ConstantType;
        readonly shape: readonly number[];
        readonly values: readonly number[];
      };
    };

export interface GraphNode {
  readonly name: string;
  readonly op: string;
  /** Tensors ("node" or "node:1"), then control inputs ("^node"). */
  readonly inputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

const writeShape =
  (shape: readonly number[]) =>
  (w: MessageWriter): void => {
    for (const size of shape) w.message(2, (dim) => dim.int(1, size));
  };

function writeTensor(
  w: MessageWriter,
  { dtype, shape, values }: Extract<Attribute, { readonly tensor: unknown }>["tensor"],
): void {
  const data = allocate(dtype, values.length);
  data.set(values);
  w.int(1, typeCodes[dtype]);
  w.message(2, writeShape(shape));
  w.bytes(4, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

const writers: {
  readonly [K in
    | "type"
    | "int"
    | "ints"
    | "float"
    | "bool"
    | "string"
    | "types"
    | "shape"
    | "tensor"]: (w: MessageWriter, value: never) => void;
} = {
  ints: (w, values: readonly number[]) =>
    w.message(1, (list) => {
      for (const value of values) list.int(3, value);
    }),
  types: (w, values: readonly GraphType[]) =>
    w.message(1, (list) => {
      for (const value of values) list.int(6, typeCodes[value]);
    }),
  string: (w, value: string) => w.string(2, value),
  int: (w, value: number) => w.int(3, value),
  float: (w, value: number) => w.float(4, value),
  bool: (w, value: boolean) => w.int(5, value ? 1 : 0),
  type: (w, value: GraphType) => w.int(6, typeCodes[value]),
  shape: (w, value: readonly number[]) => w.message(7, writeShape(value)),
  tensor: (w, value: Extract<Attribute, { readonly tensor: unknown }>["tensor"]) =>
    w.message(8, (tensor) => writeTensor(tensor, value)),
};

function writeAttribute(w: MessageWriter, attribute: Attribute): void {
  for (const [kind, value] of Object.entries(attribute)) {
    writers[kind as keyof typeof writers](w, value as never);
  }
}

function writeNode(
  w: MessageWriter,
  { name, op, inputs, attributes }: GraphNode,
  device: string,
): void {
  w.string(1, name);
  w.string(2, op);
  for (const input of inputs) w.string(3, input);
  if (device !== "") w.string(4, device);
  for (const [key, attribute] of Object.entries(attributes)) {
    w.message(5, (entry) => {
      entry.string(1, key);
      entry.message(2, (value) => writeAttribute(value, attribute));
    });
  }
}

/** What `loadSavedModel` is asked for. */
export const modelTag = "dlc";
/** The GraphDef version written: that of TensorFlow 2.9, which later versions read. */
const producer = 1286;

/** Where nodes are computed; otherwise TensorFlow takes a GPU where it has one. */
const places: Readonly<Record<string, string>> = { cpu: "/device:CPU:0" };

/**
 * The bytes of `saved_model.pb`: one graph without signatures (feeds and fetches go by name), for one of the
 * engine's devices.
 */
export function encodeSavedModel(nodes: readonly GraphNode[], device: string): Uint8Array {
  const place = places[device] ?? "";
  return encodeMessage((model) => {
    model.int(1, 1);
    model.message(2, (meta) => {
      meta.message(1, (info) => {
        info.string(4, modelTag);
        info.string(5, "2.9.1");
      });
      meta.message(2, (graph) => {
        for (const node of nodes) graph.message(1, (w) => writeNode(w, node, place));
        graph.message(4, (versions) => {
          versions.int(1, producer);
          versions.int(2, 0);
        });
      });
    });
  });
}
