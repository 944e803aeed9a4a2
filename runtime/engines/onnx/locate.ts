/** @file What ONNX Runtime says when a run fails, told in terms of the program: its layers and tensors. */
import type { Program } from "../../program.js";
import { bytesPerElement, sizeOf } from "../../tensor.js";
import type { Graph } from "./graph.js";
import type { GraphDType } from "./model-proto.js";
import type { Recording } from "./record.js";

/** A tensor that a program computes. */
export interface NamedTensor {
  /** The layer, or "" for what belongs to none. */
  readonly layer: string;
  readonly op: string;
  readonly shape: readonly number[];
  readonly bytes: number;
}

const bytesOf = (dtype: GraphDType): number =>
  dtype === "i64" || dtype === "f64" ? 8 : bytesPerElement[dtype];

/** What the nodes of a graph make, the largest first. */
export function largestTensors(graph: Graph): readonly NamedTensor[] {
  const tensors: NamedTensor[] = [];
  for (const { node, source, results } of graph.made()) {
    if (node.op === "Reshape") continue;
    for (const { dtype, shape } of results) {
      const { scope: layer, op } = source;
      tensors.push({ layer, op, shape, bytes: sizeOf(shape) * bytesOf(dtype) });
    }
  }
  return tensors.sort((a, b) => b.bytes - a.bytes);
}

const describe = ({ layer, op, shape, bytes }: NamedTensor): string =>
  `[${shape.join()}] of ${op}${layer === "" ? "" : ` of layer '${layer}'`} (${(bytes / 2 ** 20).toFixed(1)} MiB)`;

/** Dawn's words where a buffer is larger than the device's buffers may be. */
const tooLarge = /Buffer size \((\d+)\) exceeds the max buffer size limit \((\d+)\)/;
/** Dawn's words where memory ran out: the buffer that was not made is found missing afterwards. */
const exhausted = /OUT_OF_DEVICE_MEMORY|out of memory|\[Invalid Buffer/i;

/** What failed as far as the message tells: the node's layer, or the tensors that memory went to. */
function placeOf(message: string, { graph }: Recording): string {
  const names = [...graph.nodeNames()].filter((name) => message.includes(name));
  const node = names.sort((a, b) => b.length - a.length)[0];
  const source = node === undefined ? undefined : graph.sourceOf(node);
  if (source !== undefined) return ` in ${source.op} of layer '${source.scope}'`;
  const limit = tooLarge.exec(message)?.[2];
  if (limit === undefined && !exhausted.test(message)) return "";
  const tensors = largestTensors(graph);
  const guilty = limit === undefined ? [] : tensors.filter(({ bytes }) => bytes > Number(limit));
  const told = (guilty.length > 0 ? guilty : tensors).slice(0, 3).map(describe).join(", ");
  return limit === undefined
    ? `: the device's memory is used up; the largest tensors are ${told}`
    : `: the device's buffers hold ${Number(limit) / 2 ** 20} MiB at most, which is too little for ${told}`;
}

/** The error with the program's name and the place in it. */
export function locate(error: unknown, recording: Recording, program: Program): Error {
  const message = error instanceof Error ? error.message : String(error);
  const place = placeOf(message, recording);
  return new Error(`program ${program.name} failed${place}: ${message}`, { cause: error });
}
